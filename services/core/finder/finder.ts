/**
 * The Finder as a pure state machine: `step(finder, event, now)` changes the state and returns what to do about it. It knows no
 * sockets, files or clock; production and the simulator surround it with theirs.
 *
 * Two rules are structure here, not discipline. Everything sent to a peer comes from `exposed`, the last durable record, or
 * waits in `held` for the write that makes it so. And the record is replaced as a whole, so that a prefix is always at least
 * every cut in any write already issued.
 */
import {
  MAX_DECISIONS,
  MAX_FINDER_STARTS,
  MAX_HELD_ANSWERS,
  MAX_WORKERS,
  PROTOCOL_VERSION,
  type Message,
  type Stamp,
} from '@dpr/protocol';
import { decisionsAfter } from '../world-lines.ts';
import { close, drop } from './bindings.ts';
import { giveHeld } from './held-answers.ts';
import { createKeptEvents, eventsAnswer, keepStart } from './kept-events.ts';
import { takeProgress } from './lost-operations.ts';
import { claim, deleteWorker, register, retryPending, settleLeaving } from './membership.ts';
import { awaitMembers, isNewer, refuseAll, settle } from './record-settling.ts';
import { drained, listGraph, takeCheckpoint, takeInCut } from './reports.ts';
import type { FinderRecord } from './record.ts';
import {
  change,
  log,
  noteReached,
  ownCut,
  reachedNow,
  send,
  sendError,
  type Exposed,
  type Finder,
  type FinderConfig,
  type FinderEffect,
  type FinderEvent,
  type Peer,
} from './state.ts';
import { noteCommits, noteSilence, statusAnswer } from './status.ts';
import { createWaits, look, lookAt } from './blocked-commits.ts';

export const FINDER_DEFAULTS = {
  writeSpacingMs: 5,
  decisionGraceMs: 100,
  // Twice the longest pause between a worker's attempts to connect.
  settleGraceMs: 2_000,
  maxWorkers: MAX_WORKERS,
  maxDecisions: MAX_DECISIONS,
  maxStarts: MAX_FINDER_STARTS,
  maxHeld: MAX_HELD_ANSWERS,
} as const satisfies Partial<FinderConfig>;

/** What each entry of the cut adds to the time between two writes, ms: bounds the bytes that are written in a second. */
const WRITE_SPACING_PER_WORKER_MS = 0.005;

const UNLOADED: FinderRecord = {
  cluster: '',
  counter: 0,
  starts: [],
  worldLine: 1,
  membership: 1,
  members: new Map(),
  tombstones: new Map(),
  decisions: [],
  cut: new Map(),
};

export function createFinder(config: FinderConfig): Finder {
  return {
    config,
    record: UNLOADED,
    phase: 'loading',
    unheard: new Set(),
    settleBy: Infinity,
    refusal: '',
    exposed: undefined,
    ownMembers: undefined,
    dirty: false,
    writing: undefined,
    lastWriteAt: -Infinity,
    held: [],
    urgent: false,
    graphChanged: false,
    graph: new Map(),
    committedAt: new Map(),
    durableAt: new Map(),
    commitMs: undefined,
    reached: 0,
    reachedTold: 0,
    reachedToldAt: -Infinity,
    waits: createWaits(),
    kept: createKeptEvents(),
    progress: new Map(),
    peers: new Map(),
    bound: new Map(),
    pending: [],
    effects: [],
    now: 0,
  };
}

/**
 * Let one event happen at `now` (monotonic milliseconds).
 * @returns what to do, in order; messages may be encoded at once and sent as they are.
 */
export function stepFinder(finder: Finder, event: FinderEvent, now: number): FinderEffect[] {
  finder.now = now;
  finder.effects = [];
  handle(finder, event);
  if (finder.phase === 'settling') settle(finder);
  if (finder.phase === 'starting' || finder.phase === 'serving') {
    retryPending(finder);
    write(finder);
    look(finder);
  }
  return finder.effects;
}

/** When the Finder wants a `wake` event, in the time of `stepFinder`; Infinity if nothing is due. */
export function finderWakeAt(finder: Finder): number {
  if (finder.phase === 'settling') return finder.settleBy;
  if (finder.phase === 'refusing') return Infinity;
  const writeAt =
    finder.writing === undefined && (finder.dirty || finder.graphChanged) ? nextWriteAt(finder) : Infinity;
  return finder.pending.reduce((at, { deadline }) => Math.min(at, deadline), Math.min(writeAt, lookAt(finder)));
}

function handle(finder: Finder, event: FinderEvent): void {
  switch (event.kind) {
    case 'loaded':
      return load(finder, event.record, event.start, event.cluster);
    case 'written':
      return written(finder, event.counter);
    case 'opened':
      return open(
        finder,
        event.connection,
        { role: event.role, resent: false, subscribed: false, silentSince: Infinity },
        event.cluster,
        event.stamp,
      );
    case 'closed':
      return close(finder, event.connection);
    case 'silence':
      return noteSilence(finder, event.connection, event.forMs);
    case 'frame':
      return frame(finder, event.connection, event.message);
    case 'wake':
      return;
  }
}

