/** Finds peers that are gone without a word: a machine that lost power, a path that drops packets. */
import type { WebSocket } from 'ws';
import type { FrameSocket } from './frame-socket.ts';

/** How often a peer is asked for a sign of life. */
export const PING_INTERVAL_MS = 10_000;
/** Intervals without any byte of the peer after which it counts as gone. */
const MAX_SILENT_INTERVALS = 2;

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
    if (silent > MAX_SILENT_INTERVALS) return ws.terminate();
    if (ws.readyState === ws.OPEN && !frames.isPaused()) ws.ping();
  };
}
