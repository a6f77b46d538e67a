/** One WebSocket with its raw socket at hand: frames of one tick leave in one write, and buffers have limits. */
import type { Duplex } from 'node:stream';
import { decode, FrameError, type Message } from '@dpr/protocol';
import type { RawData, WebSocket } from 'ws';

export interface FrameSocket {
  /** Send one frame; all that are sent in one tick travel together. The bytes must not change afterwards. */
  readonly send: (frame: Uint8Array) => void;
  /** Close after what was sent; the peer has `CLOSE_TIMEOUT_MS` to answer. */
  close(code: number, reason: string): void;
  /** Close at once. */
  terminate(): void;
  /** Bytes that the system has taken over so far: grows as long as the peer reads. */
  sentBytes(): number;
  receivedBytes(): number;
  /** Reading waits until the peer has read what was sent. */
  isPaused(): boolean;
}

export interface BufferLimits {
  /** A peer with more than this unread is not listened to until it has read it. */
  readonly pauseBytes: number;
  /** A peer with more than this unread is disconnected. */
  readonly closeBytes: number;
}

export const BUFFER_LIMITS: BufferLimits = { pauseBytes: 1024 * 1024, closeBytes: 128 * 1024 * 1024 };

/** How long a peer that was told of the end may take to agree. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Status codes of WebSockets. */
export const CLOSE = { normal: 1000, goingAway: 1001, refused: 1008, malformed: 1007 } as const;

/** `net.Socket` and `tls.TLSSocket` count bytes; the type of an upgraded socket does not say so. */
export interface RawSocket extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The frame that a WebSocket's message is. @throws FrameError when it is none */
export function frameOf(data: RawData, isBinary: boolean): Message {
  if (!isBinary) throw new FrameError('a frame is a binary message, not a text');
  return decode(data as Buffer);
}

const SEND_OPTIONS = { binary: true, compress: false, fin: true } as const;

/** Sockets that hold frames of this tick back. */
const corked: (() => void)[] = [];

function uncorkAll(): void {
  for (const uncork of corked.splice(0)) uncork();
}

export function frameSocket(ws: WebSocket, socket: RawSocket, limits: BufferLimits): FrameSocket {
  let holding = false;
  let paused = false;
  let closing: NodeJS.Timeout | undefined;

  ws.on('close', () => clearTimeout(closing));
  socket.on('drain', () => {
    if (!paused) return;
    paused = false;
    ws.resume();
  });

  function uncork(): void {
    holding = false;
    socket.uncork();
    if (socket.writableLength > limits.closeBytes) {
      ws.terminate();
    } else if (socket.writableLength > limits.pauseBytes && !paused) {
      paused = true;
      ws.pause();
    }
  }

  return {
    send(frame) {
      if (ws.readyState !== ws.OPEN) return;
      if (!holding) {
        holding = true;
        socket.cork();
        if (corked.push(uncork) === 1) process.nextTick(uncorkAll);
      }
      ws.send(frame, SEND_OPTIONS);
    },
    close(code, reason) {
      if (ws.readyState === ws.CLOSED) return;
      ws.close(code, reason);
      closing ??= setTimeout(() => ws.terminate(), CLOSE_TIMEOUT_MS);
      // A peer that is not listened to could not be heard agreeing either.
      if (paused) ws.resume();
    },
    terminate: () => ws.terminate(),
    sentBytes: () => socket.bytesWritten - socket.writableLength,
    receivedBytes: () => socket.bytesRead,
    isPaused: () => paused,
  };
}
