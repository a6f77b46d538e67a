/** A server that is measured. */
import type { LoadTarget } from '../load/load-interface.ts';

export interface Peer {
  readonly name: string;
  readonly kind: LoadTarget['peer'];
  readonly address: string;
  /** The processes that do the work. */
  readonly pids: readonly number[];
  /** They are programs of Node whose memory can be watched. */
  readonly isWatched: boolean;
  readonly stop: () => Promise<void>;
}

/** Where peers run, and for how long they may take to start. */
export interface PeerOptions {
  readonly pin: readonly string[];
  readonly signal: AbortSignal;
}