/**
 * A record that was only read may never have reached the disk: it is written again before anything of it is exposed. As it is, if members
 * may know better; this start enters it once it has settled.
 */
function load(finder: Finder, record: FinderRecord | undefined, start: string, cluster: string): void {
  finder.record = record ?? { ...UNLOADED, cluster };
  finder.phase = 'starting';
  keepStart(finder);
  for (const [id, { registered }] of finder.record.members) if (registered > 0) finder.unheard.add(id);
  for (const version of finder.record.cut.values()) noteReached(finder, version);
  if (finder.unheard.size > 0) issue(finder);
  change(finder, {
    starts: [...finder.record.starts, { start, counter: finder.record.counter + 1 }].slice(-finder.config.maxStarts),
  });
}

function written(finder: Finder, counter: number): void {
  const record = finder.writing;
  if (record?.counter !== counter)
    throw new Error(`record ${counter} was written, but ${record?.counter ?? 'none'} was issued`);
  const before = finder.exposed;
  finder.writing = undefined;
  finder.exposed = expose(record, before);
  if (finder.phase === 'starting') {
    finder.phase = finder.unheard.size > 0 ? 'settling' : 'serving';
    finder.effects.push({ kind: 'serving', cluster: record.cluster, worldLine: record.worldLine });
  }
  giveHeld(finder, counter);
  if (before !== undefined) noteCommits(finder, before, finder.exposed);
  announce(finder, before, finder.exposed);
}

function expose(record: FinderRecord, before: Exposed | undefined): Exposed {
  const cluster =
    before?.record.membership === record.membership
      ? before.cluster
      : {
          kind: 'cluster' as const,
          cluster: record.cluster,
          version: record.membership,
          members: [...record.members]
            .filter(([, member]) => member.registered > 0)
            .map(([id, { generation, type, host, port, leaving }]) => ({ id, generation, type, host, port, leaving })),
          removed: [...record.tombstones]
            .filter(([id]) => (record.members.get(id)?.registered ?? 0) === 0)
            .map(([id, { generation }]) => ({ id, generation })),
        };
  const own = record.starts.at(-1);
  if (own === undefined) throw new Error('a record names the start that wrote it');
  const stamp = { start: own.start, counter: record.counter };
  return {
    record,
    cluster,
    cut: { kind: 'cut', stamp, worldLine: record.worldLine, decisions: [], cut: record.cut },
  };
}

/**
 * Push what changed: to all workers the decisions made since, or to each its own entry of the cut; to watching operators the
 * whole cut and the membership. A worker has no use for the entries of others, and the decisions name them as of now.
 */
function announce(finder: Finder, before: Exposed | undefined, after: Exposed): void {
  const { cut, worldLine, decisions } = after.record;
  const watching = [...finder.peers].filter(([, peer]) => peer.subscribed).map(([connection]) => connection);
  const since = before?.record.worldLine ?? worldLine;
  const missing = decisions.filter((decision) => decision.worldLine > since);
  if (missing.length > 0) {
    const message = { ...after.cut, decisions: missing, cut: new Map() };
    finder.effects.push({ kind: 'broadcast', connections: [...finder.bound.values()], message });
  } else if (before?.record.cut !== cut) {
    for (const [id, connection] of finder.bound) {
      if (before?.record.cut.get(id) !== cut.get(id)) send(finder, connection, ownCut(after, id));
    }
  }
  if (missing.length > 0 || before?.record.cut !== cut) {
    finder.effects.push({ kind: 'broadcast', connections: watching, message: { ...after.cut, decisions: missing } });
  }
  if (before?.cluster !== after.cluster) {
    finder.effects.push({ kind: 'broadcast', connections: watching, message: after.cluster });
  }
}

/** A write costs what the record is long, and is made for every worker: the more there are, the more of them share one. */
function nextWriteAt({ config, record, lastWriteAt }: Finder): number {
  return lastWriteAt + Math.max(config.writeSpacingMs, record.cut.size * WRITE_SPACING_PER_WORKER_MS);
}

/** Issue the next write, if something changed, none is in flight, and its time has come. */
function write(finder: Finder): void {
  if (finder.writing !== undefined || !(finder.dirty || finder.graphChanged)) return;
  if (!finder.dirty && !finder.urgent && finder.now < nextWriteAt(finder)) return;
  takeInCut(finder);
  settleLeaving(finder);
  finder.urgent = false;
  if (!finder.dirty) return;
  finder.record = { ...finder.record, counter: finder.record.counter + 1 };
  finder.dirty = false;
  issue(finder);
}

