/** A peer of a port as the port's owner sees it. */
import type { Draft, Message } from '@dpr/protocol';
import type { ToldOfSilence } from './dialed-socket.ts';
import type { Hello } from './greeting.ts';

/** A peer that greeted and was let in. */
export interface Connection {
  /** Never used twice in a process. */
  readonly number: number;
  /** Where it comes from; undefined: that is not known, or says nothing. */
  readonly origin: string | undefined;
  readonly send: (frame: Draft) => void;
  /** Close after what was sent, which says why. */
  readonly close: () => void;
  /** False once it was closed: frames in the same message, after the one for which it was closed, do not count. */
  readonly isOpen: () => boolean;
  /** Ask the peer whenever it says nothing, and tell of it when it does not answer. */
  readonly watch: (told: ToldOfSilence) => void;
}

/** Who answers at a port. Its functions are called in order, never within each other. */
export interface Owner {
  opened(connection: Connection, hello: Hello): void;
  /** What one message carried, in order. */
  frames(connection: Connection, messages: readonly Message[]): void;
  /** Once for each that was opened. */
  closed(connection: Connection): void;
  /** What came earlier is being dealt with: frames wait until it is. */
  isBusy?(): boolean;
}

let lastConnection = 0;

/** For a connection that was let in: a newer one has a larger number, at whatever port of the process. */
export function nextConnectionNumber(): number {
  return ++lastConnection;
}
