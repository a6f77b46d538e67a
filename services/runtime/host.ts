/**
 * What a program takes from its surroundings: clocks, chance, timers and connections. Production gives those of Node; a simulation
 * gives its own, and everything above them is the same code in both.
 */
import type { DialedSocket, DialOptions, SocketUser } from './dialed-socket.ts';

/** A timer that was set. Only its host knows what it is. */
export type Timer = object;

export interface Host {
  /** Monotonic time, ms. */
  readonly now: () => number;
  /** The time of day, ms since 1970. */
  readonly wall: () => number;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  readonly randomBytes: (count: number) => Buffer;
  readonly setTimeout: (run: () => void, ms: number) => Timer;
  readonly clearTimeout: (timer: Timer | undefined) => void;
  /** As soon as what has already happened is dealt with. */
  readonly setImmediate: (run: () => void) => Timer;
  readonly clearImmediate: (timer: Timer | undefined) => void;
  /** When the present step is over, before anything else happens. */
  readonly nextTick: (run: () => void) => void;
  readonly dial: (options: DialOptions, user: SocketUser) => DialedSocket;
}
