/** NEWWORKER in its two steps, DELETEWORKER, and the rollback that either may need. */
import { MAX_KEPT_GENERATIONS, MAX_WORKER_ID, type Decision, type MessageOf, type Versions } from '@dpr/protocol';
import { pruneDecisions, survivingVersion } from '../world-lines.ts';
import { sendWhenDurable, whenDurable } from './held-answers.ts';
import { beginning, holdsSeed, removalOf, type Refusal } from './earlier-generations.ts';
import { unbind } from './bindings.ts';
import { keepEvent } from './kept-events.ts';
import { lostOperations } from './lost-operations.ts';
import { heard } from './record-settling.ts';
import type { MemberRecord, Seed } from './record.ts';
import { chainOf, forgetOwner, takeInCut } from './reports.ts';
import {
  change,
  changeMember,
  errorOf,
  log,
  noteReached,
  restartsOf,
  sendError,
  setChain,
  type Finder,
} from './state.ts';

type Claim = MessageOf<'claim'>;
type Register = MessageOf<'register'>;

/** First step: check the volume, then fence every earlier incarnation. A volume that is refused fences no process. */
export function claim(finder: Finder, connection: number, message: Claim): void {
  const { worker: id, boot } = message;
  heard(finder, id);
  const entry = letIn(finder, message);
  if ('code' in entry) return refuse(finder, connection, id, entry);
  const { member } = entry;
  const peer = finder.peers.get(connection);
  delete peer?.undecided;
  if (member.boot !== boot) {
    const incarnation = member.claimed + 1;
    changeMember(finder, id, { ...member, claimed: incarnation, boot });
    log(finder, 'claimed', { worker: id, generation: member.generation, incarnation });
    fence(finder, id, incarnation);
    keepListed(finder, message);
  }
  const claimed = finder.record.members.get(id)?.claimed ?? 0;
  const { generation, base, seed } = member;
  const isUsed = seed === undefined || (finder.record.cut.get(id) ?? 0) > base;
  sendWhenDurable(finder, connection, {
    kind: 'claimed',
    cluster: finder.record.cluster,
    generation,
    incarnation: claimed,
    seed: isUsed ? undefined : { ...seed, base },
  });
}

function refuse(finder: Finder, connection: number, id: number, { code, text, detail }: Refusal): void {
  if (code !== 'surveyAgain') log(finder, 'refused', { worker: id, reason: text });
  const message = errorOf(code, text, detail);
  if (code === 'stateUnsaid') whenDurable(finder, { kind: 'undecided', connection, worker: id, message });
  else sendWhenDurable(finder, connection, message);
}

/** The member that this volume may go on as, or begin; or why it must not join. */
function letIn(finder: Finder, message: Claim): { readonly member: MemberRecord } | Refusal {
  const text = refuseVolume(finder, message);
  if (text !== undefined) return { code: 'volumeRefused', text };
  const known = finder.record.members.get(message.worker);
  if (known !== undefined) return { member: known };
  const begins = beginning(finder.record, message);
  return 'code' in begins ? begins : { member: newMember(finder, message.worker, begins.seed) };
}

