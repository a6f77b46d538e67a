/** The cluster as one client sees it: the Finder, the members, a connection per worker, and the sessions that share them. */
import type { Message, MessageOf } from '@dpr/protocol';
import { addressText, checkToken, parseAddress, workerAddress } from './addresses.ts';
import { deferred, unlessAborted } from './deferred.ts';
import { createEngine, type Engine, type OpenWorker, type Surroundings } from './engine.ts';
import { ClosedError, ConnectError, unreachable, type DprError } from './errors.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  MEMBERSHIP_POLL_MS,
  MEMBERSHIP_SPACING_MS,
  RECEIVE_TIMEOUT_MS,
} from './limits.ts';
import { isFinal, openLink, type Link } from './link.ts';
import { describeIds, membershipOf, NO_MEMBERSHIP, type WorkerInfo } from './membership.ts';
import type { ConnectOptions, LogEntry, SessionOptions } from './options.ts';
import { sessionOf, type Session } from './session.ts';

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

/** A connection to a worker that some session deals with. */
interface WorkerLink {
  readonly address: string;
  readonly link: Link;
  peer: OpenWorker | undefined;
}

/**
 * Connect to a cluster by the Finder's address alone; the Finder tells where the workers are. Connections that break are made
 * again, for as long as the cluster is not closed.
 *
 * @throws ConnectError when the Finder cannot be reached in time, UnauthorizedError or VersionMismatchError when it refuses
 * @example
 * const cluster = await connect({ cluster: 'ws://localhost:6379' });
 * const session = cluster.session();
 * console.log(await session.counter(0).add(300)); // completed
 * await session.commit(); // committed
 * await cluster.close();
 */
