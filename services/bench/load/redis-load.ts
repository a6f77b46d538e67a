/** A load on Redis that costs as little as possible: prepared pipelines on a bare socket, and replies that are only counted. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { shared, type Line, type Load, type LoadTarget } from './line.ts';

const KEY = 'counter';
const NEWLINE = 0x0a;
const COLON = 0x3a;

export async function redisLoad({ address, connections, sessions = 1, batch }: LoadTarget): Promise<Load> {
  const { hostname, port } = new URL(address);
  const words = ['INCRBY', KEY, '1'];
  const command = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  const pipeline = Buffer.from(command.repeat(batch));
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  return {
    lines: shared(
      sockets.map((socket) => pipelined(socket, pipeline, batch)),
      sessions,
    ),
    close() {
      for (const socket of sockets) socket.destroy();
      return Promise.resolve();
    },
  };
}

/** Pipelines of one tick leave in one write. */
function pipelined(socket: Socket, pipeline: Buffer, batch: number): Line {
  const waiting: (() => void)[] = [];
  let first = 0;
  let missing = batch;
  let corked = false;
  let isLineStart = true;

  socket.on('data', (bytes: Buffer) => {
    let at = 0;
    for (;;) {
      if (isLineStart && at < bytes.length && bytes[at] !== COLON)
        throw new Error(`Redis answered ${bytes.toString('latin1', at, at + 100)}`);
      const end = bytes.indexOf(NEWLINE, at);
      isLineStart = end >= 0;
      if (end < 0) return;
      at = end + 1;
      if (--missing > 0) continue;
      missing = batch;
      const answered = waiting[first++];
      if (first === waiting.length) {
        waiting.length = 0;
        first = 0;
      }
      answered?.();
    }
  });

  function uncork(): void {
    corked = false;
    socket.uncork();
  }

  return {
    issue(answered) {
      waiting.push(answered);
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      socket.write(pipeline);
    },
  };
}
