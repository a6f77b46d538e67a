/** What is measured: every combination of batch size, connections and batches in flight. */

/** One load: `connections` times `inFlight` batches of `batch` operations are under way at any time. */
export interface Cell {
  /** Operations in a batch. */
  readonly batch: number;
  readonly connections: number;
  /** Batches in flight on each connection. */
  readonly inFlight: number;
}

export const BATCHES = [1, 16, 64, 256, 1024];
const CONNECTIONS = [1, 8, 50];
const IN_FLIGHT = [1, 16];

/** The cells that the targets are about. */
export const TARGET_CELLS = {
  small: { batch: 1, connections: 1, inFlight: 1 },
  medium: { batch: 64, connections: 8, inFlight: 16 },
  large: { batch: 1024, connections: 8, inFlight: 16 },
} as const satisfies Record<string, Cell>;

/** What the chart shows, for every batch size. */
export const CHART_CELL = { connections: 8, inFlight: 16 } as const;

export function allCells(): readonly Cell[] {
  return CONNECTIONS.flatMap((connections) =>
    IN_FLIGHT.flatMap((inFlight) => BATCHES.map((batch) => ({ batch, connections, inFlight }))),
  );
}

/** As in `B=64 c=8 f=16`. */
export function cellName({ batch, connections, inFlight }: Cell): string {
  return `B=${batch} c=${connections} f=${inFlight}`;
}
