/** The cluster as one client sees it: the Finder, the members, a connection per worker, and the sessions that share them. */
import type { Message, MessageOf } from '@dpr/protocol';
import { deferred } from '@dpr/runtime/deferred';
import type { Host } from '@dpr/runtime/host';
import { unlessAborted } from '../abort.ts';
import { addressText, checkToken, parseAddress, workerAddress } from './addresses.ts';
import { bySession } from './by-session.ts';
import { checkOptions } from '../check.ts';
import { Engine } from '../session/engine.ts';
import { ClosedError, refusedByWorker, unreachable, type DprError } from '../errors.ts';
import { openFinder } from './finder.ts';
import { flushes } from './flushes.ts';
import { isDefinite } from './link.ts';
import { describeIds, membershipOf, NO_MEMBERSHIP, type WorkerInfo } from './membership.ts';
import { CONNECT_RULES, SESSION_RULES, type ConnectOptions, type SessionOptions } from '../options.ts';
import { SENDING, type Sending } from '../session/sending.ts';
import { sessionOf, type Session } from '../session/session.ts';
import type { SessionHost } from '../session/session-host.ts';
import { timeoutsOf, type Timeouts } from './timeouts.ts';
import { openWorkers } from './workers.ts';

/** A connected cluster. */
export interface Cluster {
  /** 128 random bits, as 32 hex digits, drawn when the cluster began. */
  readonly id: string;

  /**
   * The workers, as the Finder last told.
   *
   * @example
   * for (const { id, type, address } of cluster.workers()) console.log(id, type, address);
   */
  workers(): readonly WorkerInfo[];

  /**
   * Begin a session. Many may share a cluster; each costs little.
   *
   * @throws TypeError or RangeError that names an option which cannot be used
   * @example
   * const session = cluster.session({ mode: 'strict', replay: true });
   */
  session(options?: SessionOptions): Session;

  /**
   * Close all sessions and connections at once. To lose nothing, `await session.commit()` first.
   *
   * @example
   * await cluster.close();
   */
  close(): Promise<void>;
}

/** `connect`, on any host. @param sending for simulations, in which times are short */
export async function connectOn(host: Host, options: ConnectOptions, sending = SENDING): Promise<Cluster> {
  checkOptions('connect', options, CONNECT_RULES);
  const { signal } = options;
  signal?.throwIfAborted();
  const timeouts = timeoutsOf(options);
  const { connectTimeoutMs } = timeouts;
  const { cluster, ready, end } = openCluster(host, options, timeouts, sending);
  const late = host.setTimeout(() => end(undefined), connectTimeoutMs);
  try {
    await unlessAborted(ready, signal);
  } catch (error) {
    void cluster.close();
    throw error;
  } finally {
    host.clearTimeout(late);
  }
  return cluster;
}

