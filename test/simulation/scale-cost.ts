/** What is counted while very many workers report. */

/** What one phase cost the Finder. */
export interface Cost {
  readonly simulatedMs: number;
  /** User and system time, with that of the garbage collector. */
  readonly cpuMs: number;
  readonly reports: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly recordWrites: number;
  readonly recordBytes: number;
  /** Records whose cut was larger than the one before. */
  readonly cuts: number;
}

export interface ScaleOutcome {
  readonly workers: number;
  /** All workers join an empty cluster. */
  readonly join: Cost;
  /** All workers report. */
  readonly steady: Cost;
  /** From a worker's report until it is told that the cut covers it, ms: mean and largest. */
  readonly commitMs: { readonly mean: number; readonly largest: number };
  /** One worker crashes and comes back, and all go back to a prefix. */
  readonly rollback: Cost;
  /** All workers crash and come back. */
  readonly restart: Cost;
  /** Of the heap and of buffers, while all workers report. */
  readonly memoryBytes: number;
}

/** A cost that still grows. */
export type Tally = { -readonly [Figure in keyof Omit<Cost, 'simulatedMs'>]: number };

export function emptyTally(): Tally {
  return {
    cpuMs: 0,
    reports: 0,
    messagesIn: 0,
    messagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    recordWrites: 0,
    recordBytes: 0,
    cuts: 0,
  };
}

/** Bytes of the heap and of buffers. @param collect collects garbage */
export function memory(collect: (() => void) | undefined): number {
  for (let round = 0; round < 3; round++) collect?.(); // buffers go only after what held them
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
