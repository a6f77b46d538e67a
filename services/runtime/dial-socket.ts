/** One WebSocket to a server of this protocol, not greeted yet: framed, and found out when the peer is gone without a word. */
import type { IncomingMessage } from 'node:http';
import { FrameError, MAX_FRAME_BYTES, type Draft, type Message } from '@dpr/protocol';
import { WebSocket } from 'ws';
import { DIAL_BUFFER_LIMITS, framesOf, frameSocket, noMask, type FrameSocket, type RawSocket } from './frame-socket.ts';
import { keepAlive, SILENT_INTERVALS, silenceWatch, type ToldOfSilence } from './keep-alive.ts';

export interface DialOptions {
  /** Such as `ws://host:port`. */
  readonly address: string;
  /** PEM certificates to trust instead of the well-known ones, for `wss://`. */
  readonly ca?: string | undefined;
  /** A peer that is silent for this long is disconnected, ms. */
  readonly receiveTimeoutMs: number;
  /** Ask the peer whenever it says nothing, and tell of it when it does not answer. */
  readonly watch?: { readonly intervalMs: number; readonly told: ToldOfSilence };
}

/** Who uses the socket. Its functions are called in order, never within one of the socket's. */
export interface SocketUser {
  /** Now the greeting can be sent. */
  opened(): void;
  /** What one message carried, in order. Not after `close` or `giveUp`. */
  frames(messages: readonly Message[]): void;
  /** The system took over everything that had piled up. */
  drained?(): void;
  /**
   * Once, and last. The reason is what happened first: an error of the network, a `FrameError`, or what `giveUp` was told;
   * undefined if either side closed it.
   */
  closed(reason: Error | undefined, code: number): void;
}

export interface DialedSocket {
  /** Send a frame; dropped unless the socket is open. All frames of one tick travel together. */
  send(frame: Draft): void;
  /** Close after what was sent, or at once if it never opened. */
  close(code: number): void;
  /** Close at once. */
  giveUp(reason: Error): void;
  /** False once it is being closed: frames in the same message, after the one that ended it, do not count. */
  readonly isOpen: () => boolean;
  /** Bytes that were sent and that the system has not taken over yet. */
  readonly unsentBytes: () => number;
}

export function dialSocket({ address, ca, receiveTimeoutMs, watch }: DialOptions, user: SocketUser): DialedSocket {
  let frames: FrameSocket | undefined;
  let socket: RawSocket | undefined;
  let sweep: NodeJS.Timeout | undefined;
  let look: NodeJS.Timeout | undefined;
  let reason: Error | undefined;
  const isOpen = (): boolean => ws.readyState === ws.OPEN;

  const ws = new WebSocket(address, {
    perMessageDeflate: false,
    generateMask: noMask,
    maxPayload: MAX_FRAME_BYTES,
    ...(ca === undefined ? {} : { ca }),
  });
  ws.on('unexpected-response', (_request, response) => answerOf(response, giveUp));
  ws.on('upgrade', (response) => (socket = response.socket));
  ws.on('open', () => {
    if (socket === undefined) throw new Error('a WebSocket opened without a socket');
    frames = frameSocket(ws, socket, DIAL_BUFFER_LIMITS, () => {
      user.drained?.();
      return true;
    });
    sweep = setInterval(keepAlive(ws, frames), receiveTimeoutMs / SILENT_INTERVALS);
    if (watch) look = setInterval(silenceWatch(ws, frames, watch.intervalMs, watch.told), watch.intervalMs);
    user.opened();
  });
  ws.on('message', (data, isBinary) => {
    if (!isOpen()) return;
    let messages: readonly Message[];
    try {
      messages = framesOf(data, isBinary);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return giveUp(error);
    }
    user.frames(messages);
  });
  ws.on('error', (error) => (reason ??= error));
  ws.on('close', (code) => {
    clearInterval(sweep);
    clearInterval(look);
    user.closed(reason, code);
  });

  function giveUp(why: Error): void {
    reason ??= why;
    ws.terminate();
  }

  return {
    send: (frame) => frames?.send(frame),
    close(code) {
      if (frames === undefined) ws.terminate();
      else frames.close(code, '');
    },
    giveUp,
    isOpen,
    unsentBytes: () => frames?.unsentBytes() ?? 0,
  };
}

/** How much of an answer that is no WebSocket is told on. */
const MAX_ANSWER_BYTES = 1_024;

/** Tells in whose words, and with which code, a server answered the request for a WebSocket otherwise. */
function answerOf(response: IncomingMessage, tell: (reason: Error) => void): void {
  const { statusCode = 0 } = response;
  let text = '';
  const done = (): void => {
    const words = text.trim() === '' ? '' : `: ${text.trim()}`;
    tell(Object.assign(new Error(`it answers with HTTP status ${statusCode}${words}`), { code: `HTTP_${statusCode}` }));
  };
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text = (text + part).slice(0, MAX_ANSWER_BYTES);
    if (text.length === MAX_ANSWER_BYTES) done();
  });
  response.on('end', done).on('error', done);
}
