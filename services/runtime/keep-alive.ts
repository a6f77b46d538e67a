/**
 * Finds peers that say nothing. One that is silent for long counts as gone without a word, as a machine that lost power or behind a
 * path that drops packets, and is disconnected. One that others wait for is watched: its silence is told of far sooner.
 */
import type { ToldOfSilence } from './dialed-socket.ts';
import type { FrameSocket } from './frame-socket.ts';

/** A peer that sends nothing for this long, not even the answer to a ping, counts as gone. */
export const RECEIVE_TIMEOUT_MS = 30_000;
/** Silence is looked for in this many steps, each with a ping. */
export const SILENT_INTERVALS = 3;

/** How often a watched peer is looked at. */
export const WATCH_INTERVAL_MS = 500;
/** So many intervals in a row without a word make a watched peer silent: it was asked after the first, and did not answer in the rest. */
export const UNANSWERED_INTERVALS = 3;

/** @returns what is to be called once per interval, with what the ping is to say; it pings, and disconnects a peer that was silent for too long */
export function keepAlive(frames: FrameSocket): (ask?: Buffer) => void {
  const gaveSign = signsOf(frames);
  let silent = 0;
  return (ask) => {
    silent = gaveSign() ? 0 : silent + 1;
    if (silent >= SILENT_INTERVALS) return frames.terminate();
    frames.ping(ask);
  };
}

/**
 * Intervals are counted rather than measured: one who stood still, together with everything else on the machine perhaps, looks once
 * when it goes on, and then reads the answers that arrived meanwhile.
 *
 * @returns what is to be called once per interval; it pings a peer that said nothing since the last one
 */
export function silenceWatch(frames: FrameSocket, intervalMs: number, told: ToldOfSilence): () => void {
  const gaveSign = signsOf(frames);
  let silent = 0;
  return () => {
    if (gaveSign()) {
      if (silent >= UNANSWERED_INTERVALS) told(0);
      silent = 0;
      return;
    }
    silent++;
    if (silent < UNANSWERED_INTERVALS) frames.ping();
    else if (silent === UNANSWERED_INTERVALS) told(silent * intervalMs);
  };
}

/** @returns whether the peer gave a sign of life since that was asked last */
function signsOf(frames: FrameSocket): () => boolean {
  let received = 0;
  let sent = 0;
  return () => {
    // A peer that is not listened to shows that it lives by reading, and one whose frames wait has sent these.
    const reads = frames.isPaused() && frames.sentBytes() > sent;
    const lives = frames.receivedBytes() > received || reads || frames.isHeld();
    received = frames.receivedBytes();
    sent = frames.sentBytes();
    return lives;
  };
}
