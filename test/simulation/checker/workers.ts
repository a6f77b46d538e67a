/** What workers and their volumes do: executions, seals, restores, stops. */
import type { StopReason, Worker } from '../../../services/core/index.ts';
import type { CheckpointInfo } from '../../../services/protocol/index.ts';
import { isOnPlatter, newestOn } from '../on-disk.ts';
import { isWhole, overflowsIn, parseCallName, type Piece } from '../operations.ts';
import { EMPTY, historyOf, type Applied, type State } from '../state-object.ts';
import type { WorkerProcess } from '../worker-actor.ts';
import {
  aliveExecution,
  callOf,
  nameOf,
  sessionOf,
  violated,
  workerOf,
  type Execution,
  type Token,
  type Truth,
} from './truth.ts';
import { checkWorkerLimits } from './worker-limits.ts';

export function checkWorkers(truth: Truth) {
  const { worldOf, figures, decisions, exposed } = truth;
  const limits = checkWorkerLimits(truth);

  /** A batch begins to execute in the worker's open version. */
  function executed(worker: Worker, pieces: readonly Piece[]): void {
    checkIncarnation(worker);
    if (pieces.length > 1) worldOf().reached('calls travel together');
    for (const piece of pieces) callExecuted(worker, piece);
  }

  function callExecuted(worker: Worker, piece: Piece): void {
    const { id } = worker.config;
    const { session: index, call: number } = parseCallName(piece.call);
    const session = sessionOf(truth, index);
    const call = callOf(session, number);
    const name = `call ${number} of session ${index}`;
    if (call.worker !== id) violated(13, `worker ${id} executes a call of worker ${call.worker}`);
    if (!isWhole(call, piece)) violated(13, `worker ${id} executes other operations than those of ${name}`);
    const follows = call.follows.get(worker.worldLine);
    if (follows === undefined) {
      return violated(6, `${name} executes in world-line ${worker.worldLine}, never sent there`);
    }
    const token = openToken(worker);
    for (const [owner, version] of follows) {
      if (version > token.version) {
        violated(5, `${nameOf(token)}, with ${name}, follows version ${version} of worker ${owner}`);
      }
      if (owner !== id && version > (token.dependencies.get(owner) ?? 0)) token.dependencies.set(owner, version);
    }
    const at = worldOf().scheduler.now;
    const execution: Execution = { name: piece.call, at, token, results: undefined };
    if (token.deadSince === Infinity) {
      const twice = aliveExecution(call);
      if (twice) violated(13, `${name} executes twice: in ${nameOf(twice.token)}, in ${nameOf(token)}`);
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

  /** What a hostile client had executed changes no state. */
  function executedHostile(worker: Worker, state: State): void {
    checkIncarnation(worker);
    const token = openToken(worker);
    if (token.executions.length === 0) token.state = state;
  }

  /** A fenced incarnation may execute only in a world-line that ended before its successor executed. */
  function checkIncarnation({ config, incarnation, worldLine }: Worker): void {
    const own = workerOf(truth, config.id);
    if (incarnation > own.newest) {
      own.newest = incarnation;
      own.newestSince = worldLine;
    } else if (incarnation < own.newest && worldLine >= own.newestSince) {
      violated(9, `incarnation ${incarnation} of worker ${config.id} executes beside ${own.newest} in ${worldLine}`);
    }
  }

  function openToken(worker: Worker, version = worker.version): Token {
    const { config, generation, incarnation, worldLine } = worker;
    const { id } = config;
    const own = workerOf(truth, id);
    const name = `${worldLine}/${version}`;
    const known = own.byName.get(name);
    if (known !== undefined && !(known.isEmpty && known.generation < generation)) {
      if (known.incarnation !== incarnation) violated(8, `${nameOf(known)} is used by two incarnations`);
      if (known.sealed) violated(8, `something executes in ${nameOf(known)} after its seal`);
      return known;
    }
    const since = deadSince(id, worldLine, version);
    if (since === Infinity && version <= (exposed.get(id) ?? 0)) {
      violated(8, `worker ${id} executes in version ${version}, which is committed`);
    }
    const processes = worldOf().hosts.get(id)?.processes ?? [];
    const used = processes.find(({ core }) => core === worker)?.newestVersion ?? 0;
    if (used >= version) violated(8, `worker ${id} begins version ${version} below durable ${used}`);
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
      isEmpty: false,
      deadSince: since,
    };
    own.byName.set(name, token);
    own.all.push(token);
    if (since === Infinity) {
      // A checkpoint of an empty version is told after what executes behind it in the same step.
      const later = own.open.findIndex((open) => open.version > version);
      own.open.splice(later < 0 ? own.open.length : later, 0, token);
    }
    figures.tokens++;
    return token;
  }

  function deadSince(worker: number, worldLine: number, version: number): number {
    for (let next = worldLine + 1; next <= truth.exposedWorldLine; next++) {
      const decision = decisions.get(next);
      if (decision !== undefined && version > (decision.prefix.get(worker) ?? 0)) return next;
    }
    return Infinity;
  }

  /** A call ended, made this state and gives these results. */
  function applied(worker: Worker, name: number, { state, results }: Applied): void {
    const { session, call } = parseCallName(name);
    const { executions, count, amounts } = callOf(sessionOf(truth, session), call);
    const execution = executions.find(
      (one) => one.results === undefined && one.token.incarnation === worker.incarnation,
    );
    if (execution === undefined) return violated(13, `call ${call} of session ${session} ended without beginning`);
    execution.results = results;
    execution.token.state = state;
    if (amounts !== undefined && overflowsIn(results, count).length > 0) worldOf().reached('an operation overflows');
  }

  /** A checkpoint was taken: it must be of everything in its version and before, and nothing else. */
  function sealed(worker: Worker, info: CheckpointInfo, snapshot: State | undefined): void {
    const token =
      workerOf(truth, worker.config.id).byName.get(`${info.worldLine}/${info.version}`) ??
      sealedEmpty(worker, info.version, snapshot);
    figures.seals++;
    limits.checkCost(worker);
    limits.checkReplies(worker);
    if (token.incarnation !== worker.incarnation) violated(8, `${nameOf(token)} is sealed by another incarnation`);
    if (token.sealed) violated(8, `${nameOf(token)} is sealed twice`);
    if (token.state !== snapshot) violated(3, `the checkpoint of ${nameOf(token)} is not the state after it`);
    token.sealed = true;
  }

  /** Only where a client claims to depend on a version in which nothing executed. */
  function sealedEmpty(worker: Worker, version: number, snapshot: State | undefined): Token {
    const { id } = worker.config;
    if (worldOf().options.hostileClients === 0) violated(8, `worker ${id} seals version ${version}, which is empty`);
    worldOf().reached('checkpoint of an empty version');
    const token = openToken(worker, version);
    token.state = snapshot ?? EMPTY;
    token.isEmpty = true;
    return token;
  }

  /** The state of `version` was given back: exactly what survives up to there. */
  function restored(running: WorkerProcess, version: number): void {
    if (!hasTheSay(running)) return; // a zombie's view of the past
    const { core, object } = running;
    checkBeginning(running);
    expectHistory(object.state, surviving(core, version), `worker ${core.config.id} restored to version ${version}`);
  }

  /** What the volume has of a version: exactly what survives up to there. */
  function holds(core: Worker, version: number, state: State): void {
    expectHistory(state, surviving(core, version), `the volume of worker ${core.config.id} at version ${version}`);
  }

  /** Is the newest manifest on the volume its own? */
  function hasTheSay({ core, disk, host }: WorkerProcess): boolean {
    const { generation, incarnation } = newestOn(disk);
    return disk === host.disk && generation === core.generation && incarnation === core.incarnation;
  }

  /** What executed at this generation up to a version, as far as a worker in its world-line can know. */
  function surviving({ config, generation, worldLine }: Worker, upTo: number): number[] {
    return [...inherited(config.id, generation, worldLine), ...executedIn(config.id, generation, upTo, worldLine)];
  }

  function executedIn(id: number, generation: number, upTo: number, worldLine: number): number[] {
    const tokens = workerOf(truth, id).all.filter(
      (token) => token.generation === generation && token.version <= upTo && token.deadSince > worldLine,
    );
    return tokens.flatMap((token) => token.executions.map(({ name }) => name));
  }

  /** What a generation began with: exactly what was committed of the earlier one that was brought back. */
  function inherited(id: number, generation: number, worldLine: number): number[] {
    const from = truth.begun.get(id)?.get(generation) ?? 0;
    return from === 0 ? [] : leftBy(id, from, worldLine);
  }

  /** What was committed of a generation when it was removed. */
  function leftBy(id: number, generation: number, worldLine: number): number[] {
    const upTo = truth.removedAt.get(id)?.get(generation) ?? 0;
    return [...inherited(id, generation, worldLine), ...executedIn(id, generation, upTo, worldLine)];
  }

  /** A generation begins as the process was told that claimed it: with what its volume keeps, or without. */
  function checkBeginning({ core, disk, host }: WorkerProcess): void {
    const { config, generation, incarnation, worldLine } = core;
    if (host.isDamaged || incarnation !== (truth.record?.tombstones.get(config.id)?.incarnation ?? 0) + 1) return;
    const kept = disk
      .names()
      .map((name) => Number(/^generation-(\d+)(\.kept)?$/.exec(name)?.[1] ?? 0))
      .filter((earlier) => earlier < generation && leftBy(config.id, earlier, worldLine).length > 0);
    const expected = config.state === 'kept' ? Math.max(0, ...kept) : 0;
    const what = `generation ${generation} of worker ${config.id}, told '${config.state}'`;
    if (config.state === 'unsaid' && kept.length > 0) violated(3, `${what}, begins beside what is kept`);
    const begins = inherited(config.id, generation, worldLine);
    const expects = expected === 0 ? [] : leftBy(config.id, expected, worldLine);
    if (begins.join() !== expects.join()) violated(3, `${what}, does not begin with generation ${expected}`);
    if (expects.length > 0) worldOf().reached('a removed worker is brought back');
  }

  function expectHistory(state: State, expected: readonly number[], what: string): void {
    const history = historyOf(state);
    if (history.length === expected.length && history.every((call, at) => call === expected[at])) return;
    const show = (calls: readonly number[]): string =>
      calls
        .map(parseCallName)
        .map(({ session, call }) => `${session}.${call}`)
        .join(' ');
    violated(3, `${what} holds [${show(history)}] and should hold [${show(expected)}]`);
  }

  function stopped(running: WorkerProcess, why: StopReason): void {
    const { core, host, marked } = running;
    const { id } = core.config;
    const claimed = claimedOf(id);
    // A successor that claimed before may have read the volume before the marker was there.
    const isClean = why === 'shutdown' && marked && claimed === core.incarnation && hasTheSay(running);
    if (isClean && !host.isDamaged) workerOf(truth, id).stoppedCleanly = core.incarnation;
    if (why === 'fenced' && claimed === core.incarnation) {
      violated(9, `incarnation ${claimed} of worker ${id} is fenced, and no process took over`);
    }
    if (why === 'lostHistory' && truth.exposedWorldLine - core.worldLine <= worldOf().options.maxDecisions) {
      violated(12, `worker ${id} of world-line ${core.worldLine} is told that history is lost`);
    }
    if (why !== 'refused') return;
    worldOf().reached('volume refused at last');
    const isMember = host.generation > 0 && truth.record?.members.get(id)?.generation === host.generation;
    // While a predecessor goes on to commit, what the volume held a moment ago is too little each time that it is read.
    const isOvertaken = running.exposedBefore < exposedOf(id);
    // Once another process was let in, what this one hears may be from before.
    const hasSuccessor = running.claimedBefore < claimed;
    if (hasAllOfIts(running) && isMember && !hasSuccessor && !isOvertaken) {
      violated(10, `worker ${id} is refused, and lost nothing`);
    }
  }

  /** Its disk was not taken or damaged. */
  function hasAllOfIts({ host, disk }: WorkerProcess): boolean {
    return disk === host.disk && !host.isLost && !host.isDamaged;
  }

  /** A process takes a checkpoint of its volume for durable: is it? */
  function durable(running: WorkerProcess, worldLine: number, version: number): void {
    const { core, host } = running;
    // Where files rot, nothing is certain.
    if (!hasTheSay(running) && !host.isDamaged) return;
    // What the cut passed, a predecessor may still tidy away; and what a rollback took back, it may still drop.
    const isNeeded = version >= exposedOf(host.id) && deadSince(host.id, worldLine, version) === Infinity;
    if (isNeeded && !host.isDamaged && !isOnPlatter(host.disk, core.generation, core.incarnation, worldLine, version)) {
      violated(
        1,
        `version ${version} of worker ${host.id} is taken for durable, and a loss of power would take it back`,
      );
    }
    workerOf(truth, host.id).durable.add(version);
  }

  /** Its disk is another one: its worker can only be removed. */
  function volumeLost(id: number): void {
    workerOf(truth, id).stoppedCleanly = -1;
  }

  /** A process read its volume, beginning when the cut had that entry: the cut's checkpoint must have been there. */
  function surveyed(
    running: WorkerProcess,
    generation: number,
    checkpoints: readonly { readonly version: number }[],
  ): void {
    const { host, exposedBefore } = running;
    const member = truth.record?.members.get(host.id);
    if (!hasAllOfIts(running) || generation === 0 || member?.generation !== generation) return;
    if (exposedBefore <= member.base || checkpoints.some(({ version }) => version >= exposedBefore)) return;
    violated(10, `the volume of worker ${host.id} lacks version ${exposedBefore} of the cut`);
  }

  /** The incarnation of the worker that was let in last, 0 if none is a member. */
  function claimedOf(id: number): number {
    return truth.record?.members.get(id)?.claimed ?? 0;
  }

  /** The worker's version in the newest cut that any peer was told. */
  function exposedOf(id: number): number {
    return exposed.get(id) ?? 0;
  }

  /** After everything resolved: states against a model that replays exactly what survived. */
  function finish(): void {
    for (const { id, processes, wanted } of worldOf().hosts.values()) {
      const running = processes.at(-1);
      if (!wanted || running === undefined) continue;
      expectHistory(running.object.state, surviving(running.core, Infinity), `worker ${id} at the end`);
    }
  }

  return {
    ...limits,
    executed,
    executedHostile,
    applied,
    sealed,
    restored,
    holds,
    stopped,
    durable,
    volumeLost,
    surveyed,
    claimedOf,
    exposedOf,
    finish,
  };
}
