/** Frames over one socket of messages: those of one tick leave together, and buffers have limits. */
import {
  decodeMessage,
  draftBytes,
  encodeMessage,
  FrameError,
  MAX_FRAMES_IN_MESSAGE,
  type Draft,
  type Message,
} from '@dpr/protocol';
import type { Budget, BudgetPart } from './budget.ts';
import type { Host, Timer } from './host.ts';
import type { MessageSocket, MessageSocketUser } from './message-socket.ts';
import { tickEndOf } from './tick-end.ts';

export interface FrameSocket {
  /** Send one frame; all that are sent in one tick travel together. Its bytes must not change afterwards. */
  readonly send: (frame: Draft) => void;
  /** Close after what was sent; the peer has `CLOSE_TIMEOUT_MS` to answer. */
  close(code: number, reason: string): void;
  /** Close at once. */
  terminate(): void;
  /** Close at once, with a last word that a peer hears if it reads. */
  cutOff(code: number, reason: string): void;
  /** From now on its unsent bytes count in this budget. */
  countUnsent(budget: Budget): void;
  /** Does the peer have more unread than `pauseBytes`, what was sent in this tick included? */
  isFull(): boolean;
  /** Bytes that were sent and that the system has not taken over yet. */
  readonly unsentBytes: () => number;
  /** Read nothing more until the peer has read what was sent. */
  pause(): void;
  /** Read nothing more before `goOnReading`: what came waits for a later turn. */
  holdReading(): void;
  /** @param release hands over what was held back; false: some of it is held back again */
  goOnReading(release: () => boolean): void;
  /** What came waits for a later turn. */
  isHeld(): boolean;
  /** Bytes that the system has taken over so far: grows as long as the peer reads. */
  sentBytes(): number;
  receivedBytes(): number;
  /** What a message that is not complete yet takes in memory; 0 between messages. */
  unfinishedBytes(): number;
  /** Messages, and control frames between them, that were complete so far. */
  finishedMessages(): number;
  /** Reading waits until the peer has read what was sent. */
  isPaused(): boolean;
  /** False once either side has begun to close it. */
  readonly isOpen: () => boolean;
  /** Ask the peer for a sign of life, unless it is not listened to. */
  ping(data?: Uint8Array): void;
}

/** Who uses the frames of a socket: a user of the socket, but for what this deals with. */
export interface FrameSocketUser extends Omit<MessageSocketUser, 'drained'> {
  /** The system took over everything that had piled up. @returns whether reading may go on: false while frames are held back */
  drained(): boolean;
}

/**
 * Of two peers only the one that listens ever stops reading, and only until the other one has read. The one that dialled always
 * reads, so no two wait for each other, nor any more of them in a circle.
 */
export interface BufferLimits {
  /** A peer with more than this unread is not listened to until it has read it; Infinity: it always is. */
  readonly pauseBytes: number;
  /** A peer with more than this unread is disconnected. */
  readonly closeBytes: number;
}

/** Of the side that listens. */
export const BUFFER_LIMITS: BufferLimits = { pauseBytes: 1024 * 1024, closeBytes: 128 * 1024 * 1024 };
/** Of the side that dials: what it may have to take in is bounded by what it asked for. */
export const DIAL_BUFFER_LIMITS: BufferLimits = { ...BUFFER_LIMITS, pauseBytes: Infinity };

/** How long a peer that was told of the end may take to agree. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Status codes of WebSockets: those of RFC 6455 and of its registry (1013), and one of this protocol's own. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  malformed: 1007,
  refused: 1008,
  short: 1013,
  slow: 4008,
} as const;

/** The frames that a message carries. @throws FrameError when it is none of this protocol */
export function framesOf(data: Buffer, isBinary: boolean): readonly Message[] {
  if (!isBinary) throw new FrameError('a frame is a binary message, not a text');
  return decodeMessage(data);
}

/** Frames go into one message up to this size: beyond it, copying them together costs more than a message does. */
const MESSAGE_BYTES = 64 * 1024;

export function frameSocket(
  host: Host,
  socket: MessageSocket,
  limits: BufferLimits,
  user: FrameSocketUser,
): FrameSocket {
  const atTickEnd = tickEndOf(host);
  let holding = false;
  /** Frames of this tick that are not in a message yet, and their bytes. */
  let gathered: Draft[] = [];
  let gatheredBytes = 0;
  /** Until the peer has read what was sent. */
  let paused = false;
  /** Until what it sent was handed over. */
  let held = false;
  let closed = false;
  let closing: Timer | undefined;
  let part: BudgetPart | undefined;

  const terminate = (): void => socket.terminate();

  function unsentBytes(): number {
    return gatheredBytes + socket.unsentBytes();
  }

  function pause(): void {
    if (paused) return;
    paused = true;
    socket.pause();
  }

  function resume(): void {
    if (!paused && !held && !closed) socket.resume();
  }

  function sendGathered(): void {
    if (gathered.length === 0) return;
    if (socket.isOpen()) socket.send(encodeMessage(gathered));
    gathered = [];
    gatheredBytes = 0;
    part?.set(socket.unsentBytes());
  }

  function uncork(): void {
    holding = false;
    sendGathered();
    socket.uncork();
    const unsent = socket.unsentBytes();
    if (unsent > limits.closeBytes) socket.terminate();
    else if (unsent > limits.pauseBytes) pause();
  }

  socket.attach({
    opened: () => user.opened(),
    message: (data, isBinary) => user.message(data, isBinary),
    received: () => user.received(),
    pong: (data) => user.pong(data),
    failed: (error) => user.failed(error),
    drained() {
      part?.set(socket.unsentBytes());
      const wasPaused = paused;
      paused = false;
      if (user.drained() && wasPaused) resume();
    },
    closed(code) {
      closed = true;
      host.clearTimeout(closing);
      part?.end();
      user.closed(code);
    },
  });

  return {
    send(frame) {
      if (!socket.isOpen()) return;
      if (!holding) {
        holding = true;
        socket.cork();
        atTickEnd(uncork);
      }
      const size = draftBytes(frame);
      if (gatheredBytes + size > MESSAGE_BYTES || gathered.length === MAX_FRAMES_IN_MESSAGE) sendGathered();
      gathered.push(frame);
      gatheredBytes += size;
    },
    close(code, reason) {
      if (closed) return;
      sendGathered();
      socket.close(code, reason);
      closing ??= host.setTimeout(terminate, CLOSE_TIMEOUT_MS);
      // A peer that is not listened to could not be heard agreeing either.
      if (paused || held) socket.resume();
    },
    terminate,
    cutOff(code, reason) {
      if (socket.isOpen()) socket.close(code, reason);
      socket.pause();
      host.setImmediate(terminate);
    },
    countUnsent(budget) {
      part = budget.join(terminate);
    },
    isFull: () => unsentBytes() > limits.pauseBytes,
    unsentBytes,
    pause,
    holdReading() {
      held = true;
      socket.pause();
    },
    goOnReading(release) {
      held = false;
      if (release()) resume();
    },
    isHeld: () => held,
    sentBytes: () => socket.sentBytes(),
    receivedBytes: () => socket.receivedBytes(),
    unfinishedBytes: () => socket.unfinishedBytes(),
    finishedMessages: () => socket.finishedMessages(),
    isPaused: () => paused,
    isOpen: () => socket.isOpen(),
    ping(data) {
      if (socket.isOpen() && !paused) socket.ping(data);
    },
  };
}
