/** What is measured: every combination of batch size, connections and batches in flight. */

/** One load: `connections` times `inFlight` batches of `batch` operations are under way at any time. */
export interface Cell {
  /** Operations in a batch. */
  readonly batch: number;
  readonly connections: number;
  /** Batches in flight on each connection, or in each of its sessions. */
  readonly inFlight: number;
  /** Sessions of each client, which has one connection to each worker; undefined: one. Of many at one worker each makes single calls. */
  readonly sessions?: number;
  /** Several workers, and which of them a call goes to; undefined: there is one. */
  readonly route?: Route;
}

export interface Route {
  readonly workers: number;
  /**
   * `stay`: each session has its own worker; `cross`: any, at random; `turns`: one after the other; `read`: the first session, which
   * alone is measured, reads while all others write.
   */
  readonly kind: 'stay' | 'cross' | 'turns' | 'read';
  readonly mode: 'strict' | 'relaxed';
}

export const BATCHES = [1, 16, 64, 256, 1024];
const CONNECTIONS = [1, 8, 50];
const IN_FLIGHT = [1, 16];

/** The cells that the targets are about. */
export const TARGET_CELLS = {
  small: { batch: 1, connections: 1, inFlight: 1 },
  /** One operation at a time on many connections, and many on each. */
  apart: { batch: 1, connections: 50, inFlight: 1 },
  singles: { batch: 1, connections: 8, inFlight: 16 },
  medium: { batch: 64, connections: 8, inFlight: 16 },
  large: { batch: 1024, connections: 8, inFlight: 16 },
  /** A session for each user, each with one operation at a time. */
  users: { batch: 1, connections: 8, inFlight: 1, sessions: 125 },
  crowd: { batch: 1, connections: 1, inFlight: 1, sessions: 256 },
} as const satisfies Record<string, Cell>;

/** What several workers cost: by themselves, and where sessions depend on more than one. */
export const ROUTED_CELLS = {
  turnsStrictly: { batch: 1, connections: 1, inFlight: 1, route: { workers: 2, kind: 'turns', mode: 'strict' } },
  turnsRelaxed: { batch: 1, connections: 1, inFlight: 16, route: { workers: 4, kind: 'turns', mode: 'relaxed' } },
  // One client, so that both have as many connections, and as many batches on each of them.
  stays: { batch: 1, connections: 1, inFlight: 16, sessions: 8, route: { workers: 4, kind: 'stay', mode: 'relaxed' } },
  crosses: {
    batch: 1,
    connections: 1,
    inFlight: 16,
    sessions: 8,
    route: { workers: 4, kind: 'cross', mode: 'relaxed' },
  },
  reads: { batch: 1, connections: 8, inFlight: 16, route: { workers: 1, kind: 'read', mode: 'strict' } },
} as const satisfies Record<string, Cell>;

/** What the chart shows, for every batch size. */
export const CHART_CELL = { connections: 8, inFlight: 16 } as const;

export function allCells(): readonly Cell[] {
  const batches = CONNECTIONS.flatMap((connections) =>
    IN_FLIGHT.flatMap((inFlight) => BATCHES.map((batch) => ({ batch, connections, inFlight }))),
  );
  return [...batches, TARGET_CELLS.users, TARGET_CELLS.crowd, ...Object.values(ROUTED_CELLS)];
}

/** As in `B=64 c=8 f=16`, in `B=1 c=8 s=125 f=1` with many sessions, and in `B=1 c=8 f=16 w=4 cross` with several workers. */
export function cellName({ batch, connections, inFlight, sessions, route }: Cell): string {
  const each = sessions === undefined ? '' : ` s=${sessions}`;
  const where = route === undefined ? '' : ` w=${route.workers} ${route.kind}`;
  return `B=${batch} c=${connections}${each} f=${inFlight}${where}`;
}
