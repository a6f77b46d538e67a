/** Gathers the calls of one tick into batches, and numbers their operations. */
import { added, type Queue } from '@dpr/core';
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { createCargo, type Batch, type Cargo } from './batch.ts';
import type { ResultsFormat } from './results-format.ts';

/** Makes batches of one tick. A class, since each of many sessions has one. */
export class Collector {
  /** Does a call to another worker end the batch of the one before? */
  readonly #isStrict: boolean;
  /** The newest that more may be added to, and in a relaxed session the newest of each worker that has several. */
  #last: Cargo | undefined;
  #open: Map<number, Cargo> | undefined;
  #begun: Cargo[] = [];
  #lastOperation = 0;

  /**
   * In a strict session a run of consecutive calls to one worker is a batch, so that their order over workers is kept; in a
   * relaxed one all calls of the tick to one worker are.
   */
  constructor(mode: 'strict' | 'relaxed') {
    this.#isStrict = mode === 'strict';
  }

  /**
   * The cargo of the batch that the next operation for this worker, of `size` bytes, goes to.
   * @param expected how many bytes are to follow in all, if that is known
   */
  open(worker: number, format: ResultsFormat<unknown>, size: number, expected = size): Cargo {
    const present = this.#openFor(worker);
    if (present !== undefined && hasRoom(present, format, size)) return present;
    const cargo = this.#begin(worker, format.name, format, expected);
    if (!this.#isStrict) this.#keepOpen(worker, cargo);
    this.#last = cargo;
    return cargo;
  }

  /** A batch of its own, for operations whose results cannot be told apart. */
  alone(worker: number, type: string, size: number): Cargo {
    if (this.#last?.batch.worker === worker || this.#isStrict) this.#last = undefined;
    this.#open?.delete(worker);
    return this.#begin(worker, type, undefined, size);
  }

  /** Number the next `count` operations; @returns the first number */
  number(count: number): number {
    const first = this.#lastOperation + 1;
    this.#lastOperation += count;
    return first;
  }

  /** Move all batches since the last time there, in the order in which they were begun. */
  take(into: Queue<Batch>): void {
    for (const cargo of this.#begun) {
      const { batch } = cargo;
      if (batch.count === 0) continue;
      batch.cargo = cargo;
      into.push(batch);
    }
    this.#last = undefined;
    this.#open = undefined;
    this.#begun = NONE_BEGUN;
  }

  /** The number of the newest operation, 0 if there was none. */
  lastOperation(): number {
    return this.#lastOperation;
  }

  #openFor(worker: number): Cargo | undefined {
    return this.#last?.batch.worker === worker ? this.#last : this.#open?.get(worker);
  }

  /** Most ticks have calls for one worker, and need no map. */
  #keepOpen(worker: number, cargo: Cargo): void {
    if (this.#open === undefined && this.#last !== undefined)
      this.#open = new Map([[this.#last.batch.worker, this.#last]]);
    this.#open?.set(worker, cargo);
  }

  #begin(worker: number, type: string, format: ResultsFormat<unknown> | undefined, size: number): Cargo {
    const cargo = createCargo(worker, type, format, size);
    this.#begun = added(this.#begun, cargo);
    return cargo;
  }
}

/** Shared by all; a batch that begins goes into an array of the session's own. */
const NONE_BEGUN: Cargo[] = [];

/** Formats are compared, and not the names of types: two definitions with one name may read results differently. */
function hasRoom({ batch, format }: Cargo, wanted: ResultsFormat<unknown>, size: number): boolean {
  return format === wanted && batch.count < MAX_BATCH_OPERATIONS && batch.length + size <= MAX_BATCH_BYTES;
}
