/**
 * A batch of commands on its way through the core: as far as it was done, its results become replies. Where results have no room beside
 * those before, the rest is sent again, as a batch of its own; in the same tick, so that nothing comes between.
 */
import type { CommandBatch } from './command-batch.ts';
import type { ResultCursor } from './command.ts';
import type { ReplyWriter } from './reply-writer.ts';

export class BatchRun {
  readonly batch: CommandBatch;
  readonly #cursor: ResultCursor;
  #step = 0;
  #operation = 0;
  #part = 0;

  constructor(batch: CommandBatch, cursor: ResultCursor) {
    this.batch = batch;
    this.#cursor = cursor;
  }

  /** How many operations have no result yet, and these. */
  get operationsLeft(): number {
    return this.batch.operations - this.#operation;
  }

  get operations(): Uint8Array {
    return this.batch.from(this.#operation);
  }

  /** Whether the reply to the next command has not begun. */
  get isBetweenParts(): boolean {
    const { isWhole, partEnds } = this.batch;
    if (isWhole) return this.#step === 0;
    return this.#step === (this.#part === 0 ? 0 : partEnds[this.#part - 1]);
  }

  get isDone(): boolean {
    return this.#step === this.batch.stepCount;
  }

  begin(): void {
    this.#step = this.#operation = this.#part = 0;
  }

  /** Make results parts of the reply, as far as there are any. */
  take(results: Uint8Array, reply: ReplyWriter): void {
    const { batch } = this;
    const first = this.#operation;
    this.#cursor.begin(results);
    while (!this.isDone) {
      const step = batch.steps[this.#step];
      if (typeof step === 'function') {
        // An operation that does not fit even at the beginning says so itself.
        if (!this.#cursor.next() && this.#operation > first) return;
        step(reply, batch);
        this.#operation++;
      } else if (step !== undefined) {
        reply.written(step);
      }
      if (batch.isAbandoned) return this.#end();
      this.#advance();
    }
  }

  /** What needs no results at all. */
  takeLiterals(reply: ReplyWriter): void {
    this.take(NOTHING, reply);
  }

  /** All commands that are left are answered with this error. */
  refuse(error: string, reply: ReplyWriter): void {
    const { partCount, isWhole } = this.batch;
    for (let part = isWhole ? partCount - 1 : this.#part; part < partCount; part++) reply.error(error);
    this.#end();
  }

  /** The next command is answered with this error, and not executed. */
  refuseNext(error: string, reply: ReplyWriter): void {
    reply.error(error);
    if (this.batch.isWhole) return this.#end();
    const part = this.#part;
    while (this.#part === part) {
      if (typeof this.batch.steps[this.#step] === 'function') this.#operation++;
      this.#advance();
    }
  }

  #advance(): void {
    this.#step++;
    if (this.#step !== this.batch.partEnds[this.#part]) return;
    this.#part++;
    this.batch.tally = 0;
  }

  #end(): void {
    this.#step = this.batch.stepCount;
    this.#operation = this.batch.operations;
  }
}

const NOTHING = new Uint8Array(0);