function openCluster(host: Host, options: ConnectOptions, timeouts: Timeouts, sending: Sending) {
  const { timing, membershipPollMs, refusalTimeoutMs } = timeouts;
  const { ca, log = () => undefined, awaitFinder = true } = options;
  const address = parseAddress(options.cluster);
  const token = checkToken(options.token ?? '');
  const sessions = new Map<string, Engine>();
  const started = deferred();
  let clusterId: string | undefined;
  let worldLine = 0;
  let membership = NO_MEMBERSHIP;
  let ended: DprError | undefined;

  const shared = { host, ca, timing, greeting: () => ({ role: 'client', cluster: clusterId, token }) as const };
  const finder = openFinder(
    { ...shared, address: addressText(address), pollMs: membershipPollMs },
    {
      opened(welcome) {
        clusterId ??= welcome.cluster;
        sawWorldLine(welcome.worldLine);
        log({ level: 'info', event: 'connected', message: `connected to the Finder at ${address.host}` });
      },
      known: () => membership.version,
      behind() {
        const behind = all().filter((session) => session.needsFinder());
        return behind.length === 0
          ? undefined
          : behind.reduce((least, session) => Math.min(least, session.worldLine()), Infinity);
      },
      membership: takeMembership,
      frame: (message) => toAll(undefined, message),
      away(error) {
        if (!awaitFinder && clusterId === undefined && isDefinite(error)) end(error);
        else log({ level: 'warn', event: 'disconnected', message: error.message });
      },
      refused: end,
    },
  );
  const workers = openWorkers(
    { ...shared, finder: address, member: (id) => membership.members.get(id) },
    {
      opened(id, peer, welcome) {
        sawWorldLine(welcome.worldLine);
        log({ level: 'info', event: 'connected', message: `connected to worker ${id}` });
        for (const session of all()) session.opened(id, peer);
      },
      frames: workerFrames,
      closed(id, reason) {
        log({ level: 'warn', event: 'disconnected', message: `worker ${id}: ${reason}` });
        for (const session of all()) session.closed(id);
      },
      refused(id, error, forMs) {
        if (forMs === 0) log({ level: 'warn', event: 'disconnected', message: `worker ${id}: ${error.message}` });
        if (forMs < refusalTimeoutMs) return;
        for (const session of all()) session.workerRefused(id, refusedByWorker(id, forMs, error));
      },
      astray: finder.ask,
    },
  );

  /** A copy: a session that ends leaves the others undisturbed. */
  function all(): Engine[] {
    return [...sessions.values()];
  }

  function sawWorldLine(seen: number): void {
    worldLine = Math.max(worldLine, seen);
  }

  function takeMembership(message: MessageOf<'cluster'>): void {
    if (message.version !== membership.version) {
      membership = membershipOf(message);
      log({ level: 'info', event: 'membership', message: `the cluster has ${knownWorkers()}` });
      workers.membershipChanged();
      for (const session of all()) {
        for (const [id, generation] of membership.removed) session.removed(id, generation);
      }
    }
    started.resolve();
    for (const session of all()) session.membershipChanged();
  }

  function knownWorkers(): string {
    return describeIds([...membership.members.keys()].sort((a, b) => a - b));
  }

  function workerFrames(id: number, messages: readonly Message[]): void {
    bySession(messages, (session, run) => {
      if (session !== undefined) sessions.get(session)?.frames(id, run);
      else for (const message of run) workerFrame(id, message);
    });
  }

  /** What is for no session in particular. */
  function workerFrame(id: number, message: Message): void {
    if (message.kind === 'cut') toAll(id, message);
    // A frame that cannot be read is the connection's end, not that of every session on it.
    if (message.kind === 'error' && message.code !== 'malformed') toAll(id, message);
  }

  function toAll(id: number | undefined, message: MessageOf<'cut'> | MessageOf<'error'>): void {
    if (message.kind === 'cut') sawWorldLine(message.worldLine);
    const alone = [message];
    for (const session of all()) session.frames(id, alone);
  }

  const sessionHost: SessionHost = {
    host,
    sending,
    worldLine: () => worldLine,
    send: workers.send,
    sendFinder: finder.send,
    connect: workers.connect,
    fetchCluster: finder.ask,
    freshMembership: finder.fresh,
    memberType: (id) => workers.peer(id)?.type ?? membership.members.get(id)?.type,
    removedGeneration: (id) => membership.removed.get(id),
    knownWorkers,
    log,
    flushSoon: flushes(host),
    forget: (session) => sessions.delete(session),
  };

  /** Nothing works any more, for this reason; without one, connecting took too long. */
  function end(reason: DprError | undefined): void {
    if (ended !== undefined) return;
    ended = reason ?? unreachable(options.cluster, finder.lastFailure());
    started.reject(ended);
    for (const session of all()) session.end(ended);
    finder.close();
    workers.close();
  }

  const cluster: Cluster = {
    get id() {
      if (clusterId === undefined) throw new Error('a cluster is handed out once it is connected');
      return clusterId;
    },
    workers: () =>
      [...membership.members.values()].map((member) => {
        const { id, generation, type, leaving } = member;
        return { id, generation, type, address: workerAddress(address, member), leaving };
      }),
    session(sessionOptions = {}) {
      checkOptions('session', sessionOptions, SESSION_RULES);
      if (ended !== undefined) throw ended;
      const engine = new Engine(sessionOptions, sessionHost);
      sessions.set(engine.id, engine);
      return sessionOf(engine);
    },
    close() {
      end(new ClosedError('the cluster was closed'));
      return Promise.resolve();
    },
  };
  return { cluster, ready: started.promise, end };
}
