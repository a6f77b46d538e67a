/** What workers report: their graphs, checkpoint by checkpoint, and the cut that follows from them. */
import type { CheckpointInfo, MessageOf, Versions } from '@dpr/protocol';
import { append } from '../arrays.ts';
import { advanceCut, type GraphCheckpoint } from '../cut.ts';
import { decisionsAfter } from '../world-lines.ts';
import { bind } from './bindings.ts';
import { sendWhenDurable } from './held-answers.ts';
import { heard, refuseAll } from './record-settling.ts';
import {
  change,
  durableOf,
  errorOf,
  log,
  noteReached,
  ownCut,
  send,
  sendError,
  setChain,
  type Exposed,
  type Finder,
  type Peer,
} from './state.ts';
import { askFor } from './blocked-commits.ts';

/**
 * The part of `listed` that may enter the graph: of the present world-line, above the cut, each naming its predecessor without
 * a gap. What a worker lists of an earlier world-line is either covered by the cut or was rolled back.
 */
export function chainOf(finder: Finder, id: number, listed: readonly CheckpointInfo[]): GraphCheckpoint[] {
  const { cut, worldLine } = finder.record;
  const chain: GraphCheckpoint[] = [];
  const covered = cut.get(id) ?? 0;
  let last = covered;
  for (const { version, predecessor, dependencies, worldLine: written } of listed) {
    if (version <= covered || written !== worldLine) continue;
    if (version <= last || (chain.length === 0 ? predecessor > covered : predecessor !== last)) break;
    chain.push({ version, predecessor, dependencies: possible(finder, id, dependencies) });
    last = version;
  }
  return chain;
}

/**
 * A client may claim to depend on what never was and never can be: a worker executes only once its registration is durable, and all
 * that a removed one executed in this world-line is in the cut. Such a dependency is met.
 */
function possible(finder: Finder, worker: number, dependencies: Versions): Versions {
  const { members, cut } = finder.record;
  let kept: Map<number, number> | undefined;
  for (const [owner, version] of dependencies) {
    if ((members.get(owner)?.registered ?? 0) > 0 || version <= (cut.get(owner) ?? 0)) continue;
    kept ??= new Map(dependencies);
    kept.delete(owner);
    const { impossible } = finder.waits;
    if (impossible.has(owner)) continue;
    impossible.add(owner);
    const reason = `a client claims to depend on version ${version} of worker ${owner}, which never was`;
    log(finder, 'impossibleDependency', { worker, owner, version, reason });
  }
  return kept ?? dependencies;
}

/** The worker left, and the cut has all that it executed: what else others claim to depend on never was. */
export function forgetOwner(finder: Finder, owner: number): void {
  for (const [worker, chain] of finder.graph) {
    const rest = chain.map((checkpoint) => {
      const dependencies = possible(finder, worker, checkpoint.dependencies);
      return dependencies === checkpoint.dependencies ? checkpoint : { ...checkpoint, dependencies };
    });
    finder.graph.set(worker, rest);
  }
  finder.waits.wanted.delete(owner);
  finder.graphChanged = true;
}

/** RESENDGRAPH: from here on, this connection speaks for the worker. */
export function listGraph(
  finder: Finder,
  connection: number,
  peer: Peer,
  exposed: Exposed,
  message: MessageOf<'graph'>,
): void {
  const { worker, generation, incarnation, worldLine } = message;
  const member = finder.record.members.get(worker);
  if (member?.generation !== generation) {
    const removed = (finder.record.tombstones.get(worker)?.generation ?? 0) >= generation;
    if (removed) return sendWhenDurable(finder, connection, { kind: 'left' });
    return sendError(
      finder,
      connection,
      'unknownWorker',
      `worker ${worker} of generation ${generation} is not a member`,
    );
  }
  if (member.registered !== incarnation || member.claimed !== incarnation) {
    const fenced = errorOf('fenced', `incarnation ${member.claimed} of worker ${worker} took over`);
    return sendWhenDurable(finder, connection, fenced);
  }
  // It greeted with the stamp of the record that told it of this world-line: that this one does not include it was not seen there.
  if (worldLine > exposed.record.worldLine) {
    return refuseAll(finder, `worker ${worker} is in world-line ${worldLine}`);
  }
  heard(finder, worker);
  bind(finder, connection, peer, worker, incarnation);
  const missing = decisionsAfter(exposed.record.decisions, worldLine, exposed.record.worldLine);
  if (missing === undefined) {
    const oldest = exposed.record.decisions[0]?.worldLine ?? exposed.record.worldLine;
    const text = `worker ${worker} missed more rollbacks than are remembered; restart it`;
    return sendError(finder, connection, 'historyLost', text, oldest);
  }
  send(finder, connection, { ...ownCut(exposed, worker), decisions: missing });
  for (const { version } of message.checkpoints) noteReached(finder, version);
  if (worldLine === finder.record.worldLine) {
    setChain(finder, worker, chainOf(finder, worker, message.checkpoints));
    finder.graphChanged = true;
    peer.resent = true;
  }
  if (member.leaving) sendWhenDurable(finder, connection, { kind: 'leave' });
}