export async function connect(options: ConnectOptions): Promise<Cluster> {
  const { signal, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const { cluster, ready, end } = openCluster(options);
  const late = setTimeout(() => end(undefined), connectTimeoutMs);
  try {
    await unlessAborted(ready, signal);
  } catch (error) {
    void cluster.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
  return cluster;
}

function openCluster(options: ConnectOptions) {
  const { ca, log = () => undefined } = options;
  const finderUrl = parseAddress(options.cluster);
  const token = checkToken(options.token ?? '');
  const pollMs = options.membershipPollMs ?? MEMBERSHIP_POLL_MS;
  const timing = {
    attemptTimeoutMs: options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS,
    receiveTimeoutMs: options.receiveTimeoutMs ?? RECEIVE_TIMEOUT_MS,
  };
  const links = new Map<number, WorkerLink>();
  const sessions = new Map<string, Engine>();
  let clusterId: string | undefined;
  let worldLine = 0;
  let membership = NO_MEMBERSHIP;
  let ended: DprError | undefined;
  let lastFailure: DprError | undefined;

  let fetchTimer: NodeJS.Timeout | undefined;
  let fetchedAt = -Infinity;
  /** Who waits for an answer to a question asked from now on, and to the one that is under way. */
  const wantFresh: (() => void)[] = [];
  const awaitFresh: (() => void)[] = [];

  const greeting = () => ({ role: 'client', cluster: clusterId, token }) as const;
  const started = deferred();

  const finder = openLink(
    { address: addressText(finderUrl), ca, timing, greeting },
    {
      opened(welcome) {
        clusterId ??= welcome.cluster;
        note({ level: 'info', event: 'connected', message: `connected to the Finder at ${finderUrl.host}` });
        sawWorldLine(welcome.worldLine);
        fetchNow();
        return undefined;
      },
      frame: finderFrame,
      down(error) {
        wantFresh.push(...awaitFresh.splice(0));
        const isNews = lastFailure?.message !== error.message;
        lastFailure = error;
        if (isFinal(error)) end(error);
        else if (isNews) note({ level: 'warn', event: 'disconnected', message: error.message });
      },
    },
  );
  const poll = setInterval(fetchNow, pollMs);

  function note(entry: LogEntry): void {
    log(entry);
  }

  function sawWorldLine(seen: number): void {
    worldLine = Math.max(worldLine, seen);
  }

  // The membership

  function fetchNow(): void {
    clearTimeout(fetchTimer);
    fetchTimer = undefined;
    fetchedAt = performance.now();
    if (!finder.isOpen()) return;
    awaitFresh.push(...wantFresh.splice(0));
    finder.send({ kind: 'fetchCluster', known: membership.version });
    const behind = [...sessions.values()].filter((session) => session.needsFinder());
    if (behind.length === 0) return;
    finder.send({ kind: 'refresh', worldLine: Math.min(...behind.map((session) => session.worldLine())) });
  }

  function fetchSoon(): void {
    if (fetchTimer !== undefined || ended !== undefined) return;
    fetchTimer = setTimeout(fetchNow, Math.max(0, fetchedAt + MEMBERSHIP_SPACING_MS - performance.now()));
  }

  function finderFrame(message: Message): void {
    switch (message.kind) {
      case 'cluster':
        return takeMembership(message);
      case 'cut':
        sawWorldLine(message.worldLine);
        return toAll(undefined, message);
      case 'error':
        return toAll(undefined, message);
      default:
        return;
    }
  }

  function takeMembership(message: MessageOf<'cluster'>): void {
    if (message.version !== membership.version) {
      membership = membershipOf(message);
      note({ level: 'info', event: 'membership', message: `the cluster has ${knownWorkers()}` });
      for (const [id, { address }] of links) if (addressOf(id) !== address) dropLink(id);
      for (const session of [...sessions.values()]) {
        for (const [id, generation] of membership.removed) session.removed(id, generation);
      }
      for (const id of wanted) if (!links.has(id)) openWorker(id);
    }
    started.resolve();
    const answered = awaitFresh.splice(0);
    for (const resolve of answered) resolve();
    for (const session of [...sessions.values()]) session.membershipChanged();
  }

  function addressOf(id: number): string | undefined {
    const member = membership.members.get(id);
    return member === undefined ? undefined : workerAddress(finderUrl, member);
  }

  function knownWorkers(): string {
    return describeIds([...membership.members.keys()].sort((a, b) => a - b));
  }

  // Workers

  /** Workers that some session has dealt with. */
  const wanted = new Set<number>();

  function openWorker(id: number): void {
    const address = addressOf(id);
    if (address === undefined) return;
    const worker: WorkerLink = {
      address,
      peer: undefined,
      link: openLink(
        { address, ca, timing, greeting },
        {
          opened: (welcome) => workerOpened(id, welcome),
          frame: (message) => workerFrame(id, message),
          down: (error) => workerDown(id, error),
        },
      ),
    };
    links.set(id, worker);
  }

  function workerOpened(id: number, welcome: MessageOf<'welcome'>): DprError | undefined {
    const worker = links.get(id);
    const peer = welcome.worker;
    const wantedGeneration = membership.members.get(id)?.generation ?? 0;
    if (peer?.id !== id || peer.generation < wantedGeneration || worker === undefined) {
      const found = peer === undefined ? 'no worker' : `worker ${peer.id} of generation ${peer.generation}`;
      return new ConnectError(
        `${worker?.address ?? 'the peer'} is ${found}, not worker ${id} of generation ${wantedGeneration}`,
      );
    }
    worker.peer = { generation: peer.generation, type: peer.type };
    sawWorldLine(welcome.worldLine);
    note({ level: 'info', event: 'connected', message: `connected to worker ${id} at ${worker.address}` });
    for (const session of [...sessions.values()]) session.opened(id, worker.peer);
    return undefined;
  }

  function workerFrame(id: number, message: Message): void {
    switch (message.kind) {
      case 'reply':
      case 'tableAnswer':
        return sessions.get(message.session)?.frame(id, message);
      case 'cut':
        sawWorldLine(message.worldLine);
        return toAll(id, message);
      case 'error':
        if (message.session !== undefined) return sessions.get(message.session)?.frame(id, message);
        // A frame that cannot be read is the connection's end, not that of every session on it.
        return message.code === 'malformed' ? undefined : toAll(id, message);
      default:
        return;
    }
  }

  function workerDown(id: number, error: DprError): void {
    const worker = links.get(id);
    if (worker?.peer !== undefined) {
      worker.peer = undefined;
      note({ level: 'warn', event: 'disconnected', message: `worker ${id}: ${error.message}` });
      for (const session of [...sessions.values()]) session.closed(id);
    }
    fetchSoon();
  }

  function dropLink(id: number): void {
    const worker = links.get(id);
    links.delete(id);
    worker?.link.close();
    if (worker?.peer === undefined) return;
    for (const session of [...sessions.values()]) session.closed(id);
  }

  function toAll(id: number | undefined, message: Message): void {
    for (const session of [...sessions.values()]) session.frame(id, message);
  }

  const around: Surroundings = {
    worldLine: () => worldLine,
    send: (worker, message) => links.get(worker)?.link.send(message),
    sendFinder: (message) => finder.send(message),
    connect(worker) {
      wanted.add(worker);
      if (!links.has(worker)) openWorker(worker);
      return links.get(worker)?.peer;
    },
    fetchCluster: fetchSoon,
    freshMembership: () =>
      new Promise((resolve) => {
        wantFresh.push(resolve);
        fetchSoon();
      }),
    memberType: (worker) => links.get(worker)?.peer?.type ?? membership.members.get(worker)?.type,
    isRemoved: (worker) => membership.removed.has(worker),
    knownWorkers,
    log: note,
    forget: (session) => sessions.delete(session),
  };

  /** Nothing works any more, for this reason; without one, connecting took too long. */
  function end(reason: DprError | undefined): void {
    if (ended !== undefined) return;
    ended = reason ?? unreachable(options.cluster, lastFailure);
    clearInterval(poll);
    clearTimeout(fetchTimer);
    finder.close();
    for (const { link } of links.values()) link.close();
    links.clear();
    started.reject(ended);
    for (const session of [...sessions.values()]) session.end(ended);
    for (const resolve of [...wantFresh.splice(0), ...awaitFresh.splice(0)]) resolve();
  }

  const cluster: Cluster = {
    get id() {
      if (clusterId === undefined) throw new Error('a cluster is handed out once it is connected');
      return clusterId;
    },
    workers: () =>
      [...membership.members.values()].map((member) => {
        const { id, generation, type, leaving } = member;
        return { id, generation, type, address: workerAddress(finderUrl, member), leaving };
      }),
    session(sessionOptions = {}) {
      if (ended !== undefined) throw ended;
      const engine = createEngine(sessionOptions, around);
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
