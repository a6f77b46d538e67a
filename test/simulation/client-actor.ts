/** Client processes: each shares its connections, to the Finder and to workers, among its sessions. */
import { bySession } from '../../services/client/by-session.ts';
import { MEMBERSHIP_SPACING_MS } from '../../services/client/limits.ts';
import type { Message, MessageOf, Reply } from '../../services/protocol/index.ts';
import type { BackOff } from '../../services/runtime/back-off.ts';
import { reachFinder } from './finder-actor.ts';
import { createProcess, type Process } from './scheduler.ts';
import { beginSession, stepSim, type SimSession } from './session-actor.ts';
import { call, reconnectPauses, type Call } from './sockets.ts';
import { reachWorker } from './worker-actor.ts';
import type { World } from './world.ts';

interface WorkerConnection {
  /** While there is one, greeted or not. */
  call: Call | undefined;
  /** 0 before the greeting. */
  generation: number;
  /** Between attempts to connect. */
  readonly pauses: BackOff;
}

export interface Client {
  readonly name: string;
  readonly process: Process;
  readonly sessions: SimSession[];
  readonly workers: Map<number, WorkerConnection>;
  finder: Call | undefined;
  /** Between its attempts to reach the Finder. */
  readonly pauses: BackOff;
  cluster: MessageOf<'cluster'> | undefined;
  /** When it asked for that last, and whether it is about to. */
  askedAt: number;
  asks: boolean;
  /** The last ones that came, with the generation of their worker. */
  readonly replies: { readonly worker: number; readonly generation: number; readonly message: Reply }[];
}

/** Replies that may arrive again. */
const MAX_KEPT_REPLIES = 16;

export function startClient(world: World, index: number, firstSession: number): void {
  const process = createProcess(`client ${index}`, world.scheduler);
  const client: Client = {
    name: process.name,
    process,
    sessions: [],
    workers: new Map(),
    finder: undefined,
    pauses: reconnectPauses(world),
    cluster: undefined,
    askedAt: -Infinity,
    asks: false,
    replies: [],
  };
  world.clients.push(client);
  connectFinder(world, client, firstSession, world.networkDelay());
}

function helloOf({ cluster }: Client) {
  return { role: 'client', cluster: cluster?.cluster, stamp: undefined, token: '' } as const;
}

// --- the Finder -----------------------------------------------------------------------------------------------------

function connectFinder(world: World, client: Client, firstSession: number, delay: number): void {
  const { process, sessions } = client;
  world.scheduler.after(delay, process, () => {
    const ended = (): void => connectFinder(world, client, firstSession, client.pauses.next());
    const finder = reachFinder(world, process, 'client');
    if (finder === undefined) return ended();
    client.finder = call(world, process, finder.port, helloOf(client), {
      opened({ worldLine }) {
        client.pauses.reset();
        if (sessions.length === 0) beginSessions(world, client, firstSession, worldLine);
        for (const { core } of sessions) client.finder?.send({ kind: 'refresh', worldLine: core.worldLine });
        fetchCluster(world, client);
      },
      frame: (message) => finderMessage(world, client, message),
      ended,
    });
  });
}

function beginSessions(world: World, client: Client, first: number, worldLine: number): void {
  for (let index = first; index < first + world.options.sessionsPerClient; index++) {
    client.sessions.push(beginSession(world, client, index, worldLine));
  }
  poll(world, client);
}

function finderMessage(world: World, client: Client, message: Message): void {
  switch (message.kind) {
    case 'cluster':
      return takeCluster(world, client, message);
    case 'cut':
      return toAll(world, client, message);
    case 'error':
      if (message.code === 'historyLost') toAll(world, client, message);
      return;
    default:
      throw new Error(`the Finder sent '${message.kind}' to a client`);
  }
}

function toAll(world: World, { sessions }: Client, message: Message): void {
  for (const session of sessions) stepSim(world, session, { kind: 'frames', worker: undefined, messages: [message] });
}

function fetchCluster(world: World, client: Client): void {
  client.askedAt = world.scheduler.now;
  client.finder?.send({ kind: 'fetchCluster', known: client.cluster?.version ?? 0 });
}

/** The membership may have changed: ask for it, unless that is about to happen. */
export function askCluster(world: World, client: Client): void {
  if (client.asks) return;
  client.asks = true;
  const { now } = world.scheduler;
  world.scheduler.after(Math.max(0, client.askedAt + MEMBERSHIP_SPACING_MS - now), client.process, () => {
    client.asks = false;
    fetchCluster(world, client);
  });
}

