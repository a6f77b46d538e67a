/**
 * The ground truth: every execution with what it depends on, every checkpoint, cut and decision, and what each session was told.
 * It sees into all actors, which none of them does, and asserts the protocol's invariants (by their numbers) as things happen.
 */
import type {
  FinderRecord,
  RollbackReport,
  SessionEffect,
  SessionFailure,
  StopReason,
  Worker,
} from '../../services/core/index.ts';
import type {
  Batch,
  CheckpointInfo,
  Decision,
  Message,
  MessageOf,
  Stamp,
  Versions,
} from '../../services/protocol/index.ts';
import type { SimSession } from './client-actor.ts';
import { EMPTY, historyOf, parseBatchName, resultsOf, type State } from './state-object.ts';
import { find, type Manifest } from './volume.ts';
import type { WorkerHost } from './worker-actor.ts';
import { Violation, type World } from './world.ts';

/** One version of a worker in which something executed. */
interface Token {
  readonly worker: number;
  readonly generation: number;
  readonly worldLine: number;
  readonly version: number;
  readonly incarnation: number;
  /** Worker to version: what the operations in it follow, over all their sessions. */
  readonly dependencies: Map<number, number>;
  readonly executions: Execution[];
  /** The state after its last batch. */
  state: State;
  sealed: boolean;
  /** The world-line that began without it. */
  deadSince: number;
}

interface Execution {
  readonly batch: number;
  readonly token: Token;
  results: Buffer | undefined;
}

interface CallTruth {
  readonly number: number;
  readonly worker: number;
  /** World-line in which it was transmitted to what had completed there before, worker to version. */
  readonly follows: Map<number, Versions>;
  readonly executions: Execution[];
  isCommitted: boolean;
  /** Gave a result that the session believed, in its present world-line. */
  completed: boolean;
}

interface SessionTruth {
  readonly session: SimSession;
  worldLine: number;
  /** Completed in the present world-line: worker to largest version. */
  readonly seen: Map<number, number>;
  readonly calls: Map<number, CallTruth>;
  /** Worker, generation, world-line, sequence number: the call that they name. */
  readonly sequences: Map<string, number>;
}

/** What the checker knows of one worker id. */
interface WorkerTruth {
  /** Alive and not covered by an exposed cut, in order of version. */
  open: Token[];
  /** All of any fate, in order of their making. */
  readonly all: Token[];
  /** Versions that were durable on the volume that counted. */
  readonly durable: Set<number>;
  /** Open or sealed tokens of any fate, by world-line and version. */
  readonly byName: Map<string, Token>;
  /** The largest incarnation that executed, and the world-line in which it first did. */
  newest: number;
  newestSince: number;
  /** The last one whose registration was decided, and the last one that stopped cleanly. */
  registered: number;
  stoppedCleanly: number;
  /** The version at which the present volume began empty. */
  emptyAt: number;
}

export interface Figures {
  executions: number;
  tokens: number;
  cuts: number;
  decisions: number;
}

export type Checker = ReturnType<typeof createChecker>;

