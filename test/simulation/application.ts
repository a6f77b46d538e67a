/**
 * Applications: each has a session of production's client and uses its public interface alone. It calls, looks at results and at
 * commits, gives up, resumes and closes, and compares what it is told with the truth.
 */
import {
  DprError,
  OverflowError,
  OverloadedError,
  RollbackError,
  UnknownWorkerError,
  WorkerRemovedError,
} from '../../services/client/errors.ts';
import type { Outcome } from '../../services/client/session/outcome.ts';
import type { LostOperations, RollbackReport } from '../../services/client/session/rollback-report.ts';
import type { Session } from '../../services/client/session/session.ts';
import { drawCounterCall, drawNamedCall, resultsTold } from './call.ts';
import type { Client } from './client-actor.ts';
import { callName } from './operations.ts';
import { inWords, type World } from './world.ts';

/**
 * What has become of a call, as its application knows it. `givenUp`: its own signal aborted, so that the application knows nothing of it
 * any more.
 */
export type CallState = 'waiting' | 'completed' | 'committed' | 'failed' | 'lost' | 'givenUp';

/** A call of an application, of one operation or a few. */
export interface SimCall {
  /** Its place in the session, from 1. */
  readonly number: number;
  /** The number of its first operation, 0 if it was refused. */
  readonly operation: number;
  readonly count: number;
  state: CallState;
  /** The application looks at its commit, and need not ask for one. */
  readonly isWatched: boolean;
  /** Its application did not look at it, and a commit told of a failure: of the first one, and perhaps there were others. */
  mayHaveFailed: boolean;
}

/** How an application treats its calls. */
interface Manners {
  /** Of its calls, those at which it does not look. */
  readonly carelessChance: number;
  /** Of its calls, those that it gives up after a while, or before they are made. */
  readonly abortChance: number;
  /** After a burst, how often it waits until there is room again. */
  readonly readyChance: number;
  /** How often it calls a worker that there is not. */
  readonly strayChance: number;
  /** Of its calls, those that add to counters or read them. */
  readonly counterChance: number;
  /** How often it makes several calls in one tick; and of these, how often one is for another worker than the one before. */
  readonly burstChance: number;
  readonly hopChance: number;
  readonly maxUncommittedOperations: number;
  readonly whenFull: 'wait' | 'reject';
}

export interface SimSession {
  readonly index: number;
  readonly name: string;
  readonly client: Client;
  readonly api: Session;
  readonly replays: boolean;
  readonly manners: Manners;
  /** By number, from 1. */
  readonly calls: (SimCall | undefined)[];
  /** How many of them wait for a result. */
  waiting: number;
  /** Its application goes away when it has made so many calls. */
  readonly abandonAfter: number;
  /** How many are still to follow in its place. */
  readonly followers: number;
  left: number;
  /** The one that its last call was for. */
  worker: number | undefined;
  /** It waits for room. */
  isHeld: boolean;
  /** Promises of results and of their commits that are not settled. */
  pending: number;
  /** Commits that were asked for and not answered. */
  commits: number;
  ended: boolean;
}

/** Calls of a session that wait for a result, at most. */
const MAX_WAITING_CALLS = 24;
/** How long an application that must wait thinks at least, on average. */
const LONG_THINK_MS = 10;
/** Mean time after which an application gives a call up, ms. */
const PATIENCE_MS = 20;
/** No worker ever has this id. */
const STRAY_WORKER = 9_999;

/** A session begins, and its application with it. */
export function beginSession(
  world: World,
  client: Client,
  index: number,
  followers = world.options.sessionsInTurn - 1,
): SimSession {
  const { options, random } = world;
  const manners = drawManners(world);
  const replays = random.chance(options.replayChance);
  const api = client.connected().session({
    mode: random.chance(options.strictChance) ? 'strict' : 'relaxed',
    replay: replays,
    maxUncommittedOperations: manners.maxUncommittedOperations,
    whenFull: manners.whenFull,
    onRollback: (report) => guarded(world, () => rolledBack(world, session, report)),
  });
  const session: SimSession = {
    index,
    name: `session ${index}`,
    client,
    api,
    replays,
    manners,
    calls: [undefined],
    waiting: 0,
    abandonAfter: random.chance(options.abandonChance) ? random.int(1, options.callsPerSession) : Infinity,
    followers,
    left: options.callsPerSession,
    worker: undefined,
    isHeld: false,
    pending: 0,
    commits: 0,
    ended: false,
  };
  client.sessions.push(session);
  world.checker.sessionBegins(session);
  world.note(session.name, () => `${api.mode}${replays ? ', replaying' : ''}, world-line ${api.worldLine}`);
  think(world, session);
  return session;
}

