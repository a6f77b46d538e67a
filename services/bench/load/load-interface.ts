/** What every kind of load looks like to the loops that drive it. */
import type { Cell } from '../cells.ts';

/** One session: a connection, or one of many that share it. */
export interface Line {
  /** Send one batch; `answered` is called once, when its reply is there. */
  issue(answered: () => void): void;
}

export interface Load {
  readonly lines: readonly Line[];
  /** Check that exactly what was issued was done, as far as the peer can tell, and disconnect. @throws Error if not */
  readonly close: () => Promise<void>;
}

/** What to connect to, and with what load. */
export interface LoadTarget {
  readonly peer: 'dpr' | 'redis' | 'echo';
  readonly address: string;
  readonly cell: Cell;
}

/** The line of each connection, for as many sessions as share it: a peer without sessions has the same operations in flight. */
export function shared(lines: readonly Line[], sessions: number): readonly Line[] {
  return Array.from({ length: sessions }, () => lines).flat();
}