/** Why this volume must not join, in words for an administrator; undefined if it may. */
function refuseVolume(finder: Finder, message: Claim): string | undefined {
  const { worker: id, generation, checkpoints } = message;
  const { members, tombstones, cut, decisions } = finder.record;
  const member = members.get(id);
  const newest = member?.generation ?? tombstones.get(id)?.generation ?? 0;
  if (generation > newest) {
    return `the volume of worker ${id} is of generation ${generation}, and the Finder knows only ${newest}: the Finder's volume is not the one that this worker served under. Bring back the Finder's newest volume`;
  }
  if (member === undefined) {
    if (id > MAX_WORKER_ID) return `worker ids go up to ${MAX_WORKER_ID}`;
    const { maxWorkers } = finder.config;
    return members.size >= maxWorkers ? `the cluster has ${maxWorkers} workers, which is the limit` : undefined;
  }
  const committed = cut.get(id) ?? 0;
  if (committed <= member.base) {
    if (holdsSeed(finder.record, message, member)) return undefined;
    return `worker ${id} is to begin with what generation ${member.seed?.generation ?? 0} held, and its volume has that no more: bring back the right volume, or remove the worker, and add it again`;
  }
  const holds =
    generation === member.generation &&
    checkpoints.some(
      ({ worldLine, version }) => version === committed && version <= survivingVersion(decisions, id, worldLine),
    );
  if (holds) return undefined;
  return `version ${committed} of worker ${id} is committed, and its volume does not hold that checkpoint: the volume was lost, damaged, swapped, or restored from too old a copy. Bring back the right volume, or remove the worker by force (dpr remove-worker ${id} --force), which loses its state, and add it again`;
}

function newMember(finder: Finder, id: number, seed: Seed | undefined): MemberRecord {
  const tombstone = finder.record.tombstones.get(id);
  const incarnation = tombstone?.incarnation ?? 0;
  const base = tombstone?.version ?? 0;
  return {
    generation: (tombstone?.generation ?? 0) + 1,
    base,
    seed,
    restartsFrom: incarnation + 1,
    type: '',
    host: '',
    port: 0,
    claimed: incarnation,
    registered: 0,
    boot: '',
    answer: { worldLine: 0, base },
    leaving: false,
  };
}

/** Tell the incarnation that was bound to the id to stop; nothing of it is accepted from now on. */
function fence(finder: Finder, id: number, incarnation: number): void {
  const connection = finder.bound.get(id);
  if (connection === undefined) return;
  unbind(finder, id);
  const peer = finder.peers.get(connection);
  if (peer) peer.resent = false;
  log(finder, 'fenced', { worker: id, by: incarnation });
  const message = errorOf('fenced', `incarnation ${incarnation} of worker ${id} took over`, incarnation);
  sendWhenDurable(finder, connection, message);
}

/**
 * From here on the cut counts on this volume: what its predecessor reported and this volume does not hold must not be committed.
 * What the volume holds beyond its survey comes back with the registration.
 */
function keepListed(finder: Finder, { worker: id, checkpoints }: Claim): void {
  const chain = finder.graph.get(id) ?? [];
  const missing = chain.findIndex(({ version }) => !checkpoints.some((listed) => listed.version === version));
  if (missing >= 0) setChain(finder, id, chain.slice(0, missing));
}

/** Second step: take in what the volume holds, decide a rollback if work may have been lost, and tell what to restore. */
export function register(finder: Finder, connection: number, message: Register, hasWaited = false): void {
  const { worker: id, incarnation, boot } = message;
  heard(finder, id);
  const member = finder.record.members.get(id);
  if (member?.claimed !== incarnation || member.boot !== boot) {
    const refusal = errorOf('fenced', `another process of worker ${id} claimed it`, member?.claimed ?? 0);
    return sendWhenDurable(finder, connection, refusal);
  }
  if (member.registered === incarnation) {
    return whenDurable(finder, { kind: 'registered', connection, worker: id, incarnation });
  }
  if (!hasWaited && mayHaveLost(finder, id, member, message) && othersMayClaimSoon(finder, id)) {
    if (!finder.pending.some((one) => one.connection === connection)) {
      finder.pending.push({ connection, message, deadline: finder.now + finder.config.decisionGraceMs });
    }
    return;
  }
  join(finder, connection, message, member);
}

