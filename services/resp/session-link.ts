/**
 * A session of the worker's core, as a connection in the same process that sends one batch after another: all connections of a port have
 * one together, since what each of them did last is all that tells what it lost, or has committed. Nothing is ever sent twice: a
 * batch that the core did not answer when a world-line ends was not executed in it, or was rolled back, since a version is sealed only
 * once all its batches are answered.
 */
import { decisionsAfter, survivingVersion } from '@dpr/core';
import { decode, type Batch, type Decision, type Draft, type Message, type MessageOf } from '@dpr/protocol';
import { clientHello, type Connection, type Host, nextConnectionNumber, type Owner } from '@dpr/runtime/side-port';
import type { DependencyToken } from './dependency-token.ts';

/** What the core knows a batch by: it executes the next number of a session, and answers one that executed from memory. */
export interface Numbered {
  /** As the core's other sessions have them. */
  readonly session: string;
  readonly sequence: number;
}

export interface LinkUser {
  /** The batch executed, in this version. */
  readonly answered: (results: Uint8Array, version: number) => void;
  /** The batch did not execute. @param error as a reply says it */
  readonly refused: (error: string) => void;
  /** A world-line began: what was done here above version `survived` never happened. */
  readonly rolledBack: (worldLine: number, survived: number) => void;
  /** The batch did not execute, since its world-line is over: it may be sent again. */
  readonly undone: () => void;
  /** All of the above were told; more may be committed than before. */
  readonly progressed: () => void;
  /** The core ended the connection. */
  readonly ended: () => void;
}

const SESSION_BYTES = 16;
/** Of what a worker remembers, all connections of the port together have the part of one address. */
const ORIGIN = 'RESP port';
const NO_DEPENDENCIES: ReadonlyMap<number, number> = new Map();

export class SessionLink {
  readonly #host: Pick<Host, 'nextTick' | 'randomBytes'>;
  readonly #owner: Owner;
  readonly #user: LinkUser;
  readonly #connection: Connection;
  #worker = 0;
  #generation = 0;
  #worldLine = 0;
  /** Of `#worldLine`: what of this worker the cut covers. */
  #committed = 0;
  #session: string;
  #sequence = 0;
  /** Sessions that are over, and of which the core does not know that. */
  readonly #over: string[] = [];
  /** The last version in which something of this connection executed; 0: none. */
  #version = 0;
  /** What the next batch depends on; executed, it is itself what later ones depend on. */
  #need: DependencyToken | undefined;
  /** A failure took back what the batch depends on. */
  #lostNeed = false;
  /** Of the cut that came last. */
  #decisions: readonly Decision[] = [];
  #isAsking = false;
  /** The batch that has no answer, and its answer once that is there. */
  #batch: Batch | undefined;
  #reply: MessageOf<'reply'> | undefined;
  #refusal: MessageOf<'error'> | undefined;
  /** World-lines that began, and what survived in each. */
  readonly #begun: { readonly worldLine: number; readonly survived: number }[] = [];
  /** The batch was sent in a world-line or session that is over. */
  #isStale = false;
  /** Decisions are missing between the own world-line and one that was heard of. */
  #lacksDecisions = false;
  #isDispatching = false;
  #isOpen = true;
  #isDue = false;