export function createChecker(worldOf: () => World) {
  const workers = new Map<number, WorkerTruth>();
  const sessions: (SessionTruth | undefined)[] = [];
  const decisions = new Map<number, Decision>();
  const memberships = new Map<number, string>();
  const removedIds = new Map<number, number>();
  const figures: Figures = { executions: 0, tokens: 0, cuts: 0, decisions: 0 };
  /** Worker to the largest version in any exposed cut. */
  const exposed = new Map<number, number>();
  let exposedWorldLine = 1;
  let durableRecord: FinderRecord | undefined;
  let lastCut: Versions | undefined;
  let decidedCount = 0;

  function violated(invariant: number, text: string): never {
    throw new Violation(`invariant ${invariant}: ${text}`);
  }

  function truthOf(id: number): WorkerTruth {
    let truth = workers.get(id);
    if (truth === undefined) {
      truth = {
        open: [],
        all: [],
        durable: new Set(),
        byName: new Map(),
        newest: 0,
        newestSince: 0,
        registered: 0,
        stoppedCleanly: 0,
        emptyAt: 0,
      };
      workers.set(id, truth);
    }
    return truth;
  }

  function sessionOf(index: number): SessionTruth {
    return sessions[index] ?? violated(13, `there is no session ${index}`);
  }

  function callOf(truth: SessionTruth, call: number): CallTruth {
    return truth.calls.get(call) ?? violated(13, `${truth.session.name} has no call ${call}`);
  }

  const nameOf = (token: Token): string =>
    `worker ${token.worker}, world-line ${token.worldLine}, version ${token.version}`;

  // --- workers ----------------------------------------------------------------------------------------------------

  /** A batch begins to execute in the worker's open version. */
  function executed(worker: Worker, batch: number, count: number): void {
    const { id } = worker.config;
    const { session: index, call: number } = parseBatchName(batch);
    const session = sessionOf(index);
    const call = callOf(session, number);
    if (call.worker !== id) violated(13, `worker ${id} executes a call of worker ${call.worker}`);
    if (count < 1) violated(13, 'a batch of nothing executes');
    const follows = call.follows.get(worker.worldLine);
    if (follows === undefined) {
      return violated(
        6,
        `call ${number} of session ${index} executes in world-line ${worker.worldLine}, never sent there`,
      );
    }
    checkIncarnation(worker);
    const token = openToken(worker);
    for (const [owner, version] of follows) {
      if (version > token.version) {
        violated(5, `${nameOf(token)} follows version ${version} of worker ${owner}`);
      }
      if (owner !== id && version > (token.dependencies.get(owner) ?? 0)) token.dependencies.set(owner, version);
    }
    const execution: Execution = { batch, token, results: undefined };
    if (token.deadSince === Infinity) {
      const twice = aliveExecution(call);
      if (twice) {
        violated(
          13,
          `call ${number} of session ${index} executes twice: in ${nameOf(twice.token)}, in ${nameOf(token)}`,
        );
      }
    } else {
      worldOf().reached('execution in a dead world-line');
    }
    call.executions.push(execution);
    token.executions.push(execution);
    figures.executions++;
    worldOf().note(
      `worker ${id}`,
      () => `executes session ${index} call ${number} in version ${token.version} of world-line ${token.worldLine}`,
    );
  }

  /** A fenced incarnation may execute only in a world-line that ended before its successor executed. */
  function checkIncarnation({ config, incarnation, worldLine }: Worker): void {
    const truth = truthOf(config.id);
    if (incarnation > truth.newest) {
      truth.newest = incarnation;
      truth.newestSince = worldLine;
    } else if (incarnation < truth.newest && worldLine >= truth.newestSince) {
      violated(9, `incarnation ${incarnation} of worker ${config.id} executes beside ${truth.newest} in ${worldLine}`);
    }
  }

  function openToken(worker: Worker): Token {
    const { config, generation, incarnation, worldLine, version } = worker;
    const { id } = config;
    const truth = truthOf(id);
    const name = `${worldLine}/${version}`;
    const known = truth.byName.get(name);
    if (known !== undefined) {
      if (known.incarnation !== incarnation) violated(8, `${nameOf(known)} is used by two incarnations`);
      if (known.sealed) violated(8, `something executes in ${nameOf(known)} after its seal`);
      return known;
    }
    const since = deadSince(id, worldLine, version);
    if (since === Infinity && version <= (exposed.get(id) ?? 0)) {
      violated(8, `worker ${id} executes in version ${version}, which is committed`);
    }
    const manifest = worldOf().hosts.get(id)?.volume.newest;
    if (manifest?.incarnation === incarnation) {
      for (const { info } of manifest.checkpoints) {
        if (info.version >= version)
          violated(8, `worker ${id} begins version ${version} below durable ${info.version}`);
      }
    }
    const token: Token = {
      worker: id,
      generation,
      worldLine,
      version,
      incarnation,
      dependencies: new Map(),
      executions: [],
      state: EMPTY,
      sealed: false,
      deadSince: since,
    };
    truth.byName.set(name, token);
    truth.all.push(token);
    if (since === Infinity) truth.open.push(token);
    figures.tokens++;
    return token;
  }

  function deadSince(worker: number, worldLine: number, version: number): number {
    for (let next = worldLine + 1; next <= exposedWorldLine; next++) {
      const decision = decisions.get(next);
      if (decision !== undefined && version > (decision.prefix.get(worker) ?? 0)) return next;
    }
    return Infinity;
  }

  /** A batch ended and made this state. */
  function applied(worker: Worker, batch: number, state: State): void {
    const { session, call } = parseBatchName(batch);
    const { executions } = callOf(sessionOf(session), call);
    const execution = executions.find(
      ({ token, results }) => results === undefined && token.incarnation === worker.incarnation,
    );
    if (execution === undefined) return violated(13, `call ${call} of session ${session} ended without beginning`);
    execution.results = resultsOf(state);
    execution.token.state = state;
  }

  /** A checkpoint was taken: it must be of everything in its version and before, and nothing else. */
  function sealed(worker: Worker, info: CheckpointInfo, snapshot: State): void {
    const token = truthOf(worker.config.id).byName.get(`${info.worldLine}/${info.version}`);
    if (token === undefined)
      return violated(8, `worker ${worker.config.id} seals version ${info.version}, which is empty`);
    if (token.incarnation !== worker.incarnation) violated(8, `${nameOf(token)} is sealed by another incarnation`);
    if (token.sealed) violated(8, `${nameOf(token)} is sealed twice`);
    if (token.state !== snapshot) violated(3, `the checkpoint of ${nameOf(token)} is not the state after it`);
    token.sealed = true;
  }

  /** The state of `version` was given back: exactly what survives up to there. */
  function restored(worker: Worker, version: number, state: State): void {
    const { id } = worker.config;
    const manifest = worldOf().hosts.get(id)?.volume.newest;
    if (manifest?.incarnation !== worker.incarnation) return; // a zombie's view of the past
    expectHistory(state, surviving(worker, version), `worker ${id} restored to version ${version}`);
  }

  /** What executed at this generation up to a version, as far as a worker in its world-line can know. */
  function surviving({ config, generation, worldLine }: Worker, upTo: number): number[] {
    const tokens = truthOf(config.id).all.filter(
      (token) => token.generation === generation && token.version <= upTo && token.deadSince > worldLine,
    );
    return tokens.flatMap((token) => token.executions.map(({ batch }) => batch));
  }

  function expectHistory(state: State, expected: readonly number[], what: string): void {
    const history = historyOf(state);
    if (history.length === expected.length && history.every((batch, at) => batch === expected[at])) return;
    const show = (batches: readonly number[]): string =>
      batches
        .map(parseBatchName)
        .map(({ session, call }) => `${session}.${call}`)
        .join(' ');
    violated(3, `${what} holds [${show(history)}] and should hold [${show(expected)}]`);
  }

  function stopped(worker: Worker, why: StopReason): void {
    const manifest = worldOf().hosts.get(worker.config.id)?.volume.newest;
    if (why === 'shutdown' && manifest?.clean?.incarnation === worker.incarnation) {
      truthOf(worker.config.id).stoppedCleanly = worker.incarnation;
    }
    const claimed = durableRecord?.members.get(worker.config.id)?.claimed;
    if (why === 'fenced' && claimed === worker.incarnation) {
      violated(9, `incarnation ${claimed} of worker ${worker.config.id} is fenced, and nobody took over`);
    }
    if (why === 'refused' && !worldOf().calm) worldOf().reached('volume refused at last');
  }

  /** A checkpoint entered a manifest. */
  function durable(host: WorkerHost, manifest: Manifest, version: number): void {
    if (host.volume.newest === manifest) truthOf(host.id).durable.add(version);
  }

  /** The volume is gone: its worker can only be removed. */
  function volumeLost(id: number): void {
    Object.assign(truthOf(id), { emptyAt: Infinity, stoppedCleanly: -1 });
  }

  /** The volume begins anew, for a new generation. */
  function volumeBegins(id: number): void {
    truthOf(id).emptyAt = Math.max(exposed.get(id) ?? 0, durableRecord?.cut.get(id) ?? 0);
  }

  /** What the cut names must be restorable after whatever happened to the volume. */
  function volumeChanged(host: WorkerHost): void {
    const version = exposed.get(host.id) ?? 0;
    const { newest } = host.volume;
    if (newest === undefined || version <= truthOf(host.id).emptyAt) return;
    if (removedIds.has(host.id)) return;
    if (!find(newest, version)) violated(10, `the volume of worker ${host.id} lacks version ${version} of the cut`);
  }

  // --- the Finder -------------------------------------------------------------------------------------------------

  function recordDurable(record: FinderRecord): void {
    durableRecord = record;
  }

  /** The generation of the worker in the last durable record, 0 if it is no member. */
  function generationOf(id: number): number {
    return durableRecord?.members.get(id)?.generation ?? 0;
  }

  /** Is it the incarnation that the Finder takes reports from? */
  function isRegistered({ config, incarnation }: Worker): boolean {
    const member = durableRecord?.members.get(config.id);
    return member?.registered === incarnation && member.claimed === incarnation;
  }

  function finderLoaded(record: FinderRecord | undefined): void {
    // The record may be readable and not durable: it counts only once it was written again.
    for (const [id, member] of record?.members ?? []) truthOf(id).registered = member.registered;
  }

  function finderLog(event: string, details: Readonly<Record<string, unknown>>): void {
    const { worker } = details;
    if (typeof worker !== 'number') return;
    const truth = truthOf(worker);
    if (event === 'registered') {
      const incarnation = Number(details.incarnation);
      if (incarnation === truth.registered)
        violated(9, `incarnation ${incarnation} of worker ${worker} registers twice`);
      truth.registered = incarnation;
    }
    const restarted = event === 'rollback' && details.reason === 'a worker restarted without a clean shutdown';
    if (restarted && truth.stoppedCleanly === truth.registered) {
      violated(15, `worker ${worker} stopped cleanly as incarnation ${truth.registered}, and is rolled back`);
    }
  }

  /** Whatever the Finder says is exposed: nothing of it may be lost. */
  function finderSays(message: Message): void {
    switch (message.kind) {
      case 'cut':
      case 'registered':
        checkStamp(message.stamp);
        for (const decision of message.decisions) decided(decision);
        return cutExposed(message.worldLine, message.cut);
      case 'cluster':
        return membershipExposed(message);
      default:
    }
  }

  function checkStamp(stamp: Stamp): void {
    const durableCounter = durableRecord?.counter ?? 0;
    if (stamp.counter > durableCounter) violated(7, `record ${stamp.counter} is exposed, ${durableCounter} is durable`);
  }

  function decided(decision: Decision): void {
    const known = decisions.get(decision.worldLine);
    if (known === decision) return;
    if (known !== undefined) {
      const same = sameVersions(known.prefix, decision.prefix) && sameVersions(known.entitled, decision.entitled);
      if (!same) violated(7, `world-line ${decision.worldLine} has two decisions`);
      return;
    }
    if (decision.worldLine !== exposedWorldLine + 1) {
      violated(7, `world-line ${decision.worldLine} follows ${exposedWorldLine}`);
    }
    checkCut(decision.prefix, `the prefix of world-line ${decision.worldLine}`);
    decisions.set(decision.worldLine, decision);
    exposedWorldLine = decision.worldLine;
    figures.decisions++;
    decidedCount++;
    for (const [id, truth] of workers) {
      const prefix = decision.prefix.get(id) ?? 0;
      for (const token of truth.open) {
        if (token.version <= prefix) violated(1, `${nameOf(token)} is in the prefix and was not in the cut`);
        token.deadSince = decision.worldLine;
        for (const { batch } of token.executions) {
          const { session, call } = parseBatchName(batch);
          if (callOf(sessionOf(session), call).isCommitted) {
            violated(3, `call ${call} of session ${session} was reported committed and is rolled back`);
          }
        }
      }
      truth.open = [];
    }
    worldOf().note('truth', () => `world-line ${decision.worldLine} at ${showVersions(decision.prefix)}`);
  }

  function cutExposed(worldLine: number, cut: Versions): void {
    if (cut === lastCut) return;
    if (worldLine !== exposedWorldLine) violated(7, `a cut of world-line ${worldLine} comes after ${exposedWorldLine}`);
    checkCut(cut, `the cut of world-line ${worldLine}`);
    lastCut = cut;
    worldOf().note('truth', () => `cut ${showVersions(cut)} of world-line ${worldLine}`);
  }

  /** Closed, durable, and nothing that was exposed before shrinks. */
  function checkCut(cut: Versions, what: string): void {
    figures.cuts++;
    for (const [id, version] of exposed) {
      if ((cut.get(id) ?? 0) < version)
        violated(2, `${what} names ${cut.get(id) ?? 0} for worker ${id} after ${version}`);
    }
    for (const [id, version] of cut) {
      if (version <= (exposed.get(id) ?? 0)) continue;
      if (!truthOf(id).durable.has(version)) {
        violated(1, `version ${version} of worker ${id} in ${what} is not durable`);
      }
    }
    for (const [id, truth] of workers) {
      const upTo = cut.get(id) ?? 0;
      if (upTo <= (exposed.get(id) ?? 0)) continue;
      const covered = truth.open.filter((token) => token.version <= upTo);
      if (covered.at(-1)?.version !== upTo)
        violated(1, `nothing executed in version ${upTo} of worker ${id}, and ${what} names it`);
      for (const token of covered) {
        if (!token.sealed) violated(1, `${nameOf(token)} is in ${what} before its seal`);
        for (const [owner, version] of token.dependencies) {
          if (version > (cut.get(owner) ?? 0)) {
            violated(1, `${nameOf(token)} is in ${what} without version ${version} of worker ${owner}`);
          }
        }
      }
      truth.open = truth.open.filter((token) => token.version > upTo);
    }
    for (const [id, version] of cut) exposed.set(id, version);
  }

  function membershipExposed(message: MessageOf<'cluster'>): void {
    if (message.members.length === 0 && message.removed.length === 0) return;
    const text = JSON.stringify([message.members, message.removed]);
    const known = memberships.get(message.version);
    if (known !== undefined && known !== text) violated(14, `membership ${message.version} has two contents`);
    memberships.set(message.version, text);
    for (const { id, generation } of message.removed) removedIds.set(id, generation);
    for (const { id, port } of message.members) {
      removedIds.delete(id);
      if (port !== 6380 + id) violated(14, `worker ${id} is said to be at port ${port}`);
    }
  }

  // --- sessions ---------------------------------------------------------------------------------------------------

  function sessionBegins(session: SimSession): void {
    sessions[session.index] = {
      session,
      worldLine: session.core.worldLine,
      seen: new Map(),
      calls: new Map(),
      sequences: new Map(),
    };
  }

  function submitted(session: SimSession, number: number, worker: number): void {
    sessionOf(session.index).calls.set(number, {
      number,
      worker,
      follows: new Map(),
      executions: [],
      isCommitted: false,
      completed: false,
    });
  }

  /** Before the step's effects happen: a session that went on to another world-line has seen nothing of it. */
  function sessionStepped(session: SimSession): void {
    const truth = sessionOf(session.index);
    const { worldLine } = session.core;
    if (worldLine === truth.worldLine) return;
    if (worldLine < truth.worldLine) violated(7, `${session.name} went back to world-line ${worldLine}`);
    truth.worldLine = worldLine;
    truth.seen.clear();
  }

  function sent(session: SimSession, worker: number, batch: Batch): void {
    const truth = sessionOf(session.index);
    const { call: number } = parseBatchName(Buffer.from(batch.operations).readUInt32LE(0));
    const call = callOf(truth, number);
    const key = `${worker}/${batch.generation}/${batch.worldLine}/${batch.sequence}`;
    const named = truth.sequences.get(key);
    if (named !== undefined && named !== number) {
      violated(13, `${session.name} sends call ${number} under the number ${batch.sequence} of call ${named}`);
    }
    truth.sequences.set(key, number);
    if (!call.follows.has(batch.worldLine)) call.follows.set(batch.worldLine, new Map(truth.seen));
  }

  /** The execution of a call that survives as far as a session in this world-line can know. */
  function survivor(call: CallTruth, worldLine: number): Execution | undefined {
    return call.executions.findLast(({ token }) => token.worldLine <= worldLine && token.deadSince > worldLine);
  }

  function completed(session: SimSession, effect: Extract<SessionEffect, { kind: 'completed' }>): void {
    const truth = sessionOf(session.index);
    const call = callOf(truth, effect.call);
    const execution = survivor(call, truth.worldLine);
    const where = `call ${call.number} of ${session.name}`;
    if (execution === undefined) return violated(6, `${where} completes, and no execution of it survives`);
    if (execution.token.version !== effect.version) {
      violated(13, `${where} is said to be in version ${effect.version} and is in ${nameOf(execution.token)}`);
    }
    if (!execution.results?.equals(effect.results)) violated(13, `${where} got the wrong results`);
    call.completed = true;
    truth.seen.set(call.worker, Math.max(effect.version, truth.seen.get(call.worker) ?? 0));
    worldOf().note(session.name, () => `call ${call.number} completed in version ${effect.version}`);
  }

  function committed(session: SimSession, calls: readonly number[]): void {
    const truth = sessionOf(session.index);
    for (const number of calls) {
      const call = callOf(truth, number);
      const token = aliveExecution(call)?.token;
      if (token === undefined)
        return violated(3, `call ${number} of ${session.name} is committed, and did not survive`);
      if (token.version > (exposed.get(token.worker) ?? 0)) {
        violated(3, `call ${number} of ${session.name} is called committed; no cut covers ${nameOf(token)}`);
      }
      call.isCommitted = true;
    }
    worldOf().note(session.name, () => `committed ${calls.join(' ')}`);
  }

  function failed(session: SimSession, number: number, code: SessionFailure, wasSent: boolean): void {
    const call = callOf(sessionOf(session.index), number);
    if (code !== 'workerRemoved') violated(12, `call ${number} of ${session.name} failed: ${code}`);
    if (!wasSent && aliveExecution(call)) violated(13, `call ${number} of ${session.name} was sent after all`);
    worldOf().note(session.name, () => `call ${number} failed: ${code}`);
  }

  /** The verdict against the truth: what is lost did not survive, what is not lost did. */
  function rolledBack(session: SimSession, report: RollbackReport): void {
    const truth = sessionOf(session.index);
    const lost = new Set(report.lost);
    const last = report.lastSurvivor;
    if (session.core.config.mode === 'strict' && report.exceptions.length > 0) {
      violated(4, `strict ${session.name} lost ${report.exceptions.join(', ')} and kept ${last}`);
    }
    for (const number of report.lost) {
      const call = callOf(truth, number);
      if (call.isCommitted) violated(3, `call ${number} of ${session.name} is lost after it was committed`);
      if (survivor(call, report.worldLine))
        violated(11, `call ${number} of ${session.name} is said to be lost and survived`);
      if (number < last !== report.exceptions.includes(number))
        violated(4, `call ${number} is no exception before ${last}`);
      call.completed = false;
    }
    for (const call of truth.calls.values()) {
      if (lost.has(call.number) || !call.completed) continue;
      if (!survivor(call, report.worldLine))
        violated(11, `call ${call.number} of ${session.name} is lost without a word`);
    }
  }

  function sessionEnded(session: SimSession, code: SessionFailure, text: string): void {
    if (code === 'historyLost' && decidedCount > 60) return;
    violated(12, `${session.name} ended: ${code}, ${text}`);
  }

  // --- at the end -------------------------------------------------------------------------------------------------

  /** After everything resolved: states against a model that replays exactly what survived. */
  function finish(): void {
    for (const { id, processes, wanted } of worldOf().hosts.values()) {
      const running = processes.at(-1);
      if (!wanted || running === undefined) continue;
      expectHistory(running.state, surviving(running.core, Infinity), `worker ${id} at the end`);
    }
  }

  /** What the cut does not cover yet, in words; undefined when it covers everything that survives. */
  function uncovered(): string | undefined {
    for (const truth of workers.values()) {
      const [token] = truth.open;
      if (token !== undefined) return `the cut does not cover ${nameOf(token)}`;
    }
    return undefined;
  }

  return {
    figures,
    violated,
    executed,
    applied,
    sealed,
    restored,
    stopped,
    durable,
    volumeLost,
    volumeBegins,
    volumeChanged,
    recordDurable,
    generationOf,
    isRegistered,
    finderLoaded,
    finderLog,
    finderSays,
    sessionBegins,
    submitted,
    sessionStepped,
    sent,
    completed,
    committed,
    failed,
    rolledBack,
    sessionEnded,
    finish,
    uncovered,
  };
}

function aliveExecution(call: CallTruth): Execution | undefined {
  return call.executions.find(({ token }) => token.deadSince === Infinity);
}

function sameVersions(a: Versions, b: Versions): boolean {
  return a.size === b.size && [...a].every(([worker, version]) => b.get(worker) === version);
}

function showVersions(versions: Versions): string {
  return [...versions].map(([worker, version]) => `${worker}:${version}`).join(' ');
}
