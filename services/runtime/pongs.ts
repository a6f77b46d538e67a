/** Answers pings, some at a time: of those that come while the peer reads no answers, the last one is answered, as RFC 6455 allows. */
import type { WebSocket } from 'ws';

/** Answers of one connection that wait for the system to take them over. */
export const MAX_UNWRITTEN_PONGS = 16;

/** @param ws one that does not answer pings by itself */
export function answerPings(ws: WebSocket): void {
  let unwritten = 0;
  let last: Buffer | undefined;

  function answer(data: Buffer): void {
    if (ws.readyState !== ws.OPEN) return;
    unwritten++;
    ws.pong(data, false, written);
  }

  function written(): void {
    unwritten--;
    const next = last;
    last = undefined;
    if (next !== undefined) answer(next);
  }

  ws.on('ping', (data) => {
    if (unwritten < MAX_UNWRITTEN_PONGS) answer(data);
    else last = Buffer.from(data); // not a view of all that came with it
  });
}
