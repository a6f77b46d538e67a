/** How an operation of a batch ends: with no more than a status, with a number, or with items. */
import type { BatchReader } from './batch-reader.ts';
import type { ResultWriter } from './result-writer.ts';

export class Outcome {
  /** At the operation. */
  readonly reader: BatchReader;
  readonly results: ResultWriter;

  constructor(reader: BatchReader, results: ResultWriter) {
    this.reader = reader;
    this.results = results;
  }

  /** @returns that the result fits, as a status always does */
  end(status: number): true {
    this.results.status(this.reader.kind, status);
    return true;
  }

  endWith(integer: number): true {
    this.results.integer(this.reader.kind, BigInt(integer));
    return true;
  }

  /** @param fit whether all items that were begun had room @param position of a page @returns the same */
  endItems(fit: boolean, position?: number): boolean {
    if (fit) this.results.endItems(position);
    else this.results.dropItems(this.reader.kind);
    return fit;
  }
}
