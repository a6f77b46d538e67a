/** One socket to a server of this protocol as its user has it: not greeted yet, and found out when the peer is gone without a word. */
import type { Draft, Message } from '@dpr/protocol';

/** Is told for how long a watched peer has been silent, once it is, ms; and 0 when it is heard again. */
export type ToldOfSilence = (forMs: number) => void;

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
