/** One session at work: the core's state machine with its calls, limits, timers and connections around it. */
import {
  createQueue,
  createSession,
  sessionLastCall,
  sessionNeedsFinder,
  sessionUses,
  sessionWakeAt,
  sessionWorldLine,
  stepSession,
  type RollbackReport as CallReport,
  type SessionEffect,
  type SessionEvent,
  type Submission,
} from '@dpr/core';
import type { Message } from '@dpr/protocol';
import { alarm } from '@dpr/runtime/alarm';
import { deferred } from '@dpr/runtime/deferred';
import { unlessAborted } from '../abort.ts';
import { createAdmission, wrongType } from './admission.ts';
import { answerOf, errorOfPlaces, faultOf, placesOf } from './answer.ts';
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
  type Part,
  type Failure,
} from './batch.ts';
import { createCollector, type Collector } from './collector.ts';
import { createCommits } from './commits.ts';
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
import { createSessionLimits, type Load } from './session-limits.ts';
import type { OpenWorker, SessionHost } from './session-host.ts';
import { createUnreported, partialFailure, wholeFailure } from './unreported.ts';
import { createWindow } from './window.ts';

export interface Engine {
  readonly id: string;
  readonly mode: 'strict' | 'relaxed';
  readonly collector: Collector;
  worldLine(): number;
  /** Why the session takes no call of this size now. */
  refusal(count: number, bytes: number, signal: AbortSignal | undefined): Error | undefined;
  /** A call that was not made: for this reason. */
  refused(cargo: Cargo, error: Error): void;
  /** `count` operations of `size` bytes were written to the end of the batch. */
  append(cargo: Cargo, first: number, count: number, size: number): Part;
  readonly commit: (options?: CallOptions) => Promise<void>;
  readonly ready: (options?: CallOptions) => Promise<void>;
  readonly resume: () => void;
  broken(): RollbackError | undefined;
  uncommitted(): Load;
  readonly addListener: (listener: (report: RollbackReport) => void) => () => void;
  end(error: DprError): void;

  opened(worker: number, peer: OpenWorker): void;
  closed(worker: number): void;
  frames(worker: number | undefined, messages: readonly Message[]): void;
  /** The worker will not let this client in, for this reason. */
  workerRefused(worker: number, error: DprError): void;
  removed(worker: number, generation: number): void;
  membershipChanged(): void;
  /** Does the session need the Finder to tell it of cuts and world-lines, because no worker may? */
  needsFinder(): boolean;
}