/** Most applications look at all of their calls, and wait for as long as it takes. */
function drawManners({ random, options }: World): Manners {
  const mostly = <T>(usual: T, other: T): T => (random.chance(0.2) ? other : usual);
  return {
    carelessChance: options.commitChance > 0 ? mostly(0, 0.5) : 0,
    abortChance: mostly(0, 0.2),
    readyChance: mostly(0, 0.5),
    strayChance: mostly(0, 0.05),
    counterChance: random.pick([0, 0.5, 0.9]),
    burstChance: mostly(0.2, 0.8),
    hopChance: mostly(0, 0.4),
    maxUncommittedOperations: mostly(Infinity, random.int(1, 12)),
    whenFull: mostly('wait', 'reject'),
  };
}

/** What a promise of the client calls: what goes wrong in it shows that the code is wrong. */
export function guarded(world: World, run: () => void): void {
  try {
    run();
  } catch (error) {
    world.fail(error);
  }
}

/** @param settled comes first, whichever way the promise ends */
function whenSettled<T>(
  world: World,
  promise: Promise<T>,
  settled: () => void,
  succeeds: (value: T) => void,
  fails: (error: unknown) => void,
): void {
  const end = (then: () => void): void =>
    guarded(world, () => {
      settled();
      then();
    });
  promise.then(
    (value) => end(() => succeeds(value)),
    (error: unknown) => end(() => fails(error)),
  );
}

function think(world: World, session: SimSession): void {
  const { random, options } = world;
  const { process } = session.client;
  const meanMs = mustWait(session) ? Math.max(options.thinkMs, LONG_THINK_MS) : options.thinkMs;
  world.scheduler.after(random.exponential(meanMs), process, () => {
    session.client.host.enter(() => act(world, session));
    if (!session.ended && (session.left > 0 || options.sessionsInTurn > 1 || needsCommit(session))) {
      think(world, session);
    }
  });
}

/** No worker is there to call, or too much is on its way. */
function mustWait({ client, waiting, isHeld }: SimSession): boolean {
  return isHeld || waiting >= MAX_WAITING_CALLS || hasNoWorker(client);
}

function hasNoWorker(client: Client): boolean {
  return client.connected().workers().length === 0;
}

/** The application made its calls, or has no worker to call any more, and asks whether they are committed. */
function needsCommit({ client, left, calls, commits }: SimSession): boolean {
  const isDone = left === 0 || hasNoWorker(client);
  return isDone && (commits > 0 || calls.some((call) => call !== undefined && isOpen(call) && !call.isWatched));
}

/** Its application may yet be told more of it. */
export function isOpen({ state }: SimCall): boolean {
  return state === 'waiting' || state === 'completed';
}

/** One thing that an application may do next. */
function act(world: World, session: SimSession): void {
  const { random, options } = world;
  const { api, calls } = session;
  if (session.ended) return;
  if (api.broken !== undefined) {
    if (random.chance(0.5)) api.resume();
    return;
  }
  if (calls.length > session.abandonAfter || (options.sessionsInTurn > 1 && hasDone(session))) {
    return leave(world, session);
  }
  world.checker.withinLimit(session);
  if (session.left === 0 || hasNoWorker(session.client)) {
    if (session.commits === 0 && needsCommit(session)) commit(world, session);
    return;
  }
  if (mustWait(session)) return;
  callAll(world, session);
  if (random.chance(options.commitChance)) commit(world, session);
  if (random.chance(session.manners.readyChance)) waitForRoom(world, session);
}

/** All of its calls were made and answered. */
function hasDone(session: SimSession): boolean {
  return session.left === 0 && session.waiting === 0 && !needsCommit(session);
}

/** One call, or several in one tick. */
function callAll(world: World, session: SimSession): void {
  const { random, options } = world;
  const { manners, client } = session;
  const members = client.connected().workers();
  const same = random.chance(options.stayChance) ? members.find(({ id }) => id === session.worker) : undefined;
  const burst = random.chance(manners.burstChance) ? random.int(2, 6) : 1;
  let { id } = same ?? random.pick(members);
  /** The counter that the last call was made at. */
  let counter: number | undefined;
  for (let at = 0; at < burst && session.left > 0; at++) {
    session.left--;
    session.worker = id;
    const worker = random.chance(manners.strayChance) ? STRAY_WORKER : id;
    counter = makeCall(world, session, worker, counter === worker);
    if (!random.chance(manners.hopChance)) continue;
    ({ id } = random.pick(members));
    if (id !== session.worker && at + 1 < burst) world.reached('calls for several workers in a tick');
  }
}

/**
 * @param isNext the call before this one was made at the same counter in the same tick
 * @returns the worker, if it is a counter that took the call
 */
