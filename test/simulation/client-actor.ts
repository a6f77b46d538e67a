/** Client processes: each connects production's client to the cluster, and shares it among its applications. */
import { connectOn, type Cluster } from '../../services/client/connection/cluster.ts';
import { MAX_TIME_MS } from '../../services/client/limits.ts';
import { encode, type Reply } from '../../services/protocol/index.ts';
import { beginSession, guarded, hasEnded, type SimSession } from './application.ts';
import { createClientHost, FINDER_ADDRESS, type ClientHost } from './client-host.ts';
import { sessionsOfClient } from './options.ts';
import { createProcess, kill, resume, type Process } from './scheduler.ts';
import type { World } from './world.ts';

export interface Client {
  readonly name: string;
  /** Its place among the world's clients. */
  readonly index: number;
  readonly process: Process;
  readonly host: ClientHost;
  readonly sessions: SimSession[];
  /** @throws Error before it is connected, which is before it has sessions */
  readonly connected: () => Cluster;
  /** The last ones that came, with the generation of their worker. */
  readonly replies: KeptReply[];
}

interface KeptReply {
  readonly worker: number;
  readonly generation: number;
  readonly message: Reply;
}

/** Replies that may arrive again. */
const MAX_KEPT_REPLIES = 16;
const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 160;

/** @param delayMs before it connects */
export function startClient(world: World, index: number, delayMs: number): void {
  const { options, random, checker, scheduler } = world;
  const firstSession = world.sessions + 1;
  world.sessions += sessionsOfClient(options);
  const process = createProcess(`client ${index}`, scheduler);
  let cluster: Cluster | undefined;
  const client: Client = {
    name: process.name,
    index,
    process,
    host: createClientHost(world, process, {
      begins: () => forEach(client, (session) => checker.sessionAwakes(session)),
      happened: () => forEach(client, (session) => checker.sessionStepped(session)),
      sent(worker, batch, isLate) {
        const session = sessionOf(client, batch.session);
        if (session !== undefined) guarded(world, () => checker.sent(session, worker, batch, isLate));
      },
      replied({ worker, generation }, message) {
        if (worker === undefined) return;
        keepReply(client, { worker, generation, message });
        const session = sessionOf(client, message.session);
        if (session !== undefined) checker.replied(session, worker, generation, message);
      },
    }),
    sessions: [],
    connected() {
      if (cluster === undefined) throw new Error('a client has sessions once it is connected');
      return cluster;
    },
    replies: [],
  };
  world.clients[index] = client;
  const sending = {
    maxInFlight: options.maxInFlight,
    retryMs: FIRST_RETRY_MS,
    maxRetryMs: LONGEST_RETRY_MS,
    retryLimitMs: options.retryLimitMs,
    absurdRetryLimitMs: options.absurdRetryLimitMs,
  };
  const connect = (): void => {
    connectOn(
      client.host,
      {
        cluster: FINDER_ADDRESS,
        connectTimeoutMs: MAX_TIME_MS,
        attemptTimeoutMs: options.attemptTimeoutMs,
        membershipPollMs: random.real(0.5, 1.5) * options.membershipPollMs,
        log({ event, message }) {
          world.note(process.name, () => message);
          if (event === 'sessionEnded') sessionEnds(world, client, message);
        },
      },
      sending,
    ).then(
      (connected) => {
        cluster = connected;
        for (let at = firstSession; at < firstSession + options.sessionsPerClient; at++) {
          beginSession(world, client, at);
        }
      },
      (error: unknown) => world.fail(error),
    );
  };
  scheduler.after(delayMs, process, () => client.host.enter(connect));
}

/** The process dies with its sessions, and nothing says goodbye for it. Another one comes in its place. */
export function crashClient(world: World, { name, index, process, sessions }: Client): void {
  world.note(name, () => 'crashes');
  kill(process);
  for (const session of sessions) session.ended = true;
  startClient(world, index, world.random.exponential(world.options.restartMs));
}

/** It goes on after a pause: what comes late is read in the order in which it came, and timers perhaps before all of it. */
export function resumeClient(world: World, { process, host }: Client): void {
  const timersFirst = world.random.chance(0.5);
  if (timersFirst && process.backlog.length > 0) world.reached('timers of a client that slept come first');
  resume(process, world.scheduler, timersFirst ? host.isTimer : undefined);
}

function forEach({ sessions }: Client, run: (session: SimSession) => void): void {
  for (const session of sessions) if (!session.ended) run(session);
}

function sessionOf({ sessions }: Client, id: string): SimSession | undefined {
  return sessions.find(({ api }) => api.id === id);
}

/** The client's log names the session. */
function sessionEnds(world: World, client: Client, message: string): void {
  const session = client.sessions.find(({ api, ended }) => !ended && message.includes(api.id));
  if (session === undefined) return;
  world.scheduler.after(0, client.process, () => client.host.enter(() => hasEnded(world, session)));
}

function keepReply({ replies }: Client, reply: KeptReply): void {
  replies.push(reply);
  if (replies.length > MAX_KEPT_REPLIES) replies.shift();
}

/**
 * A reply arrives once more, late; best one of an earlier world-line to a number that waits for its reply in this one.
 * @returns whether there was one whose worker is still the same
 */
export function repeatReply(world: World, client: Client): boolean {
  const { replies, host } = client;
  if (replies.length === 0) return false;
  const fitting = replies.filter(({ worker, generation, message }) => {
    const session = sessionOf(client, message.session);
    if (session === undefined || session.ended || message.worldLine >= session.api.worldLine) return false;
    return world.checker.isAwaited(session, worker, generation, message.sequence);
  });
  const { worker, generation, message } = world.random.pick(fitting.length > 0 ? fitting : replies);
  const socket = host.socketTo(worker);
  if (client.process.paused || socket?.generation !== generation) return false;
  if (message.worldLine < (sessionOf(client, message.session)?.api.worldLine ?? 0)) {
    world.reached('stale reply of a dead world-line');
  }
  const bytes = encode(message);
  host.enter(() => socket.socket().deliver(bytes));
  return true;
}
