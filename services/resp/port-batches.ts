/**
 * Batches of a port: what its connections collect in one turn of the event loop goes to the core together, and costs as much as one batch
 * however many connections it is of. While the core has one, the next one is collected.
 */
import type { Host, Owner } from '@dpr/runtime/side-port';
import { BatchRun } from './batch-run.ts';
import { type BatchUser, CommandBatch } from './command-batch.ts';
import type { ResultCursor } from './command.ts';
import type { DependencyToken } from './dependency-token.ts';
import { COLLECTED_BYTES, COLLECTED_OPERATIONS } from './limits.ts';
import type { ReplyWriter } from './reply-writer.ts';
import { SessionLink } from './session-link.ts';

/** A connection of the port. */
export interface PortUser extends BatchUser {
  /** The last version in which something of it executed, in the present world-line; 0: none. */
  readonly version: number;
  /** What it did above version `survived` never happened. */
  rolledBack(worldLine: number, survived: number): void;
  /** The core ended the session. */
  ended(): void;
}

type BatchHost = Pick<Host, 'nextTick' | 'now' | 'randomBytes' | 'setImmediate'>;

const NOTHING = new Uint8Array(0);

export class PortBatches {
  readonly #host: BatchHost;
  readonly #owner: Owner;
  readonly #run: BatchRun;
  readonly #users = new Set<PortUser>();
  #link: SessionLink | undefined;
  #open = new CommandBatch();
  /** The one that was sent last, or that is the next one. */
  #other = new CommandBatch();
  #isInFlight = false;
  /** What was sent has an outcome. */
  #isAnswered = false;
  #isGoingOn = false;
  #isDue = false;
  /** Who waits for the core to have nothing, and who for commits. */
  readonly #waiting = new Set<PortUser>();
  readonly #committing = new Set<PortUser>();
  #awake = new Set<BatchUser>();
  #sentAt: number;

  constructor(host: BatchHost, owner: Owner, results: ResultCursor, reply: ReplyWriter) {
    this.#host = host;
    this.#owner = owner;
    this.#run = new BatchRun(results, reply);
    this.#sentAt = host.now();
  }

  /** The batch that is being collected; who adds to it says `added`. */
  get open(): CommandBatch {
    return this.#open;
  }

  /** The core has a batch, and takes no other one. */
  get isInFlight(): boolean {
    return this.#isInFlight;
  }

  /** Monotonic time at which a batch was sent last, ms. */
  get sentAt(): number {
    return this.#sentAt;
  }

  join(user: PortUser): void {
    this.#users.add(user);
    this.#link ??= this.#createLink();
  }

  leave(user: PortUser): void {
    this.#users.delete(user);
    this.#waiting.delete(user);
    this.#committing.delete(user);
  }

  /** End the session. */
  close(): void {
    this.#link?.close();
  }

  /** Whether what was collected is to be sent before there is more of it. */
  get isFull(): boolean {
    return this.#open.operations >= COLLECTED_OPERATIONS || this.#open.byteCount >= COLLECTED_BYTES;
  }

  /** What is open is sent once this turn of the event loop has taken in what there is. */
  added(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#host.setImmediate(this.#endTurn);
  }

  /** Send what is open now, unless the core has a batch. Usually it is answered at once. */
  flush(): void {
    if (this.#isInFlight || this.#open.isEmpty) return;
    const batch = this.#open;
    this.#open = this.#other;
    this.#other = batch;
    this.#sentAt = this.#host.now();
    this.#isInFlight = this.#isAnswered = true;
    this.#run.begin(batch);
    this.#goOn();
    if (!this.isInFlight) return;
    for (const user of batch.users()) {
      user.sent();
      this.#wake(user);
    }
  }

  /** Have this user go on once the core has no batch. */
  wait(user: PortUser): void {
    this.#waiting.add(user);
  }

  isCommitted(version: number): boolean {
    return version <= (this.#link?.committed ?? 0);
  }

  /** A version in which something executed here, for other workers. */
  tokenOf(version: number): DependencyToken {
    const { worldLine = 0, worker = 0 } = this.#link ?? {};
    return { worldLine, worker, version };
  }

  /** Let the next batch, and all after it, depend on this. @returns why not, as a reply says it */
  see(token: DependencyToken): string | undefined {
    return this.#link?.see(token);
  }

  /** Have this user go on whenever more is committed, until `leave` or `waitNoMore`; and have what it did committed soon. */
  waitForCommit(user: PortUser): void {
    this.#committing.add(user);
    this.#link?.hurry(user.version);
  }

  waitNoMore(user: PortUser): void {
    this.#committing.delete(user);
  }

  readonly #endTurn = (): void => {
    this.#isDue = false;
    this.flush();
  };

  #createLink(): SessionLink {
    return new SessionLink(this.#host, this.#owner, {
      answered: (results, version) => {
        this.#isAnswered = true;
        this.#run.take(results, version);
      },
      refused: (error) => {
        this.#isAnswered = true;
        this.#run.refuse(error);
      },
      undone: () => (this.#isAnswered = true),
      rolledBack: (worldLine, survived) => this.#rolledBack(worldLine, survived),
      progressed: () => {
        for (const user of this.#committing) this.#wake(user);
        this.#goOn();
      },
      ended: () => this.#ended(),
    });
  }

  #goOn(): void {
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    while (this.#isInFlight && this.#isAnswered) {
      if (!this.#run.next()) this.#endBatch();
      else if (this.#run.operationCount === 0) this.#run.take(NOTHING, 0);
      else this.#submit();
    }
    this.#isGoingOn = false;
  }

  #submit(): void {
    this.#isAnswered = false;
    const { operations, operationCount } = this.#run;
    // What had no room for its results reads, and is sent again for itself.
    const isWhole = operationCount === this.#other.operations;
    this.#link?.submit(operations, operationCount, isWhole ? this.#other.numbered : undefined);
  }

  #endBatch(): void {
    this.#isInFlight = false;
    this.#other.clear();
    if (this.#waiting.size > 0) {
      for (const user of this.#waiting) this.#wake(user);
      this.#waiting.clear();
    }
    if (!this.#open.isEmpty) this.added();
  }

  #rolledBack(worldLine: number, survived: number): void {
    for (const user of this.#users) {
      if (user.version <= survived) continue;
      user.rolledBack(worldLine, survived);
      this.#wake(user);
    }
  }

  /** Users go on when the present step is over: one of them may be at work in it. */
  #wake(user: BatchUser): void {
    this.#awake.add(user);
    if (this.#awake.size > 1) return;
    this.#host.nextTick(() => {
      const awake = this.#awake;
      this.#awake = new Set();
      for (const one of awake) one.goOn();
    });
  }

  #ended(): void {
    this.#link = undefined;
    this.#isInFlight = false;
    for (const user of this.#users) user.ended();
    this.#open.clear();
    this.#other.clear();
  }
}
