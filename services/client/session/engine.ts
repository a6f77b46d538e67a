/** One session at work: the core's state machine with its calls, limits, timers and connections around it. */
import {
  added,
  createSession,
  Queue,
  sessionLastCall,
  sessionNeedsFinder,
  sessionUses,
  sessionWakeAt,
  sessionWorldLine,
  stepSession,
  type RollbackReport as CallReport,
  type Session as Core,
  type SessionEffect,
  type SessionEvent,
  type Submission,
} from '@dpr/core';
import type { Message } from '@dpr/protocol';
import { alarm, type Alarm } from '@dpr/runtime/alarm';
import { deferred } from '@dpr/runtime/deferred';
import { unlessAborted } from '../abort.ts';
import { createAdmission, wrongType, type Admission } from './admission.ts';
import { answerOf } from './batch-answer.ts';
import {
  appended,
  commit,
  complete,
  fail,
  isUnanswered,
  lastOperation,
  takeBytes,
  type Batch,
  type Cargo,
  type Failure,
  type Part,
} from './batch.ts';
import { Collector } from './collector.ts';
import { Commits } from './commits.ts';
import {
  ClosedError,
  defect,
  OverloadedError,
  RollbackError,
  sessionFailure,
  WorkerRemovedError,
  type DprError,
} from '../errors.ts';
import { signalOf, type CallOptions, type SessionOptions } from '../options.ts';
import { tellRollback } from './rollback.ts';
import type { RollbackReport } from './rollback-report.ts';
import { SessionLimits, type Load } from './session-limits.ts';
import type { OpenWorker, SessionHost } from './session-host.ts';
import { traceBegun, traceCommitted, traceRollback, traceSent, traceSettled } from '../tracing.ts';
import { failureIn, Unreported, wholeFailure } from './unreported-failures.ts';
import { NumberedQueue } from './numbered-queue.ts';

/** Shared by all sessions. */
const NO_CALLS: Submission[] = [];
/** Of sessions that have none; never changed. */
const NO_LISTENERS = new Set<(report: RollbackReport) => void>();

/** A class, and not functions around variables: a program has many sessions, and each would have all of these functions. */
export class Engine {
  readonly id: string;
  readonly mode: 'strict' | 'relaxed';
  readonly collector: Collector;
  readonly #cluster: SessionHost;
  readonly #core: Core;
  readonly #replays: boolean;
  readonly #commits = new Commits();
  readonly #limits: SessionLimits;
  readonly #admission: Admission;
  readonly #wake: Alarm;
  #listeners = NO_LISTENERS;
  /** What the core has, by its number for it, in the order of the calls. */
  readonly #inFlight = new NumberedQueue<Batch>();
  /** What waits for room, or to learn of its worker, in the order of the calls. */
  readonly #waiting = new Queue<Batch>();
  #readyWaiters: Set<() => void> | undefined;
  readonly #unreported = new Unreported();
  #lastCommitted = 0;
  #isFlushing = false;
  #isAdmitting = false;
  #broken: RollbackError | undefined;
  #ended: DprError | undefined;

  constructor(options: SessionOptions, cluster: SessionHost) {
    const { mode = 'strict', replay = false, onRollback } = options;
    const { host, sending } = cluster;
    this.id = host.randomBytes(16).toString('hex');
    this.mode = mode;
    this.collector = new Collector(mode);
    this.#cluster = cluster;
    this.#core = createSession({ id: this.id, worldLine: cluster.worldLine(), mode, replay, ...sending });
    this.#replays = replay;
    this.#limits = new SessionLimits(options);
    this.#admission = createAdmission(cluster, () => this.#admit());
    this.#wake = alarm(host, () => this.#step({ kind: 'wake' }));
    if (onRollback !== undefined) this.addListener(onRollback);
  }

  // --- what the application asks ------------------------------------------------------------------------------------

