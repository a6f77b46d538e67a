/** A server that is measured. */
import type { LoadTarget } from '../load/line.ts';

export interface Peer {
  readonly name: string;
  readonly kind: LoadTarget['peer'];
  readonly address: string;
  /** The process that does the work. */
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Where peers run, and for how long they may take to start. */
export interface PeerOptions {
  readonly pin: readonly string[];
  readonly signal: AbortSignal;
}
