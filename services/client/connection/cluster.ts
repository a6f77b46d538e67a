/** The cluster as one client sees it: the Finder, the members, a connection per worker, and the sessions that share them. */
import type { MessageOf } from '@dpr/protocol';
import { deferred } from '@dpr/runtime/deferred';
import type { Host } from '@dpr/runtime/host';
import { atTickEnd } from '@dpr/runtime/tick-end';
import { unlessAborted } from '../abort.ts';
import { addressText, checkToken, parseAddress } from './addresses.ts';
import { checkOptions } from '../check-options.ts';
import { Engine } from '../session/engine.ts';
import { ClosedError, refusedByWorker, unreachable, type DprError } from '../errors.ts';
import { openFinder } from './finder.ts';
import { isDefinite } from './link.ts';
import { describeMembers, membershipOf, NO_MEMBERSHIP, workersOf, type WorkerInfo } from './membership.ts';
import { CONNECT_RULES, SESSION_RULES, type ConnectOptions, type SessionOptions } from '../options.ts';
import { SENDING, type Sending } from '../session/retry-settings.ts';
import { sessionOf, type Session } from '../session/session.ts';
import type { SessionHost } from '../session/session-host.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { timeoutsOf, type Timeouts } from './timeouts.ts';
import { tracedConnect } from '../tracing.ts';
import { openWorkers, type WorkersOwner } from './workers.ts';

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
  options.signal?.throwIfAborted();
  return tracedConnect(options.cluster, () => connectTo(host, options, sending));
}

async function connectTo(host: Host, options: ConnectOptions, sending: Sending): Promise<Cluster> {
  const timeouts = timeoutsOf(options);
  const { connectTimeoutMs } = timeouts;
  const { cluster, ready, end } = openCluster(host, options, timeouts, sending);
  const late = host.setTimeout(() => end(undefined), connectTimeoutMs);
  try {
    await unlessAborted(ready, options.signal);
  } catch (error) {
    void cluster.close();
    throw error;
  } finally {
    host.clearTimeout(late);
  }
  return cluster;
}

function openCluster(host: Host, options: ConnectOptions, timeouts: Timeouts, sending: Sending) {
  const { timing, membershipPollMs } = timeouts;
  const { ca, log = () => undefined, awaitFinder = true } = options;
  const address = parseAddress(options.cluster);
  const token = checkToken(options.token ?? '');
  const started = deferred();
  let clusterId: string | undefined;
  let worldLine = 0;
  let membership = NO_MEMBERSHIP;
  let ended: DprError | undefined;

  const sessions = createSessions(sawWorldLine);
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
      behind: sessions.leastWorldLine,
      membership: takeMembership,
      frame: (message) => sessions.frameForAll(undefined, message),
      away(error) {
        if (!awaitFinder && clusterId === undefined && isDefinite(error)) end(error);
        else log({ level: 'warn', event: 'disconnected', message: error.message });
      },
      refused: end,
    },
  );
  const workers = openWorkers(
    { ...shared, finder: address, member: (id) => membership.members.get(id) },
    workersOwner({ sessions, log, sawWorldLine, astray: finder.ask, refusalTimeoutMs: timeouts.refusalTimeoutMs }),
  );

  function sawWorldLine(seen: number): void {
    worldLine = Math.max(worldLine, seen);
  }

  function takeMembership(message: MessageOf<'cluster'>): void {
    if (message.version !== membership.version) {
      membership = membershipOf(message);
      log({ level: 'info', event: 'membership', message: `the cluster has ${describeMembers(membership)}` });
      workers.membershipChanged();
      for (const session of sessions.all()) {
        for (const [id, generation] of membership.removed) session.removed(id, generation);
      }
    }
    started.resolve();
    for (const session of sessions.all()) session.membershipChanged();
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
    knownWorkers: () => describeMembers(membership),
    log,
    flushSoon: atTickEnd(host, (session) => session.flush()),
    forget: sessions.forget,
  };

  /** Nothing works any more, for this reason; without one, connecting took too long. */
  function end(reason: DprError | undefined): void {
    if (ended !== undefined) return;
    ended = reason ?? unreachable(options.cluster, finder.lastFailure());
    started.reject(ended);
    for (const session of sessions.all()) session.end(ended);
    finder.close();
    workers.close();
  }

  const cluster: Cluster = {
    get id() {
      if (clusterId === undefined) throw new Error('a cluster is handed out once it is connected');
      return clusterId;
    },
    workers: () => workersOf(membership, address),
    session(sessionOptions = {}) {
      checkOptions('session', sessionOptions, SESSION_RULES);
      if (ended !== undefined) throw ended;
      const engine = new Engine(sessionOptions, sessionHost);
      sessions.add(engine);
      return sessionOf(engine);
    },
    close() {
      end(new ClosedError('the cluster was closed'));
      return Promise.resolve();
    },
  };
  return { cluster, ready: started.promise, end };
}

interface WorkersOwnerParts {
  readonly sessions: Sessions;
  readonly log: NonNullable<ConnectOptions['log']>;
  readonly sawWorldLine: (worldLine: number) => void;
  readonly astray: () => void;
  /** After this long, ms, sessions are told that a worker refuses this client. */
  readonly refusalTimeoutMs: number;
}

/** Tells the sessions of what happens at the connections to workers. */
function workersOwner({ sessions, log, sawWorldLine, astray, refusalTimeoutMs }: WorkersOwnerParts): WorkersOwner {
  return {
    opened(id, peer, welcome) {
      sawWorldLine(welcome.worldLine);
      log({ level: 'info', event: 'connected', message: `connected to worker ${id}` });
      for (const session of sessions.all()) session.opened(id, peer);
    },
    frames: sessions.frames,
    closed(id, reason) {
      log({ level: 'warn', event: 'disconnected', message: `worker ${id}: ${reason}` });
      for (const session of sessions.all()) session.closed(id);
    },
    refused(id, error, forMs) {
      if (forMs === 0) log({ level: 'warn', event: 'disconnected', message: `worker ${id}: ${error.message}` });
      if (forMs < refusalTimeoutMs) return;
      for (const session of sessions.all()) session.workerRefused(id, refusedByWorker(id, forMs, error));
    },
    astray,
  };
}