  worldLine(): number {
    return sessionWorldLine(this.#core);
  }

  /** Why the session takes no call of this size now. */
  refusal(count: number, bytes: number, signal: AbortSignal | undefined): Error | undefined {
    if (signal?.aborted === true) return signal.reason as Error;
    return this.#ended ?? this.#broken ?? this.#limits.refusal(count, bytes);
  }

  /** A call that was not made: for this reason. */
  refused(cargo: Cargo, error: Error): void {
    if (!(error instanceof OverloadedError)) return; // of any other reason everybody is told, or gave it
    cargo.failure = wholeFailure(cargo, error);
    this.#unreported.add(cargo.failure);
  }

  /** `count` operations of `size` bytes were written to the end of the batch. */
  append(cargo: Cargo, first: number, count: number, size: number): Part {
    const part = appended(cargo, first, count, size);
    if (part.index === 0) traceBegun(cargo.batch);
    this.#limits.hold(count, size);
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      this.#cluster.flushSoon(this);
    }
    return part;
  }

  async commit(call?: CallOptions): Promise<void> {
    const signal = signalOf(call);
    signal?.throwIfAborted();
    this.#throwIfStopped();
    this.flush();
    const told = this.#unreported.take();
    if (told !== undefined) throw told;
    const waits = this.#commits.wait(this.collector.lastOperation(), signal);
    this.#settleCommits();
    this.#step({ kind: 'commit' });
    return waits;
  }

