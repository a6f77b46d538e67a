/** Gathers the calls of one tick into batches, and numbers their operations. */
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { createCargo, type Batch, type Cargo } from './batch.ts';
import type { ResultsFormat } from './results-format.ts';

export interface Collector {
  /**
   * The cargo of the batch that the next operation for this worker, of `size` bytes, goes to.
   * @param expected how many bytes are to follow in all, if that is known
   */
  open(worker: number, format: ResultsFormat<unknown>, size: number, expected?: number): Cargo;
  /** A batch of its own, for operations whose results cannot be told apart. */
  alone(worker: number, type: string, size: number): Cargo;
  /** Number the next `count` operations; @returns the first number */
  number(count: number): number;
  /** All batches since the last time, in the order in which they were begun. */
  take(): Batch[];
  /** The number of the newest operation, 0 if there was none. */
  lastOperation(): number;
}

/**
 * In a strict session a run of consecutive calls to one worker is a batch, so that their order over workers is kept; in a
 * relaxed one all calls of the tick to one worker are.
 */
export function createCollector(mode: 'strict' | 'relaxed'): Collector {
  const open = new Map<number, Cargo>();
  let begun: Cargo[] = [];
  let lastOperation = 0;

  function begin(worker: number, type: string, format: ResultsFormat<unknown> | undefined, size: number): Cargo {
    const cargo = createCargo(worker, type, format, size);
    begun.push(cargo);
    return cargo;
  }

  /** What comes next goes into other batches. */
  function close(): void {
    if (open.size > 0) open.clear(); // an empty Map, too, takes new memory when it is cleared
  }

  /** Formats are compared, and not the names of types: two definitions with one name may read results differently. */
  function hasRoom({ batch, format }: Cargo, wanted: ResultsFormat<unknown>, size: number): boolean {
    return format === wanted && batch.count < MAX_BATCH_OPERATIONS && batch.length + size <= MAX_BATCH_BYTES;
  }

  return {
    open(worker, format, size, expected = size) {
      const present = open.get(worker);
      if (present !== undefined && hasRoom(present, format, size)) return present;
      if (mode === 'strict') close();
      const cargo = begin(worker, format.name, format, expected);
      open.set(worker, cargo);
      return cargo;
    },
    alone(worker, type, size) {
      if (mode === 'strict') close();
      else open.delete(worker);
      return begin(worker, type, undefined, size);
    },
    number(count) {
      const first = lastOperation + 1;
      lastOperation += count;
      return first;
    },
    take() {
      const batches: Batch[] = [];
      for (const cargo of begun) {
        const { batch } = cargo;
        if (batch.count === 0) continue;
        batch.cargo = cargo;
        batches.push(batch);
      }
      close();
      begun = [];
      return batches;
    },
    lastOperation: () => lastOperation,
  };
}
