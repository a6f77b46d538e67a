/**
 * Finds peers that hold memory by being slow: that send a message, or read what they were answered, a few bytes at a time. Looks are
 * counted rather than time measured, so that a process that stood still does not blame its peers for it.
 */
import type { FrameSocket } from './frame-socket.ts';

/** A message must be complete within this time from its first byte, while the server reads. */
export const MESSAGE_MS = 30_000;
/** What a peer has not read when the server stops reading from it must be read within this time. */
export const UNREAD_MS = 60_000;
/** It is looked so often. */
export const PACE_LOOK_MS = 500;

export interface Pace {
  readonly messageMs: number;
  readonly unreadMs: number;
  readonly paceLookMs: number;
}

/** @returns what is to be called once per look; why the peer is too slow, once it is */
export function paceOf(frames: FrameSocket, limits: Pace): () => string | undefined {
  const { messageMs, unreadMs, paceLookMs } = limits;
  let finished = 0;
  let receivingMs = 0;
  let toRead = 0;
  let readingMs = 0;

  function reading(): string | undefined {
    if (!frames.isPaused() || frames.sentBytes() >= toRead) {
      toRead = frames.sentBytes() + frames.unsentBytes();
      readingMs = 0;
      return undefined;
    }
    readingMs += paceLookMs;
    return readingMs > unreadMs ? `what was sent was not read within ${unreadMs} ms` : undefined;
  }

  function receiving(): string | undefined {
    if (frames.isPaused() || frames.isHeld()) return undefined; // its time stands still
    const isSame = frames.unfinishedBytes() > 0 && frames.finishedMessages() === finished;
    finished = frames.finishedMessages();
    receivingMs = isSame ? receivingMs + paceLookMs : 0;
    return receivingMs > messageMs ? `a message was not complete within ${messageMs} ms` : undefined;
  }

  return () => reading() ?? receiving();
}
