/** What workers and their volumes do: executions, seals, restores, stops. */
import type { StopReason, Worker } from '../../../services/core/index.ts';
import type { Batch, CheckpointInfo, Message } from '../../../services/protocol/index.ts';
import { REPLY_BYTES, type SessionEntry } from '../../../services/core/worker/session-table.ts';
import { upTime } from '../../../services/core/worker/state.ts';
import { AMOUNT_BYTES, INDEX_BYTES } from '../../../services/counter/operations.ts';
import { isOnPlatter, newestOn } from '../on-disk.ts';
import { isWhole, NAME_BYTES, overflowsIn, parseCallName, type Piece } from '../operations.ts';
import { QUIET_WORLD } from '../options.ts';
import { EMPTY, historyOf, type Applied, type State } from '../state-object.ts';
import { HOSTILE_ORIGIN } from '../sockets.ts';
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

/** Of a call that is no counter's, without what a world adds to its results. */
const RESULT_BYTES = 8;
/** How much larger results of a counter are than its operations, where each of them overflows. */
const COUNTER_GROWTH = (AMOUNT_BYTES + INDEX_BYTES) / AMOUNT_BYTES;

function sum<T>(items: Iterable<T>, bytes: (item: T) => number): number {
  let all = 0;
  for (const item of items) all += bytes(item);
  return all;
}

function repliesOf({ entries }: Worker['sessions']): number {
  return sum(entries.values(), ({ replies }) => sum(replies, ({ results }) => REPLY_BYTES + results.length));
}

