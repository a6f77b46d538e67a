/** Client processes: each shares its connections among its sessions, and has an application that submits, commits and resumes. */
import {
  createSession,
  sessionWakeAt,
  stepSession,
  type Session,
  type SessionEffect,
  type SessionEvent,
} from '../../services/core/index.ts';
import { PROTOCOL_VERSION, type Message, type MessageOf, type Reply } from '../../services/protocol/index.ts';
import { acceptAtFinder, reachFinder } from './finder-actor.ts';
import { closeEnd, connect, sendOn, type End } from './network.ts';
import { CLOCK_STEP_MS, createProcess, type Process } from './scheduler.ts';
import { batchName, operationsOf } from './state-object.ts';
import { acceptAtWorker, reachWorker } from './worker-actor.ts';
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
  readonly abandonAfter: number;
  left: number;
  wakeAt: number;
  ended: boolean;
}

interface WorkerConnection {
  end: End | undefined;
  /** 0 before the greeting. */
  generation: number;
}

export interface Client {
  readonly name: string;
  readonly process: Process;
  readonly sessions: SimSession[];
  readonly workers: Map<number, WorkerConnection>;
  finderEnd: End | undefined;
  finderGreeted: boolean;
  cluster: MessageOf<'cluster'> | undefined;
  /** The last ones that came, with the generation of their worker. */
  readonly replies: { readonly worker: number; readonly generation: number; readonly message: Reply }[];
}

const RECONNECT_MS = 25;
const POLL_MS = 150;
/** Replies that may arrive again. */
const MAX_KEPT_REPLIES = 16;
/** Calls of a session that wait for a result, at most. */
const MAX_WAITING_CALLS = 24;

export function startClient(world: World, index: number, firstSession: number): void {
  const process = createProcess(`client ${index}`, world.scheduler);
  const client: Client = {
    name: process.name,
    process,
    sessions: [],
    workers: new Map(),
    finderEnd: undefined,
    finderGreeted: false,
    cluster: undefined,
    replies: [],
  };
  world.clients.push(client);
  connectFinder(world, client, firstSession, world.networkDelay());
}

// --- the Finder -----------------------------------------------------------------------------------------------------

function connectFinder(world: World, client: Client, firstSession: number, delay: number): void {
  const { process } = client;
  world.scheduler.after(delay, process, () => {
    const again = (): void => connectFinder(world, client, firstSession, world.random.exponential(RECONNECT_MS));
    const finder = reachFinder(world, process);
    if (finder === undefined) return again();
    const end = connect(world, process, finder.process, (other) => acceptAtFinder(world, finder, other));
    client.finderEnd = end;
    client.finderGreeted = false;
    end.onMessage = (message) => finderMessage(world, client, firstSession, message);
    end.onClosed = () => {
      client.finderGreeted = false;
      again();
    };
    sendOn(world, end, {
      kind: 'hello',
      protocol: PROTOCOL_VERSION,
      role: 'client',
      cluster: client.cluster?.cluster,
      stamp: undefined,
      token: '',
    });
  });
}

function finderMessage(world: World, client: Client, firstSession: number, message: Message): void {
  switch (message.kind) {
    case 'welcome':
      client.finderGreeted = true;
      if (client.sessions.length === 0) beginSessions(world, client, firstSession, message.worldLine);
      for (const { core } of client.sessions) toFinder(world, client, { kind: 'refresh', worldLine: core.worldLine });
      return fetchCluster(world, client);
    case 'cluster':
      return takeCluster(world, client, message);
    case 'cut':
      for (const session of client.sessions) step(world, session, { kind: 'frame', worker: undefined, message });
      return;
    case 'error':
      if (message.code === 'historyLost') {
        for (const session of client.sessions) step(world, session, { kind: 'frame', worker: undefined, message });
      }
      return;
    default:
      throw new Error(`the Finder sent '${message.kind}' to a client`);
  }
}

function toFinder(world: World, client: Client, message: Message): void {
  if (client.finderEnd && client.finderGreeted) sendOn(world, client.finderEnd, message);
}

function fetchCluster(world: World, client: Client): void {
  toFinder(world, client, { kind: 'fetchCluster', known: client.cluster?.version ?? 0 });
}

function poll(world: World, client: Client): void {
  world.scheduler.after(world.random.real(0.5, 1.5) * POLL_MS, client.process, () => {
    fetchCluster(world, client);
    poll(world, client);
  });
}

