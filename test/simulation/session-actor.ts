/** Sessions, each with an application that submits, commits and resumes. */
import {
  createSession,
  sessionWakeAt,
  stepSession,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type Submission,
} from '../../services/core/index.ts';
import { askCluster, want, type Client } from './client-actor.ts';
import { CLOCK_STEP_MS } from './scheduler.ts';
import { batchName, operationsOf } from './state-object.ts';
import { inWords, type World } from './world.ts';

/** What has become of a call, as the application knows it. */
export type CallState = 'waiting' | 'completed' | 'committed' | 'failed' | 'lost';

export interface SimSession {
  readonly index: number;
  readonly name: string;
  readonly client: Client;
  readonly core: Session;
  /** By number, from 1. */
  readonly calls: CallState[];
  /** How many of them wait. */
  waiting: number;
  /** Its application goes away when it has made so many calls. */
  readonly abandonAfter: number;
  /** How many are still to follow in its place. */
  readonly followers: number;
  left: number;
  /** The one that its last call was for. */
  worker: number | undefined;
  wakeAt: number;
  ended: boolean;
}

/** Calls of a session that wait for a result, at most. */
const MAX_WAITING_CALLS = 24;
/** How long an application that must wait thinks at least, on average. */
const LONG_THINK_MS = 10;

/** A session begins, and its application with it. */
export function beginSession(
  world: World,
  client: Client,
  index: number,
  worldLine: number,
  followers = world.options.sessionsInTurn - 1,
): SimSession {
  const { options, random } = world;
  const core = createSession({
    id: random.hex(16),
    worldLine,
    mode: random.chance(options.strictChance) ? 'strict' : 'relaxed',
    replay: random.chance(options.replayChance),
    maxInFlight: options.maxInFlight,
    retryMs: 10,
    maxRetryMs: 160,
    retryLimitMs: options.retryLimitMs,
    absurdRetryLimitMs: options.absurdRetryLimitMs,
  });
  const session: SimSession = {
    index,
    name: `session ${index}`,
    client,
    core,
    calls: [],
    waiting: 0,
    abandonAfter: random.chance(options.abandonChance) ? random.int(1, options.callsPerSession) : Infinity,
    followers,
    left: options.callsPerSession,
    worker: undefined,
    wakeAt: Infinity,
    ended: false,
  };
  world.checker.sessionBegins(session);
  world.note(
    session.name,
    () => `${core.config.mode}${core.config.replay ? ', replaying' : ''}, world-line ${worldLine}`,
  );
  think(world, session);
  return session;
}

function think(world: World, session: SimSession): void {
  const { random, options } = world;
  const meanMs = mustWait(session) ? Math.max(options.thinkMs, LONG_THINK_MS) : options.thinkMs;
  world.scheduler.after(random.exponential(meanMs), session.client.process, () => {
    act(world, session);
    if ((session.left > 0 || options.sessionsInTurn > 1) && !session.ended) think(world, session);
  });
}

/** No worker is there to call, or too much is on its way. */
function mustWait({ client, waiting }: SimSession): boolean {
  return waiting >= MAX_WAITING_CALLS || (client.cluster?.members.length ?? 0) === 0;
}

/** One thing that an application may do next. */
function act(world: World, session: SimSession): void {
  const { random, options } = world;
  const { core, client } = session;
  if (core.phase === 'broken') {
    if (random.chance(0.5)) stepSim(world, session, { kind: 'resume' });
    return;
  }
  if (core.phase === 'ended') return;
  if (session.calls.length >= session.abandonAfter || hasDone(session)) {
    return leave(world, session);
  }
  if (mustWait(session) || session.left === 0) return;
  const members = client.cluster?.members ?? [];
  const same = random.chance(options.stayChance) ? members.find(({ id }) => id === session.worker) : undefined;
  const { id } = same ?? random.pick(members);
  session.worker = id;
  const burst = random.chance(0.2) ? random.int(2, 6) : 1;
  const submitted: Submission[] = [];
  for (let at = 0; at < burst && session.left > 0; at++) {
    session.left--;
    const call = core.lastCall + submitted.length + 1;
    becomes(session, call, 'waiting');
    world.checker.submitted(session, call, id);
    submitted.push({ worker: id, operations: operationsOf(batchName(session.index, call)), count: random.int(1, 3) });
  }
  stepSim(world, session, { kind: 'submit', calls: submitted });
  if (random.chance(options.commitChance)) stepSim(world, session, { kind: 'commit' });
}