function makeCall(world: World, session: SimSession, worker: number, isNext: boolean): number | undefined {
  const { random, checker } = world;
  const { api, calls, manners } = session;
  const number = calls.length;
  const name = callName(session.index, number);
  const drawn = random.chance(manners.counterChance)
    ? drawCounterCall(random, name, isNext)
    : drawNamedCall(random, name);
  const { count, amounts } = drawn;
  const signal = random.chance(manners.abortChance) ? signalOf(world, session) : undefined;
  const isCareless = random.chance(manners.carelessChance);
  checker.submitted(session, { number, worker, count, amounts }, signal?.aborted === true || worker === STRAY_WORKER);
  const outcome = drawn.make(api, worker, { signal });
  const { operation } = outcome;
  const call: SimCall = {
    number,
    operation,
    count,
    state: 'waiting',
    isWatched: !isCareless,
    mayHaveFailed: false,
  };
  calls.push(call);
  if (operation !== 0 && signal?.aborted === true) {
    checker.violated(12, `${session.name} takes call ${number}, whose signal had aborted`);
  }
  if (!isCareless) {
    session.waiting++;
    look(world, session, call, outcome);
  } else if (operation === 0) call.state = 'failed'; // a commit may tell why
  return amounts !== undefined && operation !== 0 ? worker : undefined;
}

/** One that has aborted, or will. */
function signalOf(world: World, session: SimSession): AbortSignal {
  const { random, scheduler } = world;
  if (random.chance(0.3)) return AbortSignal.abort();
  const controller = new AbortController();
  scheduler.after(random.exponential(PATIENCE_MS), session.client.process, () =>
    session.client.host.enter(() => controller.abort()),
  );
  return controller.signal;
}

function look(world: World, session: SimSession, call: SimCall, outcome: Outcome<unknown>): void {
  const { checker } = world;
  observe(outcome, (told) => {
    checker.completed(session, call.number, resultsTold(told));
    becomes(session, call, 'completed');
  });
  observe(outcome.committed, (told) => {
    checker.committed(session, call.number, resultsTold(told));
    becomes(session, call, 'committed');
  });

  function observe(promise: Promise<unknown>, succeeds: (told: unknown) => void): void {
    session.pending++;
    const settled = (): void => {
      session.pending--;
    };
    whenSettled(world, promise, settled, succeeds, (error) => {
      if (!(error instanceof OverflowError)) return failed(world, session, call, error);
      // It executed all the same: the error tells its results.
      const isNamed = error.indexes.every((place, at) => error.operations[at] === call.operation + place);
      if (!isNamed) checker.violated(13, `call ${call.number} of ${session.name} overflows elsewhere`);
      succeeds(error);
    });
  }
}

function becomes(session: SimSession, call: SimCall, state: CallState): void {
  if (!isOpen(call) || (state === 'completed' && call.state !== 'waiting')) return;
  if (call.state === 'waiting' && call.isWatched) session.waiting--;
  call.state = state;
}

function failed(world: World, session: SimSession, call: SimCall, error: unknown): void {
  const { checker } = world;
  const { number, operation } = call;
  if (!isOpen(call)) return; // told twice: of the result, and of the commit
  if (error instanceof RollbackError) {
    if (!error.isLost(operation)) checker.violated(11, `call ${number} of ${session.name} is lost, and not reported`);
    return becomes(session, call, operation === 0 ? 'failed' : 'lost');
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    world.reached(operation === 0 ? 'call given up before it was made' : 'call given up');
    return becomes(session, call, 'givenUp');
  }
  becomes(session, call, 'failed');
  if (error instanceof WorkerRemovedError) {
    const wasSent = error.outcome === 'unknown';
    world.reached(`call failed: workerRemoved${wasSent ? ', sent' : ''}`);
    return checker.failed(session, number, wasSent);
  }
  if (error instanceof OverloadedError || error instanceof UnknownWorkerError) {
    world.reached(`call refused: ${error.code}`);
    if (error instanceof UnknownWorkerError) checker.unknownWorker(session, number);
    return checker.failed(session, number, false);
  }
  ends(world, session, error);
}

function commit(world: World, session: SimSession): void {
  const upTo = session.calls.length - 1;
  session.commits++;
  whenSettled(
    world,
    session.api.commit(),
    () => {
      session.commits--;
    },
    // What it tells of calls comes with it, and may come after it.
    () => world.scheduler.after(0, session.client.process, () => committed(world, session, upTo)),
    (error) => notCommitted(world, session, upTo, error),
  );
}

/** Everything up to this call is committed, or was told to have failed. */
function committed(world: World, session: SimSession, upTo: number): void {
  world.reached('commit');
  world.note(session.name, () => `committed up to call ${upTo}`);
  for (const call of session.calls.slice(1, upTo + 1)) {
    if (call === undefined || !isOpen(call)) continue;
    if (!call.mayHaveFailed) {
      world.checker.committed(session, call.number, undefined);
      if (!call.isWatched) world.checker.didNotOverflow(session, call.number);
    }
    becomes(session, call, 'committed');
  }
}

