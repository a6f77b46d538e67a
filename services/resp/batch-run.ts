/**
 * A batch of commands on its way through the core: as far as it was done, its results become replies. Where results have no room beside
 * those before, the rest is sent again, as a batch of its own; in the same tick, so that nothing comes between.
 */
import { type BatchUser, CommandBatch } from './command-batch.ts';
import type { ResultCursor } from './command.ts';
import type { ReplyWriter } from './reply-writer.ts';

export class BatchRun {
  readonly #cursor: ResultCursor;
  readonly #reply: ReplyWriter;
  #batch = new CommandBatch();
  #segment = 0;
  #part = 0;
  #step = 0;
  #operation = 0;
  /** Where what is to be sent ends: a segment, and its first operation. */
  #end = 0;
  #endOperation = 0;
  /** The first operation of the segment that has not been told to its user. */
  #untold = 0;

  constructor(cursor: ResultCursor, reply: ReplyWriter) {
    this.#cursor = cursor;
    this.#reply = reply;
  }

  begin(batch: CommandBatch): void {
    this.#batch = batch;
    this.#segment = this.#part = this.#step = this.#operation = this.#untold = 0;
  }

  /**
   * Refuse what is not to be executed, and look how far the rest can be sent.
   * @returns false: all is answered
   */
  next(): boolean {
    const { segments, segmentCount } = this.#batch;
    while (this.#user?.isUndone === true) this.#refuseNext();
    if (this.#segment === segmentCount) return false;
    let end = this.#segment + 1;
    while (end < segmentCount && segments[end]?.user.isUndone === false) end++;
    this.#end = end;
    this.#endOperation = this.#firstOperationOf(end);
    return true;
  }

  /** The operations that are to be sent, and how many these are. */
  get operations(): Uint8Array {
    return this.#batch.bytesOf(this.#operation, this.#endOperation);
  }

  get operationCount(): number {
    return this.#endOperation - this.#operation;
  }

  /** Make results parts of replies, as far as there are any. @param version in which what was sent executed */
  take(results: Uint8Array, version: number): void {
    this.#cursor.begin(results);
    const first = this.#operation;
    while (this.#segment < this.#end) {
      const isOver = this.#takeSegment(first);
      if (this.#operation > this.#untold) this.#user?.executed(version);
      this.#untold = this.#operation;
      if (!isOver) return this.#user?.answeredPartly();
      this.#endSegment();
    }
  }

  /** All commands that were sent are answered with this error. */
  refuse(error: string): void {
    while (this.#segment < this.#end) {
      if (this.#isBetweenParts) this.#refuseSegment(error);
      else this.#user?.cutOff();
      this.#endSegment();
    }
  }

  /** @returns false: an operation, and all after it, had no room for their results */
  #takeSegment(first: number): boolean {
    const batch = this.#batch;
    const reply = this.#reply;
    reply.protocol = this.#user?.protocol ?? 2;
    for (const end = this.#lastStepOf(this.#segment); this.#step < end;) {
      const step = batch.steps[this.#step];
      if (typeof step === 'function') {
        // An operation that does not fit even at the beginning says so itself.
        if (!this.#cursor.next() && this.#operation > first) return false;
        this.#operation++;
        step(reply, batch);
      } else if (step !== undefined) {
        reply.written(step);
      }
      if (batch.isAbandoned) return true;
      this.#advance();
    }
    return true;
  }

  /** The next command is answered with an error, and not executed. */
  #refuseNext(): void {
    const user = this.#user;
    if (user === undefined) return;
    const error = user.takeRollback();
    if (!this.#isBetweenParts) {
      user.cutOff();
      return this.#endSegment();
    }
    this.#reply.error(error);
    if (this.#batch.isWhole) return this.#endSegment();
    const part = this.#part;
    while (this.#part === part) {
      if (typeof this.#batch.steps[this.#step] === 'function') this.#operation++;
      this.#advance();
    }
    this.#untold = this.#operation;
    if (this.#part === this.#firstPartOf(this.#segment + 1)) this.#endSegment();
  }

  #refuseSegment(error: string): void {
    const end = this.#firstPartOf(this.#segment + 1);
    for (let part = this.#batch.isWhole ? end - 1 : this.#part; part < end; part++) this.#reply.error(error);
  }

  get #user(): BatchUser | undefined {
    return this.#segment < this.#batch.segmentCount ? this.#batch.segments[this.#segment]?.user : undefined;
  }

  /** Whether the reply to the next command has not begun. */
  get #isBetweenParts(): boolean {
    const { isWhole, partEnds } = this.#batch;
    if (isWhole) return this.#step === 0;
    return this.#step === (this.#part === 0 ? 0 : partEnds[this.#part - 1]);
  }

  #advance(): void {
    this.#step++;
    if (this.#step !== this.#batch.partEnds[this.#part]) return;
    this.#part++;
    this.#batch.tally = 0;
  }

  #endSegment(): void {
    const user = this.#user;
    const next = ++this.#segment;
    this.#part = this.#firstPartOf(next);
    this.#step = this.#lastStepOf(next - 1);
    this.#operation = this.#untold = this.#firstOperationOf(next);
    user?.answered(this.#batch.more);
  }

  #firstPartOf(segment: number): number {
    const { segments, segmentCount, partCount } = this.#batch;
    return segment < segmentCount ? (segments[segment]?.part ?? 0) : partCount;
  }

  #firstOperationOf(segment: number): number {
    const { segments, segmentCount, operations } = this.#batch;
    return segment < segmentCount ? (segments[segment]?.operation ?? 0) : operations;
  }

  #lastStepOf(segment: number): number {
    return this.#batch.partEnds[this.#firstPartOf(segment + 1) - 1] ?? 0;
  }
}