  async ready(call?: CallOptions): Promise<void> {
    const signal = signalOf(call);
    signal?.throwIfAborted();
    this.#throwIfStopped();
    this.flush();
    if (this.#waiting.first() === undefined) return;
    const { promise, resolve } = deferred();
    const waiters = (this.#readyWaiters ??= new Set());
    waiters.add(resolve);
    await unlessAborted(promise, signal, () => waiters.delete(resolve));
    this.#throwIfStopped();
  }

  resume(): void {
    if (this.#broken === undefined) return;
    this.#broken = undefined;
    this.#step({ kind: 'resume' });
  }

  broken(): RollbackError | undefined {
    return this.#broken;
  }

  uncommitted(): Load {
    return this.#limits.load();
  }

  /** @returns what removes it */
  addListener(listener: (report: RollbackReport) => void): () => void {
    if (this.#listeners === NO_LISTENERS) this.#listeners = new Set();
    const listeners = this.#listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  end(error: DprError): void {
    if (this.#ended !== undefined) return;
    if (error instanceof ClosedError) this.#step({ kind: 'close' });
    this.#ended = error;
    this.#wake.cancel();
    this.#cluster.forget(this.id);
    if (!(error instanceof ClosedError)) {
      const message = `session ${this.id} ended: ${error.message}`;
      this.#cluster.log({ level: 'warn', event: 'sessionEnded', message });
    }
    this.collector.take(this.#waiting);
    for (const batch of [...this.#inFlight, ...this.#dropWaiting()]) failTraced(batch, error);
    this.#inFlight.clear();
    this.#limits.clear();
    this.#commits.failed(0, () => error);
    this.#tellReady();
  }

  // --- what the cluster tells ---------------------------------------------------------------------------------------

  /** The calls of a tick are complete. */
  flush(): void {
    this.#isFlushing = false;
    if (this.#ended !== undefined || this.#broken !== undefined) return;
    this.collector.take(this.#waiting);
    this.#admit();
  }

  /** A worker was connected to; what it did not answer is sent again. */
  opened(worker: number, { generation, type }: OpenWorker): void {
    if (!sessionUses(this.#core, worker)) return;
    for (const batch of this.#inFlight) {
      const isMeant = batch.worker === worker && isUnanswered(batch);
      if (isMeant && batch.type !== type) return this.end(wrongType(worker, batch.type, type));
    }
    this.#step({ kind: 'connected', worker, generation });
  }

  closed(worker: number): void {
    if (sessionUses(this.#core, worker)) this.#step({ kind: 'disconnected', worker });
  }

  frames(worker: number | undefined, messages: readonly Message[]): void {
    this.#step({ kind: 'frames', worker, messages });
  }

  /** The worker will not let this client in, for this reason. */
  workerRefused(worker: number, error: DprError): void {
    for (const batch of this.#inFlight) {
      if (batch.worker === worker && isUnanswered(batch)) return this.end(error);
    }
  }

  removed(worker: number, generation: number): void {
    if (sessionUses(this.#core, worker)) this.#step({ kind: 'removed', worker, generation });
  }

  membershipChanged(): void {
    this.#admit();
  }

  /** Does the session need the Finder to tell it of cuts and world-lines, because no worker may? */
  needsFinder(): boolean {
    return sessionNeedsFinder(this.#core, this.#cluster.worldLine());
  }

  // --- the core's steps ---------------------------------------------------------------------------------------------

  #step(event: SessionEvent): void {
    if (this.#ended !== undefined) return;
    const inFlightBefore = this.#inFlight.size;
    let effects: readonly SessionEffect[];
    try {
      effects = stepSession(this.#core, event, this.#cluster.host.now());
    } catch (error) {
      // An invariant does not hold. That ends the session, and not the application.
      return this.end(defect(error));
    }
    let wanted: number[] | undefined;
    for (const effect of effects) {
      if (effect.kind === 'connect') (wanted ??= []).push(effect.worker);
      else this.#perform(effect);
    }
    if (this.#hasEnded()) return;
    this.#wake.set(sessionWakeAt(this.#core));
    if (wanted !== undefined) for (const worker of wanted) this.#meet(worker);
    if (this.#inFlight.size >= inFlightBefore) return;
    this.#settleCommits();
    this.#admit();
  }

  /** The session wants a connection to this worker: there is one, or there will be, or the worker was removed. */
  #meet(worker: number): void {
    const peer = this.#cluster.connect(worker);
    if (peer !== undefined) return this.opened(worker, peer);
    const generation = this.#cluster.removedGeneration(worker);
    if (generation !== undefined) this.removed(worker, generation);
  }

  #hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  #perform(effect: Exclude<SessionEffect, { kind: 'connect' }>): void {
    switch (effect.kind) {
      case 'send':
        return this.#cluster.send(effect.worker, effect.message);
      case 'sendFinder':
        return this.#cluster.sendFinder(effect.message);
      case 'fetchCluster':
        return this.#cluster.fetchCluster();
      case 'completed': {
        const batch = this.#inFlight.get(effect.call);
        if (batch !== undefined) this.#completed(batch, effect.results);
        return;
      }
      case 'committed':
        for (const call of effect.calls) this.#committed(call);
        return;
      case 'failed': {
        const batch = this.#takeInFlight(effect.call);
        if (batch === undefined) return;
        return this.#failed(batch, new WorkerRemovedError(batch.worker, effect.sent ? 'unknown' : 'notExecuted'));
      }
      case 'rolledBack':
        return this.#rolledBack(effect.report, effect.replaying);
      case 'ended':
        return this.end(sessionFailure(effect.code, effect.text));
    }
  }

  #takeInFlight(call: number): Batch | undefined {
    const batch = this.#inFlight.get(call);
    if (batch === undefined) return undefined;
    this.#inFlight.delete(call);
    this.#limits.done(batch);
    return batch;
  }

  // --- what becomes of calls ----------------------------------------------------------------------------------------

  #committed(call: number): void {
    const batch = this.#takeInFlight(call);
    if (batch === undefined) return;
    this.#lastCommitted = Math.max(this.#lastCommitted, lastOperation(batch));
    traceCommitted(batch);
    commit(batch);
  }

  #failed(batch: Batch, error: DprError): void {
    const { cargo } = batch;
    failTraced(batch, error);
    if (cargo !== undefined) this.#leave(cargo, wholeFailure(cargo, error));
  }

  #completed(batch: Batch, results: Uint8Array): void {
    const { cargo } = batch;
    if (cargo === undefined) return;
    const answer = answerOf(cargo, results);
    const failure = failureIn(cargo, answer);
    traceSettled(batch);
    complete(batch, answer, !this.#replays);
    if (failure === undefined) return;
    cargo.failure?.tell(); // those of the earlier results count no more
    this.#leave(cargo, failure);
  }

  /** It is left to a commit to tell of this, as far as the application does not look at the calls. */
  #leave(cargo: Cargo, failure: Failure): void {
    cargo.failure = failure;
    if (failure.left() === 0) return;
    const { first } = cargo.batch;
    if (this.#commits.failed(first, failure.tell)) return;
    this.#unreported.add(failure);
  }

  #rolledBack(report: CallReport, replaying: boolean): void {
    this.collector.take(this.#waiting);
    const told = tellRollback(report, replaying, this.#inFlight, this.#waiting, this.#lastCommitted);
    const error = new RollbackError(told);
    this.#cluster.log({ level: 'warn', event: 'rollback', message: `session ${this.id}: ${error.message}` });
    traceRollback(this.id, told); // before what it did to each batch
    if (!replaying) {
      this.#broken = error;
      const gone = [...report.lost, ...report.unsent].flatMap((call) => this.#takeInFlight(call) ?? []);
      for (const batch of [...gone, ...this.#dropWaiting()]) {
        failTraced(batch, error);
        this.#commits.failed(batch.first, () => error);
      }
    }
    for (const listener of this.#listeners) queueMicrotask(() => listener(told));
  }

  #settleCommits(): void {
    if (!this.#commits.isAwaited()) return;
    this.#commits.settle(Math.min(this.#inFlight.first()?.first ?? Infinity, this.#waiting.first()?.first ?? Infinity));
  }

  #dropWaiting(): Batch[] {
    const dropped = this.#waiting.take();
    for (const batch of dropped) this.#limits.letGo(batch);
    return dropped;
  }

  // --- what waits for room ------------------------------------------------------------------------------------------

  /** Hand what waits to the core, in order, as far as there is room and its workers are known. */
  #admit(): void {
    if (this.#isAdmitting) return;
    if (this.#waiting.first() !== undefined) {
      this.#isAdmitting = true;
      const isUrgent = this.#submit();
      this.#isAdmitting = false;
      if (isUrgent) this.#step({ kind: 'commit' });
      if (this.#waiting.first() !== undefined) return;
    }
    this.#settleCommits();
    this.#tellReady();
  }

  /** @returns whether the application waits for the commit of some of it */
  #submit(): boolean {
    let calls: Submission[] = NO_CALLS;
    let isUrgent = false;
    for (let batch = this.#fitting(); batch !== undefined; batch = this.#fitting()) {
      const problem = this.#admission(batch);
      if (problem === 'unknown') break;
      this.#waiting.shift();
      this.#limits.letGo(batch);
      if (problem !== undefined) {
        this.#failed(batch, problem);
      } else {
        isUrgent ||= this.#commits.isWanted(batch.first);
        this.#limits.sent(batch);
        calls = added(calls, { worker: batch.worker, operations: takeBytes(batch), count: batch.count });
        this.#inFlight.add(sessionLastCall(this.#core) + calls.length, batch);
        traceSent(this.id, batch);
      }
    }
    if (calls.length > 0) this.#step({ kind: 'submit', calls });
    return isUrgent;
  }

  /** What waits longest, if there is room for it. */
  #fitting(): Batch | undefined {
    const batch = this.#waiting.first();
    return batch !== undefined && this.#limits.fits(batch) ? batch : undefined;
  }

  #tellReady(): void {
    if (this.#readyWaiters === undefined) return;
    for (const ready of this.#readyWaiters) ready();
    this.#readyWaiters = undefined;
  }

  #throwIfStopped(): void {
    const reason = this.#ended ?? this.#broken;
    if (reason !== undefined) throw reason;
  }
}

function failTraced(batch: Batch, error: Error): void {
  traceSettled(batch, error);
  fail(batch, error);
}