function poll(world: World, client: Client): void {
  world.scheduler.after(world.random.real(0.5, 1.5) * world.options.membershipPollMs, client.process, () => {
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
    if (connection?.call) {
      connection.call.close();
      lostWorker(world, client, id, connection);
    }
    for (const session of client.sessions) stepSim(world, session, { kind: 'removed', worker: id, generation });
  }
  for (const [id, connection] of client.workers) if (!connection.call) connectWorker(world, client, id, 0);
}

// --- workers --------------------------------------------------------------------------------------------------------

/** A session wants to reach the worker: it is connected, or will be, or was removed. */
export function want(world: World, session: SimSession, worker: number): void {
  const { client } = session;
  const known = client.workers.get(worker);
  if (known !== undefined && known.generation > 0) {
    return stepSim(world, session, { kind: 'connected', worker, generation: known.generation });
  }
  const gone = client.cluster?.removed.find(({ id }) => id === worker);
  if (gone) stepSim(world, session, { kind: 'removed', worker, generation: gone.generation });
  if (known) return;
  client.workers.set(worker, { call: undefined, generation: 0, pauses: reconnectPauses(world) });
  connectWorker(world, client, worker, 0);
}

function connectWorker(world: World, client: Client, worker: number, delay: number): void {
  const { process, workers } = client;
  world.scheduler.after(delay + world.networkDelay(), process, () => {
    const connection = workers.get(worker);
    const member = client.cluster?.members.find(({ id }) => id === worker);
    if (connection === undefined || connection.call || member === undefined) return; // the membership will tell
    const again = (): void => connectWorker(world, client, worker, connection.pauses.next());
    const running = reachWorker(world, process, worker);
    if (running === undefined) return again();
    connection.call = call(world, process, running.port, helloOf(client), {
      opened(welcome) {
        connection.pauses.reset();
        connection.generation = welcome.worker?.generation ?? 0;
        const { generation } = connection;
        for (const session of client.sessions) {
          if (session.core.lanes.has(worker)) stepSim(world, session, { kind: 'connected', worker, generation });
        }
      },
      frames: (messages) => workerMessages(world, client, worker, connection, messages),
      ended() {
        lostWorker(world, client, worker, connection);
        askCluster(world, client); // it may live elsewhere
        again();
      },
    });
  });
}

function lostWorker(world: World, client: Client, worker: number, connection: WorkerConnection): void {
  connection.call = undefined;
  if (connection.generation === 0) return;
  connection.generation = 0;
  for (const session of client.sessions) stepSim(world, session, { kind: 'disconnected', worker });
}

function workerMessages(
  world: World,
  client: Client,
  worker: number,
  { generation }: WorkerConnection,
  messages: readonly Message[],
): void {
  bySession(messages, (addressee, run) => {
    for (const message of run) if (message.kind === 'reply') keepReply(client, { worker, generation, message });
    for (const session of client.sessions) {
      const meant = addressee === undefined ? session.core.lanes.has(worker) : session.core.config.id === addressee;
      if (meant) stepSim(world, session, { kind: 'frames', worker, messages: run });
    }
  });
}

function keepReply({ replies }: Client, reply: Client['replies'][number]): void {
  replies.push(reply);
  if (replies.length > MAX_KEPT_REPLIES) replies.shift();
}

/**
 * A reply arrives once more, late; best one of an earlier world-line to a number that waits for its reply in this one.
 * @returns whether there was one whose worker is still the same
 */
export function repeatReply(world: World, client: Client): boolean {
  if (client.replies.length === 0) return false;
  const fitting = client.replies.filter(({ worker, message }) => {
    const core = sessionOf(client, message)?.core;
    const waiting = core?.lanes.get(worker)?.sent;
    return core && message.worldLine < core.worldLine && waiting?.some((call) => call.sequence === message.sequence);
  });
  const { worker, generation, message } = world.random.pick(fitting.length > 0 ? fitting : client.replies);
  const session = sessionOf(client, message);
  if (session === undefined || client.workers.get(worker)?.generation !== generation) return false;
  if (message.worldLine < session.core.worldLine) world.reached('stale reply of a dead world-line');
  stepSim(world, session, { kind: 'frames', worker, messages: [message] });
  return true;
}

function sessionOf({ sessions }: Client, { session }: Reply): SimSession | undefined {
  return sessions.find(({ core }) => core.config.id === session);
}