function issue(finder: Finder): void {
  finder.ownMembers = undefined;
  finder.writing = finder.record;
  finder.lastWriteAt = finder.now;
  finder.effects.push({ kind: 'write', counter: finder.record.counter, record: finder.record });
}

function open(
  finder: Finder,
  connection: number,
  peer: Peer,
  cluster: string | undefined,
  stamp: Stamp | undefined,
): void {
  finder.peers.set(connection, peer);
  const exposed = finder.exposed;
  if (exposed === undefined || finder.phase === 'refusing') {
    const refused = finder.phase === 'refusing';
    sendError(
      finder,
      connection,
      refused ? 'staleFinder' : 'notServing',
      refused ? finder.refusal : 'the Finder is starting',
    );
    return drop(finder, connection);
  }
  const own = exposed.record.cluster;
  if (cluster !== undefined && cluster !== own) {
    const text = `this Finder serves cluster ${own}, and the peer belongs to cluster ${cluster}. If the Finder's volume was emptied or swapped, put the right one back; if the peer's was, the same`;
    log(finder, 'refused', { connection, reason: text });
    sendError(finder, connection, 'wrongCluster', text);
    return drop(finder, connection);
  }
  if (stamp !== undefined && peer.role === 'worker' && isNewer(finder, stamp)) {
    return refuseAll(finder, `a worker has seen record ${stamp.counter} of this Finder's start ${stamp.start}`);
  }
  if (peer.role !== 'client') awaitMembers(finder);
  send(finder, connection, {
    kind: 'welcome',
    protocol: PROTOCOL_VERSION,
    cluster: own,
    worldLine: exposed.record.worldLine,
    controlPort: finder.config.controlPort,
    worker: undefined,
  });
}

/** Which frames each role may send. */
const ALLOWED: Readonly<Record<Peer['role'], readonly Message['kind'][]>> = {
  client: ['refresh', 'fetchCluster'],
  worker: [
    'refresh',
    'fetchCluster',
    'claim',
    'register',
    'checkpoint',
    'graph',
    'progress',
    'drained',
    'fetchReached',
  ],
  operator: ['refresh', 'fetchCluster', 'deleteWorker', 'status', 'subscribe', 'events'],
};

/** What is answered once the change that it asks for is durable. */
const CHANGES: readonly Message['kind'][] = ['claim', 'register', 'deleteWorker'];

function frame(finder: Finder, connection: number, message: Message): void {
  const peer = finder.peers.get(connection);
  const exposed = finder.exposed;
  if (peer === undefined || exposed === undefined || finder.phase === 'refusing') return;
  if (!ALLOWED[peer.role].includes(message.kind)) {
    sendError(finder, connection, 'unauthorized', `a ${peer.role} may not send '${message.kind}' to the Finder here`);
    return drop(finder, connection);
  }
  if (finder.held.length >= finder.config.maxHeld && CHANGES.includes(message.kind)) {
    sendError(finder, connection, 'notServing', 'too many answers wait for the disk, or for members to come back');
    return drop(finder, connection);
  }
  switch (message.kind) {
    case 'refresh':
      return refresh(finder, connection, exposed, message.worldLine);
    case 'fetchCluster': {
      const { cluster } = exposed;
      return send(
        finder,
        connection,
        message.known === cluster.version ? { ...cluster, members: [], removed: [] } : cluster,
      );
    }
    case 'claim':
      return claim(finder, connection, message);
    case 'register':
      return register(finder, connection, message);
    case 'graph':
      return listGraph(finder, connection, peer, exposed, message);
    case 'checkpoint':
      return takeCheckpoint(finder, connection, peer, message);
    case 'progress':
      return takeProgress(finder, peer, message);
    case 'fetchReached':
      return send(finder, connection, { kind: 'reached', version: reachedNow(finder) });
    case 'drained':
      return drained(finder, peer, message.version);
    case 'deleteWorker':
      return deleteWorker(finder, connection, message);
    case 'status':
      return send(finder, connection, statusAnswer(finder, exposed));
    case 'events':
      return send(finder, connection, eventsAnswer(finder, exposed, message.after));
    case 'subscribe':
      peer.subscribed = true;
      send(finder, connection, exposed.cluster);
      return send(finder, connection, exposed.cut);
    default:
      throw new Error(`'${message.kind}' is allowed and not handled`);
  }
}

function refresh(finder: Finder, connection: number, exposed: Exposed, since: number): void {
  const { decisions, worldLine } = exposed.record;
  const missing = decisionsAfter(decisions, since, worldLine);
  if (since <= worldLine && missing === undefined) {
    const oldest = decisions[0]?.worldLine ?? worldLine;
    sendError(finder, connection, 'historyLost', `decisions before world-line ${oldest} are forgotten`, oldest);
    return;
  }
  send(finder, connection, { ...exposed.cut, decisions: missing ?? [] });
}