/** All of its calls were made and answered. */
function hasDone({ left, waiting }: SimSession): boolean {
  return left === 0 && waiting === 0;
}

/** Its application goes away, perhaps in the middle of things: some say so. */
function leave(world: World, session: SimSession): void {
  const closes = world.random.chance(world.options.closeChance);
  world.reached(closes ? 'session closed' : 'session abandoned');
  world.note(session.name, () => (closes ? 'is closed' : 'is abandoned'));
  if (closes) stepSim(world, session, { kind: 'close' });
  endSim(world, session);
}

/** Another one begins in its place, unless there have been enough, or everything is to come to rest. */
function endSim(world: World, session: SimSession): void {
  const { client, index, followers } = session;
  const { random, options, scheduler } = world;
  session.ended = true;
  if (followers === 0) return;
  scheduler.after(random.exponential(options.thinkMs), client.process, () => {
    if (world.calm) return;
    const worldLine = Math.max(...client.sessions.map(({ core }) => core.worldLine));
    const next = index + options.sessionsPerClient;
    client.sessions.push(beginSession(world, client, next, worldLine, followers - 1));
  });
}

function becomes(session: SimSession, call: number, state: CallState): void {
  if (session.calls[call] === 'waiting') session.waiting--;
  if (state === 'waiting') session.waiting++;
  session.calls[call] = state;
}

export function stepSim(world: World, session: SimSession, event: SessionEvent): void {
  const { core, client } = session;
  if (session.ended) return;
  const effects = stepSession(core, event, world.scheduler.now - client.process.bornAt);
  world.checker.sessionStepped(session);
  for (const effect of effects) perform(world, session, effect);
  wakeLater(world, session);
}

function wakeLater(world: World, session: SimSession): void {
  const { process } = session.client;
  const at = sessionWakeAt(session.core);
  if (at === Infinity || at === session.wakeAt) return;
  session.wakeAt = at;
  world.scheduler.after(Math.max(CLOCK_STEP_MS, at + process.bornAt - world.scheduler.now), process, () => {
    if (session.wakeAt !== at) return;
    session.wakeAt = Infinity;
    stepSim(world, session, { kind: 'wake' });
  });
}

function perform(world: World, session: SimSession, effect: SessionEffect): void {
  const { client } = session;
  const { checker } = world;
  switch (effect.kind) {
    case 'send':
      if (effect.message.kind === 'batch') checker.sent(session, effect.worker, effect.message);
      return client.workers.get(effect.worker)?.call?.send(effect.message);
    case 'sendFinder':
      return client.finder?.send(effect.message);
    case 'connect':
      // As a step of its own: one does not begin inside another.
      world.scheduler.after(0, client.process, () => want(world, session, effect.worker));
      return;
    case 'fetchCluster':
      return askCluster(world, client);
    case 'completed':
      checker.completed(session, effect);
      becomes(session, effect.call, 'completed');
      return;
    case 'committed':
      checker.committed(session, effect.calls);
      for (const call of effect.calls) becomes(session, call, 'committed');
      return;
    case 'failed':
      checker.failed(session, effect.call, effect.code, effect.sent);
      becomes(session, effect.call, 'failed');
      world.reached(`call failed: ${effect.code}${effect.sent ? ', sent' : ''}`);
      return;
    case 'rolledBack': {
      const { report, replaying } = effect;
      world.reached(replaying ? 'session replays' : 'session rolled back');
      if (report.exceptions.length > 0) world.reached('rollback with exceptions');
      world.note(
        session.name,
        () => `${replaying ? 'replays after a rollback' : 'is rolled back'}: ${inWords(report)}`,
      );
      checker.rolledBack(session, report);
      for (const call of report.lost) becomes(session, call, replaying ? 'waiting' : 'lost');
      for (const call of report.unsent) becomes(session, call, 'lost');
      return;
    }
    case 'ended':
      endSim(world, session);
      world.reached(`session ended: ${effect.code}`);
      world.note(session.name, () => `ends: ${effect.code}, ${effect.text}`);
      return checker.sessionEnded(session, effect.code, effect.text);
  }
}
