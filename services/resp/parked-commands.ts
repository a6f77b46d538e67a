/** Commands that were collected and wait until their client has read more of its replies. */
import type { CommandBatch, Step } from './command-batch.ts';

export class ParkedCommands {
  readonly #operations: Buffer;
  /** Where each operation began, and where the last one ended. */
  readonly #starts: readonly number[];
  readonly #steps: readonly Step[];
  /** How many steps there are up to the end of each command. */
  readonly #partEnds: readonly number[];

  constructor(operations: Buffer, starts: readonly number[], steps: readonly Step[], partEnds: readonly number[]) {
    this.#operations = operations;
    this.#starts = starts;
    this.#steps = steps;
    this.#partEnds = partEnds;
  }

  get bytes(): number {
    return this.#operations.length;
  }

  /** Write them as they were; who adds them to the batch ends the last part. */
  write(batch: CommandBatch): void {
    let operation = 0;
    let part = 0;
    for (const [index, step] of this.#steps.entries()) {
      if (index === this.#partEnds[part]) {
        batch.endPart();
        part++;
      }
      if (typeof step === 'function') this.#writeOperation(operation++, step, batch);
      else batch.literal(step);
    }
  }

  #writeOperation(index: number, step: Exclude<Step, Buffer>, batch: CommandBatch): void {
    const first = this.#starts[0] ?? 0;
    const from = (this.#starts[index] ?? 0) - first;
    const end = (this.#starts[index + 1] ?? 0) - first;
    const at = batch.operation(end - from, step);
    this.#operations.copy(batch.bytes, at, from, end);
  }
}