function takeCluster(world: World, client: Client, message: MessageOf<'cluster'>): void {
  const known = client.cluster?.version ?? 0;
  if (message.version <= known) return;
  client.cluster = message;
  for (const { id, generation } of message.removed) {
    const connection = client.workers.get(id);
    if (connection?.end) {
      closeEnd(world, connection.end);
      lostWorker(world, client, id, connection);
    }
    for (const session of client.sessions) step(world, session, { kind: 'removed', worker: id, generation });
  }
  for (const [id, connection] of client.workers) if (!connection.end) connectWorker(world, client, id, 0);
}

// --- workers --------------------------------------------------------------------------------------------------------

/** A session wants to reach the worker: it is connected, or will be, or was removed. */
function want(world: World, session: SimSession, worker: number): void {
  const { client } = session;
  const known = client.workers.get(worker);
  if (known?.end && known.generation > 0) {
    return step(world, session, { kind: 'connected', worker, generation: known.generation });
  }
  const gone = client.cluster?.removed.find(({ id }) => id === worker);
  if (gone) step(world, session, { kind: 'removed', worker, generation: gone.generation });
  if (known) return;
  client.workers.set(worker, { end: undefined, generation: 0 });
  connectWorker(world, client, worker, 0);
}

function connectWorker(world: World, client: Client, worker: number, delay: number): void {
  const { process, workers } = client;
  world.scheduler.after(delay + world.networkDelay(), process, () => {
    const connection = workers.get(worker);
    const member = client.cluster?.members.find(({ id }) => id === worker);
    if (connection === undefined || connection.end || member === undefined) return; // the membership will tell
    const running = reachWorker(world, process, worker);
    if (running === undefined) return connectWorker(world, client, worker, world.random.exponential(RECONNECT_MS));
    const end = connect(world, process, running.process, (other) => acceptAtWorker(world, running, other));
    connection.end = end;
    connection.generation = 0;
    end.onMessage = (message) => workerMessage(world, client, worker, connection, message);
    end.onClosed = () => {
      lostWorker(world, client, worker, connection);
      connectWorker(world, client, worker, world.random.exponential(RECONNECT_MS));
    };
    sendOn(world, end, {
      kind: 'hello',
      protocol: PROTOCOL_VERSION,
      role: 'client',
      cluster: client.cluster?.cluster,
      stamp: undefined,
      token: '',
    });
  });
}

function lostWorker(world: World, client: Client, worker: number, connection: WorkerConnection): void {
  connection.end = undefined;
  if (connection.generation === 0) return;
  connection.generation = 0;
  for (const session of client.sessions) step(world, session, { kind: 'disconnected', worker });
}

function workerMessage(
  world: World,
  client: Client,
  worker: number,
  connection: WorkerConnection,
  message: Message,
): void {
  if (message.kind === 'welcome') {
    connection.generation = message.worker?.generation ?? 0;
    const { generation } = connection;
    for (const session of client.sessions) {
      if (session.core.lanes.has(worker)) step(world, session, { kind: 'connected', worker, generation });
    }
    return;
  }
  if (message.kind === 'reply') keepReply(client, worker, connection.generation, message);
  const addressee = 'session' in message ? message.session : undefined;
  for (const session of client.sessions) {
    const meant = addressee === undefined ? session.core.lanes.has(worker) : session.core.config.id === addressee;
    if (meant) step(world, session, { kind: 'frame', worker, message });
  }
}

function keepReply(client: Client, worker: number, generation: number, message: Reply): void {
  client.replies.push({ worker, generation, message });
  if (client.replies.length > MAX_KEPT_REPLIES) client.replies.shift();
}

/** A reply arrives once more, late. @returns whether there was one whose worker is still the same */
export function repeatReply(world: World, client: Client): boolean {
  if (client.replies.length === 0) return false;
  const { worker, generation, message } = world.random.pick(client.replies);
  const session = client.sessions.find(({ core }) => core.config.id === message.session);
  if (session === undefined || client.workers.get(worker)?.generation !== generation) return false;
  if (message.worldLine < session.core.worldLine) world.reached('stale reply of a dead world-line');
  step(world, session, { kind: 'frame', worker, message });
  return true;
}

// --- sessions and their application ---------------------------------------------------------------------------------

