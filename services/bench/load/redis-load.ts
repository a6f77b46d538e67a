/** A load on Redis that costs as little as possible: prepared pipelines on a bare socket, and replies that are only counted. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { shared, type Line, type Load, type LoadTarget } from './load-interface.ts';

const KEY = 'counter';
const NEWLINE = 0x0a;
/** What the line of an error begins with. */
const ERROR = 0x2d;

export async function redisLoad({ address, cell }: LoadTarget): Promise<Load> {
  const { connections, sessions = 1, batch } = cell;
  const { hostname, port } = new URL(address);
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  const lines = sockets.map((socket, index) =>
    cell.route?.kind === 'read' && index === 0
      ? pipelined(socket, pipelineOf(['GET', KEY], batch), 2 * batch) // each a length and a value
      : pipelined(socket, pipelineOf(['INCRBY', KEY, '1'], batch), batch),
  );
  return {
    lines: shared(lines, sessions),
    close() {
      for (const socket of sockets) socket.destroy();
      return Promise.resolve();
    },
  };
}

function pipelineOf(words: readonly string[], batch: number): Buffer {
  const command = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  return Buffer.from(command.repeat(batch));
}

/** Pipelines of one tick leave in one write. @param lines in the answer to one */
function pipelined(socket: Socket, pipeline: Buffer, lines: number): Line {
  const waiting: (() => void)[] = [];
  let first = 0;
  let missing = lines;
  let corked = false;
  let isLineStart = true;

  socket.on('data', (bytes: Buffer) => {
    let at = 0;
    for (;;) {
      if (isLineStart && bytes[at] === ERROR)
        throw new Error(`Redis answered ${bytes.toString('latin1', at, at + 100)}`);
      const end = bytes.indexOf(NEWLINE, at);
      isLineStart = end >= 0;
      if (end < 0) return;
      at = end + 1;
      if (--missing > 0) continue;
      missing = lines;
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
