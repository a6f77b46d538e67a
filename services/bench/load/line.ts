/** What every kind of load looks like to the loops that drive it. */

/** One connection. */
export interface Line {
  /** Send one batch; `answered` is called once, when its reply is there. */
  issue(answered: () => void): void;
}

export interface Load {
  readonly lines: readonly Line[];
  /** Check that exactly what was issued was done, as far as the peer can tell, and disconnect. @throws Error if not */
  readonly close: () => Promise<void>;
}

/** What to connect to. */
export interface LoadTarget {
  readonly peer: 'dpr' | 'redis' | 'echo';
  readonly address: string;
  readonly connections: number;
  /** Operations in a batch. */
  readonly batch: number;
}