export function checkWorkers(truth: Truth) {
  const { worldOf, figures, decisions, exposed } = truth;
  /** The newest version of all workers, and the clock's tick at which a seal began it. */
  const newestOfAll = { version: 0, tick: -1 };
  /** The newest connection that a batch in flight came on. */
  const cameOn = new WeakMap<object, number>();
  /** The least bytes of replies that a table had, after any step since it was made. */
  const leastReplies = new WeakMap<Worker['sessions'], number>();
  /** Sessions that hostile clients began here, also if a rollback took them back since. */
  const hostile = new WeakMap<Worker, Set<string>>();
  /** The sessions that were closed, after its last step. */
  const closedAt = new WeakMap<Worker, readonly SessionEntry[]>();

  /** Everything that grows has a limit. */
  function workerStepped(worker: Worker): void {
    noteGivenWay(worker);
    checkLimits(worker);
  }

  /** A session that was closed has left the table, and others want its room, long before it would expire. */
  function noteGivenWay(worker: Worker): void {
    const { sessions, config } = worker;
    if (config.maxSessions === QUIET_WORLD.maxSessions) return;
    for (const entry of closedAt.get(worker) ?? [])
      if (entry.gone && upTime(worker) - entry.activeAt <= config.endedExpiryMs)
        worldOf().reached('a closed session gave way early');
    closedAt.set(
      worker,
      [...sessions.entries.values()].filter(({ ended }) => ended),
    );
  }

  function checkLimits({
    config,
    waiting,
    waitingBytes,
    sessions,
    unwritten,
    unwrittenBytes,
    uncommitted,
    decisions: known,
  }: Worker): void {
    const within = (what: string, is: number, limit: number): void => {
      if (is > limit) violated(12, `worker ${config.id} has ${is} ${what}, and the limit is ${limit}`);
    };
    const accounted = (what: string, is: number, account: number): void => {
      if (is !== account) violated(12, `worker ${config.id} has ${is} ${what}, and accounts for ${account}`);
    };
    within('batches that wait', waiting.length, config.maxWaitingBatches);
    within('bytes that wait', waitingBytes, config.maxWaitingBytes);
    within('sessions', sessions.entries.size, config.maxSessions);
    accounted('bytes of replies', repliesOf(sessions), sessions.replyBytes);
    accounted(
      'unwritten bytes',
      sum(unwritten, ({ sectionBytes }) => sectionBytes),
      unwrittenBytes,
    );
    // Replies are expected to be as large as the operations.
    const namedGrowth = (REPLY_BYTES + RESULT_BYTES + worldOf().options.resultBytes) / (REPLY_BYTES + NAME_BYTES);
    const growth = Math.max(namedGrowth, COUNTER_GROWTH);
    within('bytes of replies', sessions.replyBytes, Math.max(config.maxReplyBytes * growth, restoredReplies(sessions)));
    // The one that reached the limit is among them, and as with versions, one more was open.
    const before = sum(unwritten.slice(0, -2), ({ sectionBytes }) => sectionBytes);
    within('unwritten bytes, before the last', before, config.maxUnwrittenBytes);
    within('decisions', known.length, config.maxDecisions);
    // One version more was open when the limit was reached.
    within('unwritten versions', unwritten.length, config.maxUnwrittenVersions + 1);
    within('uncommitted versions', unwritten.length + uncommitted.length, config.maxUncommittedCheckpoints + 1);
  }

  /**
   * A checkpoint brings replies back that were acknowledged after their section was written, and so perhaps more than may be kept.
   * @returns how many bytes of replies are left of what the table began with, if none were added above the limit
   */
  function restoredReplies(sessions: Worker['sessions']): number {
    const most = leastReplies.get(sessions) ?? sessions.replyBytes;
    leastReplies.set(sessions, Math.min(most, sessions.replyBytes));
    return most;
  }

  /** Frames came on a connection: a batch in flight is to be answered on the newest one that it came on. */
  function framesCame(worker: Worker, connection: number, messages: readonly Message[]): void {
    noteHostile(worker, connection, messages);
    for (const inFlight of worker.inFlight.values()) {
      const { batch } = inFlight;
      if (batch.worldLine !== worker.worldLine || !messages.some((message) => isSameBatch(message, batch))) continue;
      const newest = Math.max(connection, cameOn.get(inFlight) ?? inFlight.connection);
      cameOn.set(inFlight, newest);
      if (inFlight.connection === newest) continue;
      const text = `batch ${batch.sequence} of session ${batch.session} came on connection ${newest} of worker ${worker.config.id}`;
      violated(12, `${text}, and is to be answered on ${inFlight.connection}`);
    }
  }

  function noteHostile(worker: Worker, connection: number, messages: readonly Message[]): void {
    if (worker.origins.get(connection) !== HOSTILE_ORIGIN) return;
    const began = hostile.get(worker) ?? new Set();
    hostile.set(worker, began);
    for (const message of messages) {
      if (message.kind !== 'batch') continue;
      if (worker.sessions.entries.get(message.session)?.begunOn === connection) began.add(message.session);
    }
  }

  /** A client at an address that has no session here is refused one only where no room is left, and never because another has most of it. */
  function answered(worker: Worker, connection: number, message: Message): void {
    if (message.kind !== 'error' || message.code !== 'tooManySessions') return;
    const origin = worker.origins.get(connection);
    if (origin === undefined || origin === HOSTILE_ORIGIN) {
      if (origin !== undefined) worldOf().reached('a hostile client was refused another session');
      return;
    }
    const { entries, holdings } = worker.sessions;
    const { maxSessions, id } = worker.config;
    const taken = [...(hostile.get(worker) ?? [])].filter((session) => entries.has(session)).length;
    if (taken > Math.ceil(maxSessions / 2))
      violated(18, `worker ${id} refuses ${origin} a session, and remembers ${taken} of a hostile client`);
    if (entries.size < maxSessions && (holdings.get(origin)?.sessions ?? 0) === 0)
      violated(18, `worker ${id} refuses ${origin} its first session, and remembers ${entries.size} of ${maxSessions}`);
  }

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
    checkCost(worker);
    checkReplies(worker);
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

  /** A session's replies are kept in the order of its batches, so that those that the client has are let go. */
  function checkReplies({ config, sessions }: Worker): void {
    for (const { replies } of sessions.entries.values()) {
      if (replies.length > config.maxUnacknowledgedBatches)
        violated(12, `worker ${config.id} keeps ${replies.length} replies of a session`);
      if (replies.some(({ sequence }, at) => sequence <= (replies[at - 1]?.sequence ?? 0)))
        violated(13, `worker ${config.id} keeps replies of a session out of order`);
    }
  }

  /** The state of `version` was given back: exactly what survives up to there. */
  function restored(running: WorkerProcess, version: number): void {
    if (!hasTheSay(running)) return; // a zombie's view of the past
    const { core, object } = running;
    checkBeginning(running);
    expectHistory(object.state, surviving(core, version), `worker ${core.config.id} restored to version ${version}`);
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

  /**
   * Workers whose clocks agree begin one new version at a tick, all the same one, and not one for each seal of another. One that was
   * idle may make several checkpoints at a tick, since sessions bring it older versions one after another; but it seals each
   * version once, so over time it makes no more of them than there are ticks.
   */
  function checkCost({ config, clock, version }: Worker): void {
    const { options } = worldOf();
    const hasFaults = Object.values(options.rates).some((rate) => rate > 0);
    if (
      hasFaults ||
      options.hostileClients > 0 ||
      options.clockSkewMs > 0 ||
      options.commitChance > 0 ||
      options.asyncStateChance > 0
    )
      return;
    worldOf().reached('seal in a steady world');
    if (version <= newestOfAll.version) return;
    const tick = Math.floor(clock / config.checkpointIntervalMs);
    if (tick === newestOfAll.tick) {
      violated(12, `worker ${config.id} begins version ${version} at the tick at which ${newestOfAll.version} began`);
    }
    Object.assign(newestOfAll, { version, tick });
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
    workerStepped,
    framesCame,
    answered,
    executed,
    executedHostile,
    applied,
    sealed,
    restored,
    stopped,
    durable,
    volumeLost,
    surveyed,
    claimedOf,
    exposedOf,
    finish,
  };
}

function isSameBatch(message: Message, { session, sequence, worldLine }: Batch): boolean {
  return (
    message.kind === 'batch' &&
    message.session === session &&
    message.sequence === sequence &&
    message.worldLine === worldLine
  );
}