/** Go on with the registrations whose wait is over, in the order in which they came. */
export function retryPending(finder: Finder): void {
  for (let index = 0; index < finder.pending.length;) {
    const one = finder.pending[index];
    if (one === undefined) return;
    const { connection, message, deadline } = one;
    const member = finder.record.members.get(message.worker);
    const open = finder.peers.has(connection);
    // One that another process fenced, or that was answered on another connection meanwhile, waits for nothing.
    const waits =
      member?.claimed === message.incarnation &&
      member.registered !== message.incarnation &&
      finder.now < deadline &&
      othersMayClaimSoon(finder, message.worker) &&
      mayHaveLost(finder, message.worker, member, message);
    if (open && waits) {
      index++;
      continue;
    }
    finder.pending.splice(index, 1);
    if (open) register(finder, connection, message, true);
  }
}

/** Another worker is away and has not claimed since: if it does, before the decision, one rollback serves both. */
function othersMayClaimSoon(finder: Finder, id: number): boolean {
  for (const [other, member] of finder.record.members) {
    if (other !== id && member.registered > 0 && member.claimed === member.registered && !finder.bound.has(other))
      return true;
  }
  return false;
}

/**
 * May an earlier incarnation have executed, in the present world-line, something that its volume does not hold? Not if none
 * was entitled to this world-line and registered, and not if the last one that registered left a clean-shutdown marker which
 * names the newest checkpoint, and all checkpoints up to it are there.
 */
function mayHaveLost(finder: Finder, id: number, member: MemberRecord, message: Register): boolean {
  const entitled = finder.record.decisions.at(-1)?.entitled.get(id) ?? 0;
  if (member.registered === 0 || member.registered < entitled) return false;
  const { clean, checkpoints } = message;
  const newest = checkpoints.reduce((version, checkpoint) => Math.max(version, checkpoint.version), member.base);
  if (clean?.incarnation !== member.registered || clean.version !== newest) return true;
  if (clean.worldLine !== finder.record.worldLine) return false;
  const covered = finder.record.cut.get(id) ?? 0;
  const reached = chainOf(finder, id, checkpoints).at(-1)?.version ?? covered;
  return reached < clean.version;
}

function join(finder: Finder, connection: number, message: Register, member: MemberRecord): void {
  const { worker: id, incarnation, type, host, port } = message;
  const lost = mayHaveLost(finder, id, member, message);
  const chain = chainOf(finder, id, message.checkpoints);
  for (const { version } of message.checkpoints) noteReached(finder, version);
  setChain(finder, id, chain);
  finder.graphChanged = true;
  if (lost) decide(finder, { worker: id, reason: 'a worker restarted without a clean shutdown' });
  const { record } = finder;
  const covered = record.cut.get(id) ?? 0;
  const cleanHere = !lost && message.clean?.worldLine === record.worldLine;
  const base = cleanHere ? Math.max(covered, chain.at(-1)?.version ?? covered) : covered;
  const wasClean = !lost && member.registered > 0 && message.clean?.incarnation === member.registered;
  // Without a rollback and without a marker no incarnation executed here in this world-line: what lies above the cut is dead.
  if (!cleanHere) finder.graph.delete(id);
  const joined: MemberRecord = {
    ...member,
    type,
    host,
    port,
    registered: incarnation,
    restartsFrom: member.restartsFrom + (wasClean ? 1 : 0),
    answer: { worldLine: record.worldLine, base },
  };
  changeMember(finder, id, joined);
  change(finder, { membership: record.membership + 1 });
  log(finder, 'registered', { worker: id, generation: member.generation, incarnation, base, clean: !lost });
  finder.progress.delete(id);
  const restarts = restartsOf(joined);
  keepEvent(finder, member.registered === 0 ? 'joined' : 'restarted', id, { type, restarts });
  whenDurable(finder, { kind: 'registered', connection, worker: id, incarnation });
}

