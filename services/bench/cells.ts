/** What is measured: every combination of batch size, connections and batches in flight. */

/** One load: `connections` times `inFlight` batches of `batch` operations are under way at any time. */
export interface Cell {
  /** Operations in a batch. */
  readonly batch: number;
  readonly connections: number;
  /** Batches in flight on each connection, or in each of its sessions. */
  readonly inFlight: number;
  /** Sessions on each connection that make one call at a time, as applications do; undefined: one session, whose batches are given. */
  readonly sessions?: number;
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

/** What the chart shows, for every batch size. */
export const CHART_CELL = { connections: 8, inFlight: 16 } as const;

export function allCells(): readonly Cell[] {
  const batches = CONNECTIONS.flatMap((connections) =>
    IN_FLIGHT.flatMap((inFlight) => BATCHES.map((batch) => ({ batch, connections, inFlight }))),
  );
  return [...batches, TARGET_CELLS.users, TARGET_CELLS.crowd];
}

/** As in `B=64 c=8 f=16`, or `B=1 c=8 s=125 f=1` with many sessions. */
export function cellName({ batch, connections, inFlight, sessions }: Cell): string {
  const each = sessions === undefined ? '' : ` s=${sessions}`;
  return `B=${batch} c=${connections}${each} f=${inFlight}`;
}
