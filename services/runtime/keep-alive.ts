/** Finds peers that are gone without a word: a machine that lost power, a path that drops packets. */
import type { WebSocket } from 'ws';
import type { FrameSocket } from './frame-socket.ts';

/** A peer that sends nothing for this long, not even the answer to a ping, counts as gone. */
export const RECEIVE_TIMEOUT_MS = 30_000;
/** Silence is looked for in this many steps, each with a ping. */
export const SILENT_INTERVALS = 3;

/** @returns what is to be called once per interval; it pings, and disconnects a peer that was silent for too long */
export function keepAlive(ws: WebSocket, frames: FrameSocket): () => void {
  let received = 0;
  let sent = 0;
  let silent = 0;
  return () => {
    // A peer that is not listened to shows that it lives by reading.
    const lives = frames.receivedBytes() > received || (frames.isPaused() && frames.sentBytes() > sent);
    received = frames.receivedBytes();
    sent = frames.sentBytes();
    silent = lives ? 0 : silent + 1;
    if (silent >= SILENT_INTERVALS) return ws.terminate();
    if (ws.readyState === ws.OPEN && !frames.isPaused()) ws.ping();
  };
}