function notCommitted(world: World, session: SimSession, upTo: number, error: unknown): void {
  if (error instanceof RollbackError) return;
  const isOfCall =
    error instanceof WorkerRemovedError || error instanceof UnknownWorkerError || error instanceof OverloadedError;
  if (error instanceof OverflowError) checkOverflow(world, session, error);
  else if (!isOfCall) return ends(world, session, error);
  world.reached(`commit tells of a call that failed: ${error.code}`);
  for (const call of session.calls.slice(1, upTo + 1)) {
    if (call !== undefined && !call.isWatched) call.mayHaveFailed = true;
  }
}

/** A commit told of operations that overflowed, as if they were a call of their own: the application looks at none of them. */
function checkOverflow({ checker }: World, session: SimSession, error: OverflowError): void {
  if (error.indexes.some((index, at) => index !== at)) checker.violated(13, `${session.name}: ${error.message}`);
  for (const [at, operation] of error.operations.entries()) {
    const call = callAt(session, operation);
    if (call === undefined || call.isWatched) {
      return checker.violated(13, `a commit of ${session.name} tells of operation ${operation}, which is looked at`);
    }
    checker.overflowed(session, call.number, operation - call.operation, error.values[at]);
  }
}

function waitForRoom(world: World, session: SimSession): void {
  session.isHeld = true;
  whenSettled(
    world,
    session.api.ready(),
    () => void (session.isHeld = false),
    () => world.reached('waited for room'),
    (error) => {
      if (!(error instanceof RollbackError)) ends(world, session, error);
    },
  );
}

function rolledBack(world: World, session: SimSession, report: RollbackReport): void {
  const { replaying } = report;
  world.reached(replaying ? 'session replays' : 'session rolled back');
  if (report.exceptions.length > 0) world.reached('rollback with exceptions');
  world.note(session.name, () => `${replaying ? 'replays after a rollback' : 'is rolled back'}: ${inWords(report)}`);
  const lost = callsOf(session, report.lost);
  const unsent = callsOf(session, report.unsent);
  world.checker.rolledBack(session, {
    worldLine: report.worldLine,
    lastSurvivor: callAt(session, report.lastSurvivor)?.number ?? 0,
    lost: lost.map(({ number }) => number),
    exceptions: callsOf(session, report.exceptions).map(({ number }) => number),
    unsent: unsent.map(({ number }) => number),
  });
  if (replaying) return;
  for (const call of [...lost, ...unsent]) if (isOpen(call)) becomes(session, call, 'lost');
}

/** The calls that these operations are all of. */
function callsOf(session: SimSession, operations: readonly LostOperations[]): SimCall[] {
  const found: SimCall[] = [];
  for (const { first, count } of operations) {
    for (let at = first; at < first + count;) {
      const call = callAt(session, at);
      if (call?.operation !== at) throw new Error(`operation ${at} of ${session.name} begins no call`);
      found.push(call);
      at += call.count;
    }
  }
  return found;
}

function callAt({ calls }: SimSession, operation: number): SimCall | undefined {
  return calls.findLast((call) => call !== undefined && call.operation > 0 && call.operation <= operation);
}

/** The client says that the session is over: its application asks why. */
export function hasEnded(world: World, session: SimSession): void {
  session.api.commit().then(
    () => world.fail(new Error(`${session.name} ended, and commits`)),
    (error: unknown) => guarded(world, () => ends(world, session, error)),
  );
}

function ends(world: World, session: SimSession, error: unknown): void {
  if (session.ended) return;
  if (!(error instanceof DprError)) throw error;
  world.reached(`session ended: ${error.code}`);
  world.note(session.name, () => `ends: ${error.code}, ${error.message}`);
  world.checker.sessionEnded(session, error.code, error.message);
  endSim(world, session);
}

/** Its application goes away, perhaps in the middle of things: some say so. */
function leave(world: World, session: SimSession): void {
  const closes = world.random.chance(world.options.closeChance);
  world.reached(closes ? 'session closed' : 'session abandoned');
  world.note(session.name, () => (closes ? 'is closed' : 'is abandoned'));
  endSim(world, session);
  if (closes) session.api.close();
}

/** Another one begins in its place, unless there have been enough, or everything is to come to rest. */
function endSim(world: World, session: SimSession): void {
  const { client, index, followers } = session;
  const { random, options, scheduler } = world;
  session.ended = true;
  if (followers === 0) return;
  scheduler.after(random.exponential(options.thinkMs), client.process, () => {
    if (world.calm) return;
    client.host.enter(() => beginSession(world, client, index + options.sessionsPerClient, followers - 1));
  });
}