/** NEWCHECKPOINT. Anything but the next one of the registered incarnation, in the present world-line, changes nothing. */
export function takeCheckpoint(finder: Finder, connection: number, peer: Peer, message: MessageOf<'checkpoint'>): void {
  const id = peer.worker;
  const member = id === undefined ? undefined : finder.record.members.get(id);
  if (id === undefined || member?.registered !== peer.incarnation || member?.claimed !== peer.incarnation) return;
  if (!peer.resent || message.worldLine !== finder.record.worldLine) return;
  const chain = finder.graph.get(id) ?? [];
  const covered = finder.record.cut.get(id) ?? 0;
  const last = chain.at(-1)?.version ?? covered;
  if (message.version > last) {
    const { version, predecessor, dependencies } = message;
    if (chain.length === 0 ? predecessor > covered : predecessor !== last) {
      log(finder, 'protocolError', { worker: id, version, predecessor, last });
      peer.resent = false;
      finder.effects.push({ kind: 'close', connection });
      return;
    }
    chain.push({ version, predecessor, dependencies: possible(finder, id, dependencies), reportedAt: finder.now });
    noteReached(finder, version);
    finder.graph.set(id, chain);
    finder.graphChanged = true;
  }
  if (message.urgent) urge(finder, id, message.version);
}

/** A client waits for this checkpoint: ask the owners of dependencies that are not durable yet to seal, transitively. */
function urge(finder: Finder, worker: number, version: number): void {
  finder.urgent = true;
  const seen = new Map<number, number>();
  const asked = new Map<number, number>();
  const open: [number, number][] = [[worker, version]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [owner, upTo] = next;
    const from = seen.get(owner) ?? finder.record.cut.get(owner) ?? 0;
    if (upTo <= from) continue;
    seen.set(owner, upTo);
    const chain = finder.graph.get(owner) ?? [];
    for (const checkpoint of chain) {
      if (checkpoint.version > from && checkpoint.version <= upTo) append(open, checkpoint.dependencies);
    }
    if (durableOf(finder, owner) < upTo) asked.set(owner, upTo);
  }
  for (const [owner, upTo] of asked) askFor(finder, owner, upTo, true);
}

/** A leaving worker has nothing left that is not durable. */
export function drained(finder: Finder, peer: Peer, version: number): void {
  const member = peer.worker === undefined ? undefined : finder.record.members.get(peer.worker);
  if (!member?.leaving || !peer.resent) return;
  peer.drained = version;
  finder.graphChanged = true;
}

/** Extend the record's cut to the greatest closed one, and forget the checkpoints that it covers. */
export function takeInCut(finder: Finder): void {
  if (!finder.graphChanged) return;
  finder.graphChanged = false;
  const advanced = advanceCut(finder.graph, finder.record.cut);
  if (advanced.size === 0) return;
  const cut = new Map(finder.record.cut);
  for (const [worker, version] of advanced) {
    cut.set(worker, version);
    const chain = finder.graph.get(worker) ?? [];
    const covered = chain.findIndex((checkpoint) => checkpoint.version > version);
    noteDurable(finder, worker, chain.at(covered < 0 ? -1 : covered - 1));
    if (covered < 0) finder.graph.delete(worker);
    else chain.splice(0, covered);
  }
  change(finder, { cut });
}

/** The checkpoint that the cut now has of a worker leaves the graph: what remains of it is since when it is durable. */
function noteDurable({ durableAt }: Finder, worker: number, checkpoint: GraphCheckpoint | undefined): void {
  if (checkpoint?.reportedAt === undefined) durableAt.delete(worker);
  else durableAt.set(worker, checkpoint.reportedAt);
}