function beginSessions(world: World, client: Client, first: number, worldLine: number): void {
  const { options, random } = world;
  for (let index = first; index < first + options.sessionsPerClient; index++) {
    const core = createSession({
      id: random.hex(16),
      worldLine,
      mode: random.chance(options.strictChance) ? 'strict' : 'relaxed',
      replay: random.chance(options.replayChance),
      maxInFlight: options.maxInFlight,
      retryMs: 10,
      maxRetryMs: 160,
      retryLimitMs: options.retryLimitMs,
    });
    const session: SimSession = {
      index,
      name: `session ${index}`,
      client,
      core,
      calls: [],
      abandonAfter: random.chance(options.abandonChance) ? random.int(1, options.callsPerSession) : Infinity,
      left: options.callsPerSession,
      wakeAt: Infinity,
      ended: false,
    };
    client.sessions.push(session);
    world.checker.sessionBegins(session);
    world.note(
      session.name,
      () => `${core.config.mode}${core.config.replay ? ', replaying' : ''}, world-line ${worldLine}`,
    );
    think(world, session);
  }
  poll(world, client);
}

function think(world: World, session: SimSession): void {
  const { random, options } = world;
  world.scheduler.after(random.exponential(options.thinkMs), session.client.process, () => {
    act(world, session);
    if (session.left > 0 && !session.ended) think(world, session);
  });
}

/** One thing that an application may do next. */
function act(world: World, session: SimSession): void {
  const { random, options } = world;
  const { core, client } = session;
  if (core.phase === 'broken') {
    if (random.chance(0.5)) step(world, session, { kind: 'resume' });
    return;
  }
  if (core.phase === 'ended') return;
  if (session.calls.length >= session.abandonAfter) {
    world.reached('session abandoned');
    world.note(session.name, () => 'is abandoned');
    session.ended = true;
    return;
  }
  const members = client.cluster?.members ?? [];
  if (members.length === 0 || session.calls.filter((state) => state === 'waiting').length >= MAX_WAITING_CALLS) return;
  const { id } = random.pick(members);
  const burst = random.chance(0.2) ? random.int(2, 6) : 1;
  for (let at = 0; at < burst && session.left > 0; at++) {
    if (isBroken(session)) return;
    session.left--;
    const call = core.lastCall + 1;
    session.calls[call] = 'waiting';
    world.checker.submitted(session, call, id);
    const operations = operationsOf(batchName(session.index, call));
    step(world, session, { kind: 'submit', worker: id, operations, count: random.int(1, 3) });
  }
  if (random.chance(options.commitChance)) step(world, session, { kind: 'commit' });
}

function isBroken({ core }: SimSession): boolean {
  return core.phase !== 'open';
}

function step(world: World, session: SimSession, event: SessionEvent): void {
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
    step(world, session, { kind: 'wake' });
  });
}

function perform(world: World, session: SimSession, effect: SessionEffect): void {
  const { client, calls } = session;
  const { checker } = world;
  switch (effect.kind) {
    case 'send': {
      const end = client.workers.get(effect.worker)?.end;
      if (effect.message.kind === 'batch') checker.sent(session, effect.worker, effect.message);
      if (end) sendOn(world, end, effect.message);
      return;
    }
    case 'sendFinder':
      return toFinder(world, client, effect.message);
    case 'connect':
      // As a step of its own: one does not begin inside another.
      world.scheduler.after(0, client.process, () => want(world, session, effect.worker));
      return;
    case 'fetchCluster':
      return fetchCluster(world, client);
    case 'completed':
      checker.completed(session, effect);
      calls[effect.call] = 'completed';
      return;
    case 'committed':
      checker.committed(session, effect.calls);
      for (const call of effect.calls) calls[call] = 'committed';
      return;
    case 'failed':
      checker.failed(session, effect.call, effect.code, effect.sent);
      calls[effect.call] = 'failed';
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
      for (const call of report.lost) calls[call] = replaying ? 'waiting' : 'lost';
      for (const call of report.unsent) calls[call] = 'lost';
      return;
    }
    case 'ended':
      session.ended = true;
      world.reached(`session ended: ${effect.code}`);
      world.note(session.name, () => `ends: ${effect.code}, ${effect.text}`);
      return checker.sessionEnded(session, effect.code, effect.text);
  }
}
