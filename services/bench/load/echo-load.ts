/** A load on the bare transport: WebSocket frames of the size that DPR's batches have, sent back as they are. */
import { once } from 'node:events';
import { AMOUNT_BYTES } from '@dpr/counter/operations';
import { BATCH_HEADER_BYTES } from '@dpr/protocol';
import { noMask, type RawSocket } from '@dpr/runtime/web-socket';
import { WebSocket } from 'ws';
import { bareSocket } from '../bare-socket.ts';
import { shared, type Line, type Load, type LoadTarget } from './load-interface.ts';

export async function echoLoad({ address, cell }: LoadTarget): Promise<Load> {
  const { connections, sessions = 1, batch } = cell;
  const frame = Buffer.alloc(BATCH_HEADER_BYTES + batch * AMOUNT_BYTES, 1);
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(address)));
  return {
    lines: shared(
      sockets.map(({ ws, send }) => lineOf(ws, () => send(frame))),
      sessions,
    ),
    close() {
      for (const { ws } of sockets) ws.terminate();
      return Promise.resolve();
    },
  };
}

async function open(address: string): Promise<{ ws: WebSocket; send: (frame: Uint8Array) => void }> {
  const ws = new WebSocket(address, { perMessageDeflate: false, generateMask: noMask });
  let socket: RawSocket | undefined;
  ws.on('upgrade', (response) => (socket = response.socket));
  await once(ws, 'open');
  if (socket === undefined) throw new Error('a WebSocket opened without a socket');
  return { ws, send: bareSocket(ws, socket) };
}

function lineOf(ws: WebSocket, send: () => void): Line {
  const waiting: (() => void)[] = [];
  let first = 0;
  ws.on('message', () => {
    const answered = waiting[first++];
    if (first === waiting.length) {
      waiting.length = 0;
      first = 0;
    }
    answered?.();
  });
  return {
    issue(answered) {
      waiting.push(answered);
      send();
    },
  };
}