/** Start a new world-line at the cut. `without` leaves the cluster with it. */
function decide(finder: Finder, why: { readonly worker: number; readonly reason: string }, without?: number): void {
  takeInCut(finder);
  const { record } = finder;
  const worldLine = record.worldLine + 1;
  const prefix: Versions = record.cut;
  const entitled = new Map<number, number>();
  for (const [id, member] of record.members) if (id !== without) entitled.set(id, member.claimed);
  const decision: Decision = { worldLine, prefix, entitled };
  change(finder, { worldLine, decisions: pruneDecisions([...record.decisions, decision], finder.config.maxDecisions) });
  finder.graph.clear();
  finder.waits.wanted = new Map();
  for (const peer of finder.peers.values()) {
    peer.resent = false;
    delete peer.drained;
  }
  log(finder, 'rollback', { worldLine, ...why });
  const operations = lostOperations(finder);
  keepEvent(finder, 'rolledBack', why.worker, { forced: without !== undefined, operations });
  finder.progress.clear();
}

/** DELETEWORKER: durable intent first; by force it is a failure like any other. */
export function deleteWorker(finder: Finder, connection: number, message: MessageOf<'deleteWorker'>): void {
  const { worker: id, generation, force } = message;
  const member = finder.record.members.get(id);
  const gone = (finder.record.tombstones.get(id)?.generation ?? 0) >= Math.max(generation, 1);
  if (member === undefined || (generation > 0 && generation < member.generation)) {
    if (!gone) return sendError(finder, connection, 'unknownWorker', `no worker has the id ${id}`);
    const left = { kind: 'deleteAnswer', worker: id, state: 'left', waitingFor: '' } as const;
    return sendWhenDurable(finder, connection, left);
  }
  if (generation > member.generation) {
    const text = `worker ${id} is of generation ${member.generation}, not ${generation}`;
    return sendError(finder, connection, 'wrongGeneration', text, member.generation);
  }
  if (force) {
    if (member.registered > 0) decide(finder, { worker: id, reason: 'a worker was removed by force' }, id);
    remove(finder, id, member, true);
  } else if (!member.leaving) {
    changeMember(finder, id, { ...member, leaving: true });
    change(finder, { membership: finder.record.membership + 1 });
    log(finder, 'leaving', { worker: id, generation: member.generation });
    keepEvent(finder, 'leaving', id);
    whenDurable(finder, { kind: 'leave', worker: id });
  }
  whenDurable(finder, { kind: 'deleted', connection, worker: id, generation: member.generation });
}

/** Members that were asked to leave, have drained, and are covered by the cut are members no more. */
export function settleLeaving(finder: Finder): void {
  for (const [id, member] of finder.record.members) {
    if (!member.leaving) continue;
    if (member.registered === 0) {
      remove(finder, id, member);
      continue;
    }
    const bound = finder.bound.get(id);
    const peer = bound === undefined ? undefined : finder.peers.get(bound);
    if (peer?.drained !== undefined && peer.drained <= (finder.record.cut.get(id) ?? 0)) remove(finder, id, member);
  }
}

/** What remains is a tombstone; the id keeps its entry in every later cut. */
function remove(finder: Finder, id: number, member: MemberRecord, forced = false): void {
  const { record } = finder;
  const members = new Map(record.members);
  members.delete(id);
  const version = record.cut.get(id) ?? member.base;
  const earlier = record.tombstones.get(id)?.removals ?? [];
  const removals = [...earlier, removalOf(member, version)].slice(-MAX_KEPT_GENERATIONS);
  const tombstone = { generation: member.generation, version, incarnation: member.claimed, removals };
  change(finder, {
    members,
    tombstones: new Map(record.tombstones).set(id, tombstone),
    membership: record.membership + 1,
  });
  finder.graph.delete(id);
  finder.committedAt.delete(id);
  finder.durableAt.delete(id);
  forgetOwner(finder, id);
  finder.progress.delete(id);
  finder.kept.away.delete(id);
  log(finder, 'left', { worker: id, generation: member.generation, version });
  keepEvent(finder, 'left', id, { forced });
  const connection = finder.bound.get(id);
  finder.bound.delete(id);
  if (connection !== undefined) sendWhenDurable(finder, connection, { kind: 'left' });
}
