/** One WebSocket with its raw socket at hand: frames of one tick leave together, and buffers have limits. */
import type { Duplex } from 'node:stream';
import {
  decodeMessage,
  draftBytes,
  encodeMessage,
  FrameError,
  MAX_FRAMES_IN_MESSAGE,
  type Draft,
  type Message,
} from '@dpr/protocol';
import type { RawData, WebSocket } from 'ws';
import type { Budget, BudgetPart } from './budget.ts';

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
  unsentBytes(): number;
  /** Read nothing more until the peer has read what was sent. */
  pause(): void;
  /** Bytes that the system has taken over so far: grows as long as the peer reads. */
  sentBytes(): number;
  receivedBytes(): number;
  /** Reading waits until the peer has read what was sent. */
  isPaused(): boolean;
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

/** `net.Socket` and `tls.TLSSocket` count bytes; the type of an upgraded socket does not say so. */
export interface RawSocket extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * The mask of a client's messages: zero, which costs neither side anything. Masks keep scripts that a browser runs for strangers
 * from writing to a proxy what it takes for a request of its own; these clients are programs, which could write that anyway.
 */
export function noMask(mask: Buffer): void {
  mask.fill(0);
}

/** The frames that a WebSocket's message carries. @throws FrameError when it is none of this protocol */
export function framesOf(data: RawData, isBinary: boolean): readonly Message[] {
  if (!isBinary) throw new FrameError('a frame is a binary message, not a text');
  return decodeMessage(data as Buffer);
}

/** Frames go into one message up to this size: beyond it, copying them together costs more than a message does. */
const MESSAGE_BYTES = 64 * 1024;
const SEND_OPTIONS = { binary: true, compress: false, fin: true } as const;

/** Sockets that hold frames of this tick back. */
const corked: (() => void)[] = [];

function uncorkAll(): void {
  for (const uncork of corked.splice(0)) uncork();
}

/**
 * @param drained told that the system took over everything that had piled up; @returns whether reading may go on: false while
 *   the owner has frames that it holds back
 */
export function frameSocket(
  ws: WebSocket,
  socket: RawSocket,
  limits: BufferLimits,
  drained: () => boolean,
): FrameSocket {
  let holding = false;
  /** Frames of this tick that are not in a message yet, and their bytes. */
  let gathered: Draft[] = [];
  let gatheredBytes = 0;
  let paused = false;
  let closing: NodeJS.Timeout | undefined;

  let part: BudgetPart | undefined;
  ws.on('close', () => {
    clearTimeout(closing);
    part?.end();
  });
  socket.on('drain', () => {
    part?.set(socket.writableLength);
    if (!drained() || !paused) return;
    paused = false;
    ws.resume();
  });

  function unsentBytes(): number {
    return gatheredBytes + socket.writableLength;
  }

  function pause(): void {
    if (paused) return;
    paused = true;
    ws.pause();
  }

  function sendGathered(): void {
    if (gathered.length === 0) return;
    if (ws.readyState === ws.OPEN) ws.send(encodeMessage(gathered), SEND_OPTIONS);
    gathered = [];
    gatheredBytes = 0;
    part?.set(socket.writableLength);
  }

  function uncork(): void {
    holding = false;
    sendGathered();
    socket.uncork();
    if (socket.writableLength > limits.closeBytes) ws.terminate();
    else if (socket.writableLength > limits.pauseBytes) pause();
  }

  return {
    send(frame) {
      if (ws.readyState !== ws.OPEN) return;
      if (!holding) {
        holding = true;
        socket.cork();
        if (corked.push(uncork) === 1) process.nextTick(uncorkAll);
      }
      const size = draftBytes(frame);
      if (gatheredBytes + size > MESSAGE_BYTES || gathered.length === MAX_FRAMES_IN_MESSAGE) sendGathered();
      gathered.push(frame);
      gatheredBytes += size;
    },
    close(code, reason) {
      if (ws.readyState === ws.CLOSED) return;
      sendGathered();
      ws.close(code, reason);
      closing ??= setTimeout(() => ws.terminate(), CLOSE_TIMEOUT_MS);
      // A peer that is not listened to could not be heard agreeing either.
      if (paused) ws.resume();
    },
    terminate: () => ws.terminate(),
    cutOff(code, reason) {
      if (ws.readyState === ws.OPEN) ws.close(code, reason);
      ws.pause();
      setImmediate(() => ws.terminate());
    },
    countUnsent(budget) {
      part = budget.join(() => ws.terminate());
    },
    isFull: () => unsentBytes() > limits.pauseBytes,
    unsentBytes,
    pause,
    sentBytes: () => socket.bytesWritten - socket.writableLength,
    receivedBytes: () => socket.bytesRead,
    isPaused: () => paused,
  };
}