  constructor(host: Pick<Host, 'nextTick' | 'randomBytes'>, owner: Owner, user: LinkUser) {
    this.#host = host;
    this.#owner = owner;
    this.#user = user;
    this.#session = this.#newSession();
    this.#connection = {
      number: nextConnectionNumber(),
      origin: ORIGIN,
      send: (frame) => this.#receive(frame),
      close: () => this.#close(),
      isOpen: () => this.#isOpen,
      watch: () => undefined, // it is in the same process
    };
    this.#dispatch(() => owner.opened(this.#connection, clientHello('')));
  }

  /** No failure takes anything back that was done here up to this version. */
  get committed(): number {
    return this.#committed;
  }

  get worldLine(): number {
    return this.#worldLine;
  }

  get worker(): number {
    return this.#worker;
  }

  /**
   * Let the next batch depend on a version of a worker. What survived the end of its world-line is committed, and needs nothing.
   * @returns why it cannot, as a reply says it
   */
  see(token: DependencyToken): string | undefined {
    const { worldLine, worker, version } = token;
    const decisions = worldLine < this.#worldLine ? this.#decisionsAfter(worldLine) : [];
    if (worldLine > this.#worldLine) return `TRYAGAIN this worker has not heard of world-line ${worldLine} yet`;
    if (decisions === undefined)
      return lost(this.#worldLine, `it is not known any more what survived of world-line ${worldLine}`);
    if (version > survivingVersion(decisions, worker, worldLine)) return lost(this.#worldLine);
    if (worldLine === this.#worldLine && version > 0) this.#need = token;
    return undefined;
  }

  /**
   * Send a batch; the one before has been answered.
   * @param operations stay as they are until it is
   * @param numbered where it is of another session than the port's
   */
  submit(operations: Uint8Array, count: number, numbered?: Numbered): void {
    const need = this.#need;
    const { session, sequence } = numbered ?? { session: this.#session, sequence: ++this.#sequence };
    this.#batch = {
      kind: 'batch',
      urgent: false,
      count,
      session,
      worldLine: this.#worldLine,
      generation: this.#generation,
      sequence,
      acknowledged: sequence - 1,
      version: Math.max(this.#version, need?.version ?? 0),
      dependencies: need === undefined ? NO_DEPENDENCIES : new Map([[need.worker, need.version]]),
      operations,
    };
    this.#send(this.#batch);
  }

  /** Ask for what was done here up to this version to be committed soon. */
  hurry(version: number): void {
    this.#send({ kind: 'commit', worldLine: this.#worldLine, version });
  }

  /** End the session, and the connection. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#sequence > 0) this.#owner.frames(this.#connection, [{ kind: 'sessionEnded', session: this.#session }]);
    this.#owner.closed(this.#connection);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#host.nextTick(() => {
      this.close();
      this.#user.ended();
    });
  }

  #newSession(): string {
    return this.#host.randomBytes(SESSION_BYTES).toString('hex');
  }

  #send(message: Message): void {
    this.#dispatch(() => this.#owner.frames(this.#connection, [message]));
  }

  /** What the core sends meanwhile is looked at afterwards: nothing may be sent to it while it answers. */
  #dispatch(run: () => void): void {
    if (!this.#isOpen) return;
    this.#isDispatching = true;
    run();
    this.#isDispatching = false;
    this.#settle();
  }

  #receive(frame: Draft): void {
    this.#take(frame instanceof Uint8Array ? decode(frame) : frame);
    if (this.#isDispatching || this.#isDue) return;
    this.#isDue = true;
    this.#host.nextTick(() => {
      this.#isDue = false;
      if (this.#isOpen) this.#settle();
    });
  }

  #take(message: Message): void {
    switch (message.kind) {
      case 'welcome':
        this.#worldLine = message.worldLine;
        this.#worker = message.worker?.id ?? 0;
        this.#generation = message.worker?.generation ?? 0;
        return;
      case 'reply':
        if (!this.#isOfBatch(message)) return;
        this.#reply = message;
        this.#version = Math.max(message.version, this.#version);
        return;
      case 'cut':
        return this.#takeCut(message);
      case 'error':
        return this.#takeError(message);
      default:
        return;
    }
  }

  #isOfBatch({ session, sequence }: { session: string | undefined; sequence: number }): boolean {
    return session === this.#batch?.session && sequence === this.#batch?.sequence && !this.#isStale;
  }

  #takeError(message: MessageOf<'error'>): void {
    if (message.code !== 'historyLost') {
      if (this.#isOfBatch(message)) this.#refusal = message;
    } else if (!this.#isAsking) this.#close();
  }

  #takeCut({ worldLine, decisions, cut }: MessageOf<'cut'>): void {
    if (worldLine < this.#worldLine) return;
    this.#decisions = decisions;
    if (worldLine > this.#worldLine) {
      const missing = decisionsAfter(decisions, this.#worldLine, worldLine);
      this.#lacksDecisions = missing === undefined;
      if (missing === undefined) return;
      this.#adopt(worldLine, missing);
    }
    this.#committed = Math.max(this.#committed, cut.get(this.#worker) ?? 0);
  }

  /** A world-line begins: what was done here and did not survive the decisions never happened. */
  #adopt(worldLine: number, decisions: readonly Decision[]): void {
    const survived = survivingVersion(decisions, this.#worker, this.#worldLine);
    const need = this.#need;
    this.#lostNeed ||= need !== undefined && need.version > survivingVersion(decisions, need.worker, need.worldLine);
    this.#need = undefined;
    this.#begun.push({ worldLine, survived });
    if (this.#version > survived) this.#version = 0;
    this.#worldLine = worldLine;
    this.#committed = 0;
    this.#isStale = this.#batch !== undefined && this.#reply === undefined;
    this.#refusal = undefined;
    this.#begin();
  }

  /** All decisions after a world-line that is over; undefined: the worker does not know them. */
  #decisionsAfter(worldLine: number): readonly Decision[] | undefined {
    this.#decisions = [];
    this.#isAsking = true;
    this.#send({ kind: 'refresh', worldLine });
    this.#isAsking = false;
    return decisionsAfter(this.#decisions, worldLine, this.#worldLine);
  }

  /** Number on in a session of which the core knows nothing. */
  #begin(): void {
    if (this.#sequence > 0) this.#over.push(this.#session);
    this.#session = this.#newSession();
    this.#sequence = 0;
  }

  #settle(): void {
    const over = this.#over.pop();
    if (over !== undefined) return this.#send({ kind: 'sessionEnded', session: over });
    if (this.#lacksDecisions) {
      this.#lacksDecisions = false;
      return this.#send({ kind: 'refresh', worldLine: this.#worldLine });
    }
    const batch = this.#batch;
    const [reply, refusal, isStale] = [this.#reply, this.#refusal, this.#isStale];
    this.#reply = this.#refusal = undefined;
    this.#isStale = false;
    const lostNeed = this.#lostNeed;
    this.#lostNeed = false;
    if (reply !== undefined) {
      this.#batch = undefined;
      this.#need = undefined;
      this.#user.answered(reply.results, reply.version);
    }
    for (const { worldLine, survived } of this.#begun.splice(0)) this.#user.rolledBack(worldLine, survived);
    if (isStale) {
      this.#batch = undefined;
      if (lostNeed) this.#user.refused(lost(this.#worldLine));
      else this.#user.undone();
    } else if (refusal !== undefined && batch !== undefined) {
      this.#refuse(batch, refusal);
    }
    this.#user.progressed();
  }

  #refuse(batch: Batch, { code, text }: MessageOf<'error'>): void {
    const isOwn = batch.session === this.#session;
    const isForgotten = isOwn && (code === 'sessionExpired' || code === 'sequenceGap');
    if (isOwn) this.#sequence--;
    this.#batch = undefined;
    if (isForgotten && this.#sequence > 0) {
      // It was idle for so long that the core forgot it. Nothing of the batch was executed, and nothing else is unanswered.
      this.#begin();
      return this.submit(batch.operations, batch.count);
    }
    this.#need = undefined;
    const orLost = !isOwn && code === 'sessionExpired' ? '; or a failure took back all of it' : '';
    this.#user.refused(`${code.toUpperCase()} ${text}${orLost}`);
  }
}

function lost(worldLine: number, what = 'a failure took back what the token tells of'): string {
  return `ROLLBACK world-line ${worldLine}: ${what}; this command was not executed, and the connection goes on`;
}
