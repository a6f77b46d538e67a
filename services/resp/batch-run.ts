/**
 * A batch of commands on its way through the core: as far as it was done, its results become replies. Where results have no room beside
 * those before, the rest is sent again, as a batch of its own; in the same tick, so that nothing comes between. But commands of a client that
 * does not read its replies are parked, as soon as the one whose reply was begun is answered.
 */
import { type BatchUser, CommandBatch } from './command-batch.ts';
import type { ResultCursor } from './command.ts';
import { MAX_ANSWER_BYTES, MAX_UNREAD_BYTES } from './limits.ts';
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
   * Refuse or park what is not to be executed, and look how far the rest can be sent.
   * @returns false: all is answered or parked
   */
  next(): boolean {
    for (let user = this.#user; user !== undefined; user = this.#user) {
      if (this.#mustPark(user)) this.#park(user);
      else if (user.isUndone) this.#refuseNext(user);
      else if (user.unreadBytes > MAX_ANSWER_BYTES) this.#cutOff(user);
      else break;
    }
    if (this.#segment === this.#batch.segmentCount) return false;
    if ((this.#user?.unreadBytes ?? 0) > MAX_UNREAD_BYTES) this.#sendPart();
    else this.#sendAll();
    return true;
  }

  /** Whatever can be sent is. */
  #sendAll(): void {
    const { segments, segmentCount } = this.#batch;
    let end = this.#segment + 1;
    while (end < segmentCount && canBeSent(segments[end]?.user)) end++;
    this.#end = end;
    this.#endOperation = this.#firstOperationOf(end);
  }

  /** Only the command whose reply was begun is sent, to its end. */
  #sendPart(): void {
    const { steps, partEnds, isWhole } = this.#batch;
    this.#end = this.#segment + 1;
    this.#endOperation = this.#operation;
    const end = isWhole ? this.#lastStepOf(this.#segment) : (partEnds[this.#part] ?? 0);
    for (let step = this.#step; step < end; step++) if (typeof steps[step] === 'function') this.#endOperation++;
  }

  #mustPark({ isParked, unreadBytes }: BatchUser): boolean {
    return (isParked || unreadBytes > MAX_UNREAD_BYTES) && this.#isBetweenParts && !this.#batch.isWhole;
  }

  #park(user: BatchUser): void {
    const rest = this.#batch.park(this.#operation, this.#step, this.#part, this.#firstPartOf(this.#segment + 1));
    this.#skipSegment();
    user.parked(rest);
  }

  #cutOff(user: BatchUser): void {
    user.cutOff();
    this.#endSegment();
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
  #refuseNext(user: BatchUser): void {
    const error = user.takeRollback();
    if (!this.#isBetweenParts) return this.#cutOff(user);
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
    this.#skipSegment();
    user?.answered(this.#batch.more);
  }

  #skipSegment(): void {
    const next = ++this.#segment;
    this.#part = this.#firstPartOf(next);
    this.#step = this.#lastStepOf(next - 1);
    this.#operation = this.#untold = this.#firstOperationOf(next);
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

function canBeSent(user: BatchUser | undefined): boolean {
  return user !== undefined && !user.isUndone && !user.isParked && user.unreadBytes <= MAX_UNREAD_BYTES;
}
