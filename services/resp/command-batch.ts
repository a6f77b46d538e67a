/**
 * Commands of one connection on their way to the core: the operations of a batch, and for each of them the step that makes its result a
 * part of the reply. What is in memory here is used again for the next batch.
 */
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { CommandError } from './command-error.ts';
import { inOneLine, type ReplyWriter } from './reply-writer.ts';

/** Makes the result that the type's cursor is at a part of the reply. */
export type ResultStep = (reply: ReplyWriter, batch: CommandBatch) => void;
/** Such a step, or a reply that needs no result. */
export type Step = ResultStep | Buffer;

const FIRST_BYTES = 16 * 1024;
/** One that grew beyond this is not kept for the next batch. */
const KEPT_BYTES = 256 * 1024;

export class CommandBatch {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Where each operation begins. */
  readonly #starts: number[] = [];
  operations = 0;
  /** The first `stepCount` items are steps, and the first `partCount` where the steps of each part end: of each command, if not `isWhole`. */
  readonly steps: Step[] = [];
  stepCount = 0;
  readonly partEnds: number[] = [];
  partCount = 0;
  /** All of it is one command: there is one reply if it is refused. */
  isWhole = false;
  /** Set by a step: what follows was not done, and is no part of the reply. */
  isAbandoned = false;
  /** What steps of one part hand on to the next ones; 0 when a part begins. */
  tally = 0;
  /** Set by a step where more is to be done before the command ends: writes it, once all of this batch was answered. */
  more: ((batch: CommandBatch) => void) | undefined;

  get isEmpty(): boolean {
    return this.stepCount === 0;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** The operations from the one with this index on. */
  from(operation: number): Uint8Array {
    return this.#bytes.subarray(operation === 0 ? 0 : (this.#starts[operation] ?? this.#at), this.#at);
  }

  clear(): void {
    this.#at = 0;
    this.operations = this.stepCount = this.partCount = 0;
    this.isWhole = this.isAbandoned = false;
    this.tally = 0;
    this.more = undefined;
    if (this.#bytes.length <= KEPT_BYTES) return;
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Begin an operation of so many bytes. @returns where it is to be written in `bytes` and `view` */
  operation(bytes: number, step: ResultStep): number {
    const at = this.#at;
    const end = at + bytes;
    if (end > this.#bytes.length) this.#grow(end);
    this.#starts[this.operations++] = at;
    this.steps[this.stepCount++] = step;
    this.#at = end;
    return at;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  /** A part of the reply that needs no result. */
  literal(reply: Buffer): void {
    this.steps[this.stepCount++] = reply;
  }

  /** An error, as a part of the reply. */
  error(text: string): void {
    this.literal(Buffer.from(`-${inOneLine(text)}\r\n`));
  }

  /** What was added since the end of the last part is one. */
  endPart(): void {
    this.partEnds[this.partCount++] = this.stepCount;
  }

  /** Whether the core takes a batch like this. */
  get fits(): boolean {
    return this.#at <= MAX_BATCH_BYTES && this.operations <= MAX_BATCH_OPERATIONS;
  }

  /**
   * Add what `write` writes, or nothing if that throws.
   * @returns false, and adds nothing, if it does not fit beside what there is
   * @throws CommandError also where it would not fit into a batch of its own
   */
  add(write: () => void): boolean {
    const { operations, stepCount, partCount } = this;
    const at = this.#at;
    const undo = (): void => {
      Object.assign(this, { operations, stepCount, partCount });
      this.#at = at;
    };
    try {
      write();
    } catch (error) {
      undo();
      throw error;
    }
    if (this.fits) return true;
    undo();
    if (operations > 0) return false;
    throw new CommandError(
      `ERR the command is too large: it may have ${MAX_BATCH_OPERATIONS} keys, and take ${MAX_BATCH_BYTES} bytes`,
    );
  }
}
