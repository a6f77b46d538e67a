/** Hands a peer's frames on, some at a time; holds the others back until the peer has read, or until their turn has come. */
import { append } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import type { FrameSocket } from './frame-socket.ts';
import type { InputTurns } from './input-turns.ts';

export interface HeldFrames {
  hand(messages: readonly Message[]): void;
  /** A message of this many bytes was handed over: while frames of it are held back, they count. */
  cameIn(bytes: number): void;
  /** Of the messages that the frames came in which are held back: no more than one read of the socket brought. */
  bytes(): number;
  /** Go on, if the peer has read. @returns whether nothing is held back any more */
  release(): boolean;
}

/**
 * Frames that are handed on at a time. A few bytes may ask for `MAX_BATCH_BYTES` in return, so it is looked after each of these
 * whether the peer has read enough; what it asked for before that stays below `closeBytes`.
 */
const FRAMES_AT_ONCE = 16;

/** Once so much is unread, it is looked after each frame. */
const MANY_UNREAD_BYTES = 64 * 1024;

export interface HeldFramesUser {
  /** False once what comes does not count any more. */
  readonly isOpen: () => boolean;
  readonly deliver: (messages: readonly Message[]) => void;
  /** The turn has come to go on. */
  readonly turn: () => void;
}

export function heldFrames(
  frames: Pick<FrameSocket, 'isFull' | 'pause' | 'holdReading' | 'unsentBytes'>,
  turns: InputTurns,
  { isOpen, deliver, turn }: HeldFramesUser,
): HeldFrames {
  const waiter = { goOn: turn };
  let held: Message[] = [];
  let heldBytes = 0;

  function hand(messages: readonly Message[]): void {
    for (let at = 0; at < messages.length && isOpen();) {
      if (held.length > 0 || mustWait()) return append(held, messages.slice(at));
      const some = frames.unsentBytes() > MANY_UNREAD_BYTES ? 1 : FRAMES_AT_ONCE;
      deliver(messages.length <= some ? messages : messages.slice(at, at + some));
      at += some;
    }
  }

  /** Reading stops before anything is held back: of a turn, or until the peer has read. */
  function mustWait(): boolean {
    if (frames.isFull()) {
      frames.pause();
      return true;
    }
    if (!turns.isOver()) return false;
    frames.holdReading();
    turns.wait(waiter);
    return true;
  }

  return {
    hand,
    cameIn(bytes) {
      if (held.length > 0) heldBytes += bytes;
    },
    bytes: () => heldBytes,
    release() {
      const messages = held;
      held = [];
      hand(messages);
      if (held.length > 0) return false;
      heldBytes = 0;
      return true;
    },
  };
}
