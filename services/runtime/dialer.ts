/** A connection that is made again whenever it breaks: a worker's to the Finder. */
import { draftOf, type Message, type MessageOf } from '@dpr/protocol';
import type { DialedSocket } from './dialed-socket.ts';
import { CLOSE } from './frame-socket.ts';
import { greetSocket } from './greeted-socket.ts';
import type { Hello } from './greeting.ts';
import type { Host } from './host.ts';
import { RECEIVE_TIMEOUT_MS, WATCH_INTERVAL_MS } from './keep-alive.ts';
import type { Log } from './log.ts';
import { reconnection } from './reconnection.ts';
import { connectErrorText } from './connect-error-text.ts';

export interface DialerOptions {
  readonly host: Host;
  /** Such as `ws://host:port`. */
  readonly address: string;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** What to greet with, asked anew for each connection. */
  hello(): Omit<Hello, 'kind' | 'protocol'>;
  readonly timing?: Partial<DialerTiming>;
}

export const DIALER_TIMING = {
  /** A Finder that is back and not noticed delays every commit, so an outage is prolonged by an eighth at most. */
  pauseShareOfOutage: 1 / 8,
  minPauseMs: 10,
  maxPauseMs: 1_000,
  stableMs: 100,
  /** How long connecting, and then the answer to the greeting, may take. */
  answerMs: 3_000,
  receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
  /** The Finder asks the workers that it watches more often, and its questions are signs of life: a worker seldom has to ask. */
  watchIntervalMs: 2 * WATCH_INTERVAL_MS,
};
export type DialerTiming = typeof DIALER_TIMING;

/** Who uses the connection. Its functions are called in order, never within each other. */
export interface Caller {
  opened(welcome: MessageOf<'welcome'>): void;
  frame(message: Message): void;
  /** Once for each that was opened. */
  closed(): void;
  /** The peer answered the greeting with an error, which is the caller's to tell, and is asked again later. */
  refused(error: MessageOf<'error'>): void;
}

export interface Dialer {
  /** Send a frame; it is dropped while there is no connection. */
  send(message: Message): void;
  /** There is a connection, and the peer does not answer on it. */
  isSilent(): boolean;
  close(): void;
}

export function dial(options: DialerOptions, caller: Caller): Dialer {
  const { host, address, log } = options;
  const timing = { ...DIALER_TIMING, ...options.timing };
  const attempts = reconnection(host, timing, connect);
  let current: DialedSocket | undefined;
  let open = false;
  let silent = false;
  let ended = false;

  function connect(): void {
    current = greetSocket(
      host,
      {
        ...{ address, receiveTimeoutMs: timing.receiveTimeoutMs, hello: () => options.hello() },
        ...{ answerMs: timing.answerMs, answerCounts: 'from greeting' },
        watch: { intervalMs: timing.watchIntervalMs, told: noteSilence },
      },
      { opened, refused, frames, drained: () => undefined, closed },
    );
  }

  function opened(welcome: MessageOf<'welcome'>): undefined {
    open = true;
    attempts.opened();
    log.info({ event: 'connected', address });
    caller.opened(welcome);
  }

  function refused(error: MessageOf<'error'>): undefined {
    caller.refused(error);
  }

  function frames(messages: readonly Message[]): void {
    for (const message of messages) {
      if (current?.isOpen()) caller.frame(message);
    }
  }

  function closed(reason: Error | undefined, code: number): void {
    if (ended) return;
    if (reason !== undefined) log.warn({ event: 'unreachable', address, reason: connectErrorText(reason) });
    attempts.broke();
    if (!open) return;
    open = false;
    silent = false;
    log.warn({ event: 'disconnected', address, code });
    caller.closed();
  }

  function noteSilence(forMs: number): void {
    if (!open) return;
    silent = forMs > 0;
    if (silent) log.warn({ event: 'silent', address, forMs, holdsUp: 'nothing commits' });
    else log.info({ event: 'answersAgain', address });
  }

  connect();
  return {
    send(message) {
      if (open) current?.send(draftOf(message));
    },
    isSilent: () => silent,
    close() {
      ended = true;
      attempts.stop();
      current?.close(CLOSE.goingAway);
    },
  };
}