export function createEngine(options: SessionOptions, cluster: SessionHost): Engine {
  const { mode = 'strict', replay = false } = options;
  const { host, sending } = cluster;
  const id = host.randomBytes(16).toString('hex');
  const core = createSession({
    id,
    worldLine: cluster.worldLine(),
    mode,
    replay,
    ...sending,
  });
  const collector = createCollector(mode);
  const commits = createCommits();
  const limits = createSessionLimits(options);
  const problemWith = createAdmission(cluster, admit);
  const wake = alarm(host, () => step({ kind: 'wake' }));
  const listeners = new Set<(report: RollbackReport) => void>();
  if (options.onRollback !== undefined) listeners.add(options.onRollback);

  /** What the core has, by its number for it, in the order of the calls. */
  const inFlight = createWindow<Batch>();
  /** What waits for room, or to learn of its worker, in the order of the calls. */
  const waiting = createQueue<Batch>();
  let lastCommitted = 0;
  let flushing = false;
  let admitting = false;
  const readyWaiters = new Set<() => void>();
  let broken: RollbackError | undefined;
  let ended: DprError | undefined;
  const unreported = createUnreported();

  function step(event: SessionEvent): void {
    if (ended !== undefined) return;
    const inFlightBefore = inFlight.size();
    let effects: SessionEffect[];
    try {
      effects = stepSession(core, event, host.now());
    } catch (error) {
      // An invariant does not hold. That ends the session, and not the application.
      return end(defect(error));
    }
    const wanted = perform(effects);
    if (hasEnded()) return;
    wake.set(sessionWakeAt(core));
    for (const worker of wanted) meet(worker);
    if (inFlight.size() >= inFlightBefore) return;
    settleCommits();
    admit();
  }

  /** The session wants a connection to this worker: there is one, or there will be, or the worker was removed. */
  function meet(worker: number): void {
    const peer = cluster.connect(worker);
    if (peer !== undefined) return opened(worker, peer);
    const generation = cluster.removedGeneration(worker);
    if (generation !== undefined) removed(worker, generation);
  }

  function hasEnded(): boolean {
    return ended !== undefined;
  }

  /** @returns the workers that a connection is wanted to */
  function perform(effects: readonly SessionEffect[]): number[] {
    const wanted: number[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          cluster.send(effect.worker, effect.message);
          break;
        case 'sendFinder':
          cluster.sendFinder(effect.message);
          break;
        case 'connect':
          wanted.push(effect.worker);
          break;
        case 'fetchCluster':
          cluster.fetchCluster();
          break;
        case 'completed': {
          const batch = inFlight.get(effect.call);
          if (batch !== undefined) completed(batch, effect.results);
          break;
        }
        case 'committed':
          for (const call of effect.calls) committed(call);
          break;
        case 'failed': {
          const batch = takeInFlight(effect.call);
          if (batch !== undefined) {
            failed(batch, new WorkerRemovedError(batch.worker, effect.sent ? 'unknown' : 'notExecuted'));
          }
          break;
        }
        case 'rolledBack':
          rolledBack(effect.report, effect.replaying);
          break;
        case 'ended':
          end(sessionFailure(effect.code, effect.text));
          break;
      }
    }
    return wanted;
  }

  function takeInFlight(call: number): Batch | undefined {
    const batch = inFlight.get(call);
    if (batch === undefined) return undefined;
    inFlight.delete(call);
    limits.done(batch);
    return batch;
  }

  function committed(call: number): void {
    const batch = takeInFlight(call);
    if (batch === undefined) return;
    lastCommitted = Math.max(lastCommitted, lastOperation(batch));
    commit(batch);
  }

  function failed(batch: Batch, error: DprError): void {
    const { cargo } = batch;
    fail(batch, error);
    if (cargo !== undefined) leave(cargo, wholeFailure(cargo, error));
  }

  function completed(batch: Batch, results: Uint8Array): void {
    const { cargo } = batch;
    if (cargo === undefined) return;
    const answer = answerOf(cargo, results);
    const failure = failureIn(cargo, answer);
    complete(batch, answer, !replay);
    if (failure === undefined) return;
    cargo.failure?.tell(); // those of the earlier results count no more
    leave(cargo, failure);
  }

  /** It is left to a commit to tell of this, as far as nobody looks. */
  function leave(cargo: Cargo, failure: Failure): void {
    cargo.failure = failure;
    if (failure.left() === 0) return;
    const { first } = cargo.batch;
    if (commits.failed(first, failure.tell)) return;
    unreported.add(failure);
  }

  function rolledBack(report: CallReport, replaying: boolean): void {
    collect();
    const told = tellRollback(report, replaying, inFlight, waiting, lastCommitted);
    const error = new RollbackError(told);
    cluster.log({ level: 'warn', event: 'rollback', message: `session ${id}: ${error.message}` });
    if (!replaying) {
      broken = error;
      const gone = [...report.lost, ...report.unsent].flatMap((call) => takeInFlight(call) ?? []);
      for (const batch of [...gone, ...dropWaiting()]) {
        fail(batch, error);
        commits.failed(batch.first, () => error);
      }
    }
    for (const listener of listeners) queueMicrotask(() => listener(told));
  }

  function settleCommits(): void {
    if (!commits.isAwaited()) return;
    const [oldest] = inFlight;
    commits.settle(Math.min(oldest?.first ?? Infinity, waiting.first()?.first ?? Infinity));
  }

  function collect(): void {
    for (const batch of collector.take()) waiting.push(batch);
  }

  function dropWaiting(): Batch[] {
    const dropped = waiting.take();
    for (const batch of dropped) limits.letGo(batch);
    return dropped;
  }

  function flush(): void {
    flushing = false;
    if (ended !== undefined || broken !== undefined) return;
    collect();
    admit();
  }

  /** Hand what waits to the core, in order, as far as there is room and its workers are known. */
  function admit(): void {
    if (admitting) return;
    admitting = true;
    const calls: Submission[] = [];
    let urgent = false;
    for (let batch = waiting.first(); batch !== undefined && limits.fits(batch); batch = waiting.first()) {
      const problem = problemWith(batch);
      if (problem === 'unknown') break;
      waiting.shift();
      limits.letGo(batch);
      if (problem !== undefined) {
        failed(batch, problem);
      } else {
        urgent ||= commits.isWanted(batch.first);
        limits.sent(batch);
        calls.push({ worker: batch.worker, operations: takeBytes(batch), count: batch.count });
        inFlight.add(sessionLastCall(core) + calls.length, batch);
      }
    }
    if (calls.length > 0) step({ kind: 'submit', calls });
    admitting = false;
    if (urgent) step({ kind: 'commit' });
    if (waiting.first() !== undefined) return;
    settleCommits();
    tellReady();
  }

  function tellReady(): void {
    for (const ready of readyWaiters) ready();
    readyWaiters.clear();
  }

  /** A worker was connected to; what it did not answer is sent again. */
  function opened(worker: number, { generation, type }: OpenWorker): void {
    if (!sessionUses(core, worker)) return;
    for (const batch of inFlight) {
      const isMeant = batch.worker === worker && isUnanswered(batch);
      if (isMeant && batch.type !== type) return end(wrongType(worker, batch.type, type));
    }
    step({ kind: 'connected', worker, generation });
  }

  function removed(worker: number, generation: number): void {
    if (sessionUses(core, worker)) step({ kind: 'removed', worker, generation });
  }

  function throwIfStopped(): void {
    const reason = ended ?? broken;
    if (reason !== undefined) throw reason;
  }

  function end(error: DprError): void {
    if (ended !== undefined) return;
    if (error instanceof ClosedError) step({ kind: 'close' });
    ended = error;
    wake.cancel();
    cluster.forget(id);
    if (!(error instanceof ClosedError)) {
      cluster.log({ level: 'warn', event: 'sessionEnded', message: `session ${id} ended: ${error.message}` });
    }
    collect();
    for (const batch of [...inFlight, ...dropWaiting()]) fail(batch, error);
    inFlight.clear();
    limits.clear();
    commits.failed(0, () => error);
    tellReady();
  }

  return {
    id,
    mode,
    collector,
    worldLine: () => sessionWorldLine(core),
    refusal(count, bytes, signal) {
      if (signal?.aborted === true) return signal.reason as Error;
      const stopped = ended ?? broken;
      if (stopped !== undefined) return stopped;
      return limits.refusal(count, bytes);
    },
    refused(cargo, error) {
      if (!(error instanceof OverloadedError)) return; // of any other reason everybody is told, or gave it
      cargo.failure = wholeFailure(cargo, error);
      unreported.add(cargo.failure);
    },
    append(cargo, first, count, size) {
      const part = appended(cargo, first, count, size);
      limits.hold(count, size);
      if (!flushing) {
        flushing = true;
        host.nextTick(flush);
      }
      return part;
    },
    async commit(call) {
      const signal = signalOf(call);
      signal?.throwIfAborted();
      throwIfStopped();
      flush();
      const told = unreported.take();
      if (told !== undefined) throw told;
      const waits = commits.wait(collector.lastOperation(), signal);
      settleCommits();
      step({ kind: 'commit' });
      return waits;
    },
    async ready(call) {
      const signal = signalOf(call);
      signal?.throwIfAborted();
      throwIfStopped();
      flush();
      if (waiting.first() === undefined) return;
      const { promise, resolve } = deferred();
      readyWaiters.add(resolve);
      await unlessAborted(promise, signal, () => readyWaiters.delete(resolve));
      throwIfStopped();
    },
    resume() {
      if (broken === undefined) return;
      broken = undefined;
      step({ kind: 'resume' });
    },
    broken: () => broken,
    uncommitted: limits.load,
    addListener(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end,
    opened,
    closed(worker) {
      if (sessionUses(core, worker)) step({ kind: 'disconnected', worker });
    },
    frames: (worker, messages) => step({ kind: 'frames', worker, messages }),
    workerRefused(worker, error) {
      for (const batch of inFlight)
        if (batch.worker === worker && isUnanswered(batch)) {
          end(error);
          return;
        }
    },
    removed,
    membershipChanged: admit,
    needsFinder: () => sessionNeedsFinder(core, cluster.worldLine()),
  };
}

/** What failed of a batch that has this answer, which is not taken in yet. */
function failureIn(cargo: Cargo, answer: unknown): Failure | undefined {
  const fault = faultOf(answer);
  if (fault !== undefined) return wholeFailure(cargo, fault);
  const places = placesOf(answer);
  if (places.length === 0 && cargo.failure === undefined) return undefined;
  const before = cargo.results === undefined ? undefined : placesOf(cargo.results);
  return partialFailure(cargo, places, before, (left) => errorOfPlaces(cargo, answer, left));
}
