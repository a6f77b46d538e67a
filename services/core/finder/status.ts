/** What is shown of the Finder: to operators by STATUS, and by its process in probes and metrics. */
import { MAX_UNDECIDED, type MemberStatus, type MessageOf, type Versions } from '@dpr/protocol';
import type { MemberRecord } from './record.ts';
import { keepEvent } from './kept-events.ts';
import { durableOf, log, restartsOf, type Exposed, type Finder } from './state.ts';
import { blockedWorkers, holdUp, waitsFor } from './blocked-commits.ts';

export interface FinderStatus {
  /** A record is durable: peers are told what it holds. */
  readonly hasRecord: boolean;
  /** Why it serves no peer any more; empty while it does. */
  readonly refusal: string;
  /** The world-line and the members of the last durable record; 0 before there is one. */
  readonly worldLine: number;
  readonly members: number;
  /** Members that are connected and have listed their graph. */
  readonly connected: number;
  /** And those of them that do not answer. */
  readonly silent: number;
  /** Members of which nothing was committed for long, though they have durable checkpoints. */
  readonly blocked: number;
  /** Checkpoints reported and not covered by the cut. */
  readonly uncommitted: number;
}

export function finderStatus(finder: Finder): FinderStatus {
  const { refusal, exposed, bound, graph } = finder;
  let silent = 0;
  for (const connection of bound.values()) {
    if ((finder.peers.get(connection)?.silentSince ?? Infinity) < Infinity) silent++;
  }
  let uncommitted = 0;
  for (const chain of graph.values()) uncommitted += chain.length;
  return {
    hasRecord: exposed !== undefined,
    refusal,
    worldLine: exposed?.record.worldLine ?? 0,
    members: exposed?.record.members.size ?? 0,
    connected: bound.size,
    silent,
    blocked: blockedWorkers(finder).size,
    uncommitted,
  };
}

/** The cut that is announced; undefined before a record is durable. Another cut is another object. */
export function announcedCut({ exposed }: Finder): Versions | undefined {
  return exposed?.record.cut;
}

/** From the report of a checkpoint until this cut was announced, of what it added the longest, ms; undefined: that is not known. */
export function announcedAfterMs({ commitMs }: Finder): number | undefined {
  return commitMs;
}

/** Workers whose hold-up is looked for, at one time: others wait for the same, most likely. */
const MAX_EXPLAINED = 64;

export function statusAnswer(finder: Finder, exposed: Exposed): MessageOf<'statusAnswer'> {
  const { cluster, worldLine, membership, members, tombstones } = exposed.record;
  const blocked = new Map([...blockedWorkers(finder)].map((id, place) => [id, explain(finder, id, place)]));
  return {
    kind: 'statusAnswer',
    cluster,
    stamp: exposed.cut.stamp,
    worldLine,
    membership,
    members: [...members].map(([id, member]) => memberStatus(finder, exposed, id, member, blocked.get(id) ?? '')),
    removed: [...tombstones.keys()].filter((id) => !members.has(id)).length,
    undecided: [...finder.peers.values()].flatMap(({ undecided }) => undecided ?? []).slice(0, MAX_UNDECIDED),
  };
}

function explain(finder: Finder, id: number, place: number): string {
  return place < MAX_EXPLAINED ? holdUp(finder, id) : 'what others wait for, too';
}

function memberStatus(
  finder: Finder,
  exposed: Exposed,
  id: number,
  member: MemberRecord,
  blockedBy: string,
): MemberStatus {
  const bound = finder.bound.get(id);
  const peer = bound === undefined ? undefined : finder.peers.get(bound);
  const progress = peer?.progress;
  const silentMs = Math.max(0, finder.now - (peer?.silentSince ?? Infinity));
  const committed = exposed.record.cut.get(id) ?? 0;
  const durable = Math.max(durableOf(finder, id), committed);
  const lagOperations = Math.max(0, (progress?.operations ?? 0) - (progress?.committedOperations ?? 0));
  const { generation, type, host, port, registered, claimed, leaving } = member;
  return {
    id,
    generation,
    incarnation: claimed,
    type,
    host,
    port,
    state: silentMs > 0 ? 'silent' : stateOf(peer !== undefined, claimed > registered, leaving),
    waitingFor: leaving ? waitsFor(finder, id) : '',
    blockedBy,
    executed: Math.max(progress?.version ?? 0, durable),
    durable,
    committed,
    allCommitted: progress !== undefined && silentMs === 0 && lagOperations === 0 && durable === committed,
    committedAgoMs: agoOf(finder, finder.committedAt.get(id)),
    durableAgoMs: agoOf(finder, newestReportedAt(finder, id)),
    lagOperations,
    lagMs: progress?.lagMs ?? 0,
    restarts: restartsOf(member),
    silentMs: Math.floor(silentMs),
  };
}

function agoOf({ now }: Finder, at: number | undefined): number | undefined {
  return at === undefined ? undefined : Math.floor(now - at);
}

/** When the worker's newest durable checkpoint was reported; undefined while that is not known. */
function newestReportedAt({ graph, durableAt }: Finder, id: number): number | undefined {
  const newest = graph.get(id)?.at(-1);
  return newest === undefined ? durableAt.get(id) : newest.reportedAt;
}

/**
 * Another cut may be told from now on. A version is as old as the moment at which the worker began to execute in it, so only this tells
 * since when something is committed.
 */
export function noteCommits(finder: Finder, before: Exposed, after: Exposed): void {
  const [old, cut] = [before.record.cut, after.record.cut];
  if (old === cut) return;
  let oldest = Infinity;
  for (const [id, version] of cut) {
    if (version === old.get(id) || !finder.record.members.has(id)) continue;
    finder.committedAt.set(id, finder.now);
    oldest = Math.min(oldest, finder.durableAt.get(id) ?? Infinity);
  }
  finder.commitMs = oldest === Infinity ? undefined : finder.now - oldest;
}

/** Nothing is done about a worker that is silent: it may go on at any moment, and until its connection breaks no process takes its place. */
export function noteSilence(finder: Finder, connection: number, forMs: number): void {
  const peer = finder.peers.get(connection);
  if (peer === undefined) return;
  const { worker, silentSince } = peer;
  peer.silentSince = forMs > 0 ? finder.now - forMs : Infinity;
  if (worker === undefined || finder.bound.get(worker) !== connection) return;
  if (forMs > 0) {
    log(finder, 'silent', { worker, forMs, holdsUp: `nothing that depends on worker ${worker} commits` });
    keepEvent(finder, 'silent', worker, { forMs: Math.round(forMs) });
  } else {
    const afterMs = Math.round(finder.now - silentSince);
    log(finder, 'answersAgain', { worker, afterMs });
    keepEvent(finder, 'answersAgain', worker, { forMs: afterMs });
  }
}

function stateOf(bound: boolean, claiming: boolean, leaving: boolean): MemberStatus['state'] {
  if (!bound && !claiming) return 'away'; // also one that is to leave, which it cannot do by itself then
  if (leaving) return 'leaving';
  return bound ? 'serving' : 'joining';
}
