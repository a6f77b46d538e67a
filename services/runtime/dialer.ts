/** A connection that is made again whenever it breaks: a worker's to the Finder. */
import { encode, FrameError, MAX_FRAME_BYTES, PROTOCOL_VERSION, type Message, type MessageOf } from '@dpr/protocol';
import { WebSocket } from 'ws';
import { backOff } from './back-off.ts';
import {
  BUFFER_LIMITS,
  CLOSE,
  framesOf,
  frameSocket,
  noMask,
  type FrameSocket,
  type RawSocket,
} from './frame-socket.ts';
import type { Hello } from './greeting.ts';
import { keepAlive, RECEIVE_TIMEOUT_MS, SILENT_INTERVALS } from './keep-alive.ts';
import type { Log } from './log.ts';

export interface DialerOptions {
  /** Such as `ws://host:port`. */
  readonly address: string;
  readonly log: Log;
  /** What to greet with, asked anew for each connection. */
  hello(): Omit<Hello, 'kind' | 'protocol'>;
  readonly timing?: Partial<DialerTiming>;
}

export const DIALER_TIMING = {
  /** Pauses between attempts, growing slowly: what nobody notices to be back delays every commit. */
  firstPauseMs: 10,
  longestPauseMs: 1_000,
  pauseGrowth: 1.25,
  /** How long connecting, and then the answer to the greeting, may take. */
  answerMs: 3_000,
  receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
};
export type DialerTiming = typeof DIALER_TIMING;

/** Who uses the connection. Its functions are called in order, never within each other. */
export interface Caller {
  opened(welcome: MessageOf<'welcome'>): void;
  frame(message: Message): void;
  /** Once for each that was opened. */
  closed(): void;
  /** The peer answered the greeting with an error, and is asked again later. */
  refused(error: MessageOf<'error'>): void;
}

export interface Dialer {
  /** Send a frame; it is dropped while there is no connection. */
  send(message: Message): void;
  close(): void;
}

export function dial(options: DialerOptions, caller: Caller): Dialer {
  const { address, log } = options;
  const timing = { ...DIALER_TIMING, ...options.timing };
  const pauses = backOff(timing.firstPauseMs, timing.longestPauseMs, timing.pauseGrowth);
  let current: { readonly ws: WebSocket; frames?: FrameSocket; open: boolean } | undefined;
  let again: NodeJS.Timeout | undefined;
  let ended = false;
  let lastReason = '';

  function connect(): void {
    const ws = new WebSocket(address, {
      perMessageDeflate: false,
      generateMask: noMask,
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: timing.answerMs,
    });
    const mine: NonNullable<typeof current> = { ws, open: false };
    current = mine;
    let socket: RawSocket | undefined;
    let sweep: NodeJS.Timeout | undefined;
    let late: NodeJS.Timeout | undefined;

    ws.on('upgrade', (response) => (socket = response.socket));
    ws.on('open', () => {
      if (socket === undefined) throw new Error('a WebSocket opened without a socket');
      const frames = frameSocket(ws, socket, BUFFER_LIMITS);
      mine.frames = frames;
      sweep = setInterval(keepAlive(ws, frames), timing.receiveTimeoutMs / SILENT_INTERVALS);
      late = setTimeout(() => giveUp(`no answer to the greeting within ${timing.answerMs} ms`), timing.answerMs);
      frames.send(encode({ kind: 'hello', protocol: PROTOCOL_VERSION, ...options.hello() }));
    });
    ws.on('message', (data, isBinary) => {
      let messages: readonly Message[];
      try {
        messages = framesOf(data, isBinary);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        return giveUp(error.message);
      }
      for (const message of messages) take(message);
    });

    function take(message: Message): void {
      if (ended || ws.readyState !== ws.OPEN) return;
      if (mine.open) return caller.frame(message);
      clearTimeout(late);
      if (message.kind === 'error') {
        note(message.text);
        caller.refused(message);
        ws.close(CLOSE.normal);
      } else if (message.kind === 'welcome') {
        mine.open = true;
        lastReason = '';
        pauses.reset();
        log.info({ event: 'connected', address });
        caller.opened(message);
      } else {
        giveUp(`the answer to the greeting is '${message.kind}'`);
      }
    }

    ws.on('error', (error) => note(error.message));
    ws.on('close', (code) => {
      clearTimeout(late);
      clearInterval(sweep);
      if (ended) return;
      again = setTimeout(connect, pauses.next());
      if (!mine.open) return;
      mine.open = false;
      log.warn({ event: 'disconnected', address, code });
      caller.closed();
    });

    function giveUp(reason: string): void {
      note(reason);
      ws.terminate();
    }
  }

  /** Tell once why there is no connection, not at every attempt. */
  function note(reason: string): void {
    if (reason === lastReason) return;
    lastReason = reason;
    log.warn({ event: 'unreachable', address, reason });
  }

  connect();
  return {
    send(message) {
      if (current?.open === true) current.frames?.send(encode(message));
    },
    close() {
      ended = true;
      clearTimeout(again);
      if (current?.frames !== undefined) current.frames.close(CLOSE.goingAway, '');
      else current?.ws.terminate();
    },
  };
}
