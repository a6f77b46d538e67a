/**
 * Commands of connections on their way to the core: the operations of a batch, and for each of them the step that makes its result a
 * part of the reply. What is in memory here is used again for the next batch.
 */
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import type { Arguments } from './arguments.ts';
import { CommandError } from './command-error.ts';
import { inOneLine, type Protocol, type ReplyWriter } from './reply-writer.ts';
import type { Numbered } from './session-link.ts';

/** Makes the result that the type's cursor is at a part of the reply. */
export type ResultStep = (reply: ReplyWriter, batch: CommandBatch) => void;
/** Such a step, or a reply that needs no result. */
export type Step = ResultStep | Buffer;
/** Writes more operations of a command, whose reply comes after them. */
export type Continuation = (batch: CommandBatch) => void;
/** Writes the operations of a command. @throws CommandError */
export type WriteCommand = (words: Arguments, batch: CommandBatch) => void;

/** Who has commands in batches: a connection. */
export interface BatchUser {
  readonly protocol: Protocol;
  /** Replies that its client has not read, bytes. */
  readonly unreadBytes: number;
  /** Commands that it gave before are parked. */
  readonly isParked: boolean;
  /** A rollback took something that was done here: the next command that has no reply yet is not executed. */
  readonly isUndone: boolean;
  /** Commands of it come behind those of others. */
  entered(): void;
  /** Something of it executed. */
  executed(version: number): void;
  /** The core has what it entered, and does not answer at once. */
  sent(): void;
  /** All commands since it entered have their replies, which are what was written. @param more is left to do before the last one has */
  answered(more: Continuation | undefined): void;
  /** The same, but `rest` is left: it is not to be executed before its client has read more. */
  parked(rest: ParkedCommands): void;
  /** Some of its replies are in the reply writer, perhaps not as a whole; others may write there before the rest is. */
  answeredPartly(): void;
  /** A reply that was begun cannot be completed. */
  cutOff(): void;
  /** The error for the command that is not executed; it is undone no more. */
  takeRollback(): string;
  /** The core may take what had to wait. */
  goOn(): void;
}

/** Commands of one connection that follow each other. */
export interface Segment {
  user: BatchUser;
  /** The first part, and the first operation. */
  part: number;
  operation: number;
}

/** Commands that were collected, and wait until their client has read more of its replies. */
export interface ParkedCommands {
  readonly operations: Buffer;
  /** Where in it each operation begins, and where the last one ends. */
  readonly starts: readonly number[];
  readonly steps: readonly Step[];
  /** How many steps there are up to the end of each command. */
  readonly partEnds: readonly number[];
}

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
  /** The first `segmentCount` items. */
  readonly segments: Segment[] = [];
  segmentCount = 0;
  /** All of it is one command: there is one reply if it is refused. */
  isWhole = false;
  /** Set by a step: what follows was not done, and is no part of the reply. */
  isAbandoned = false;
  /** What steps of one part hand on to the next ones; 0 when a part begins. */
  tally = 0;
  /** Set by a step where more is to be done before the command ends: writes it, once all of this batch was answered. */
  more: Continuation | undefined;
  /** What the core knows it by, where that is not the port's session. */
  numbered: Numbered | undefined;

  get byteCount(): number {
    return this.#at;
  }

  *users(): Iterable<BatchUser> {
    for (let index = 0; index < this.segmentCount; index++) {
      const segment = this.segments[index];
      if (segment !== undefined) yield segment.user;
    }
  }

  get isEmpty(): boolean {
    return this.stepCount === 0;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** The operations from one index up to another. */
  bytesOf(first: number, end: number): Uint8Array {
    return this.#bytes.subarray(this.#startOf(first), this.#startOf(end));
  }

  #startOf(operation: number): number {
    return operation < this.operations ? (this.#starts[operation] ?? 0) : this.#at;
  }

  /** A copy of the commands from the one on that begins with this operation and this step, up to the end of a part. */
  park(operation: number, step: number, part: number, endPart: number): ParkedCommands {
    const partEnds = this.partEnds.slice(part, endPart).map((end) => end - step);
    const steps = this.steps.slice(step, step + (partEnds.at(-1) ?? 0));
    const end = operation + steps.filter((one) => typeof one === 'function').length;
    const from = this.#startOf(operation);
    const starts: number[] = [];
    for (let one = operation; one <= end; one++) starts.push(this.#startOf(one) - from);
    return { operations: Buffer.from(this.bytesOf(operation, end)), starts, steps, partEnds };
  }

  /** Write commands that were parked, as they were; who adds them to the batch ends the last part. */
  unpark({ operations, starts, steps, partEnds }: ParkedCommands): void {
    let operation = 0;
    let part = 0;
    for (const [index, step] of steps.entries()) {
      if (index === partEnds[part]) {
        this.endPart();
        part++;
      }
      if (typeof step === 'function') {
        const from = starts[operation++] ?? 0;
        const end = starts[operation] ?? 0;
        const at = this.operation(end - from, step);
        operations.copy(this.#bytes, at, from, end);
      } else this.literal(step);
    }
  }

  clear(): void {
    this.#at = 0;
    this.operations = this.stepCount = this.partCount = this.segmentCount = 0;
    this.isWhole = this.isAbandoned = false;
    this.tally = 0;
    this.more = this.numbered = undefined;
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

  /** The reply to this user's next command is an error. */
  fail(user: BatchUser, text: string): void {
    this.#enter(user, this.operations);
    this.error(text);
    this.endPart();
  }

  /** Whether commands of others are here. */
  hasOthers(user: BatchUser): boolean {
    return this.segmentCount > 0 && (this.segmentCount > 1 || this.segments[0]?.user !== user);
  }

  /** Whether the core takes a batch like this. */
  get fits(): boolean {
    return this.#at <= MAX_BATCH_BYTES && this.operations <= MAX_BATCH_OPERATIONS;
  }

  /**
   * Add what `write` writes, or nothing if that throws.
   * @param user whose command it is; undefined: it is a part of a command of the last one
   * @returns false, and adds nothing, if it does not fit beside what there is
   * @throws CommandError also where it would not fit into a batch of its own
   */
  add(user: BatchUser | undefined, write: WriteCommand, words: Arguments): boolean {
    const { operations, stepCount, partCount } = this;
    const at = this.#at;
    try {
      write(words, this);
    } catch (error) {
      this.#undo(at, operations, stepCount, partCount);
      throw error;
    }
    if (this.fits) {
      if (user !== undefined) this.#enter(user, operations, partCount);
      return true;
    }
    this.#undo(at, operations, stepCount, partCount);
    if (operations > 0) return false;
    throw new CommandError(
      `ERR the command is too large: it may have ${MAX_BATCH_OPERATIONS} keys, and take ${MAX_BATCH_BYTES} bytes`,
    );
  }

  #undo(at: number, operations: number, stepCount: number, partCount: number): void {
    this.#at = at;
    this.operations = operations;
    this.stepCount = stepCount;
    this.partCount = partCount;
  }

  /** What follows is this user's. */
  #enter(user: BatchUser, operation: number, part = this.partCount): void {
    const last = this.segmentCount - 1;
    if (last >= 0 && this.segments[last]?.user === user) return;
    user.entered();
    const segment = this.segments[this.segmentCount++];
    if (segment === undefined) {
      this.segments.push({ user, part, operation });
      return;
    }
    segment.user = user;
    segment.part = part;
    segment.operation = operation;
  }
}
