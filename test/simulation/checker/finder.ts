/** What the Finder says: cuts, decisions, membership. Nothing of it may be taken back. */
import type { FinderRecord, Worker } from '../../../services/core/index.ts';
import type { Decision, ErrorCode, Message, MessageOf, Stamp, Versions } from '../../../services/protocol/index.ts';
import type { Speaker } from '../finder-actor.ts';
import { durableRecord, SLOTS } from '../on-disk.ts';
import { parseCallName } from '../operations.ts';
import { inWords } from '../world.ts';
import { checkEvents } from './kept-events.ts';
import { checkRestarts } from './restarts.ts';
import { callOf, nameOf, sessionOf, violated, workerOf, type Truth } from './truth.ts';

/** What a Finder with an old record may say: nothing that depends on a change. */
const OLD_NEWS: readonly Message['kind'][] = [
  'welcome',
  'cut',
  'cluster',
  'statusAnswer',
  'eventsAnswer',
  'seal',
  'reached',
];
const OLD_ERRORS: readonly ErrorCode[] = ['historyLost', 'unknownWorker'];

export function checkFinder(truth: Truth) {
  const { worldOf, figures, workers, decisions, exposed, removedIds } = truth;
  const memberships = new Map<number, string>();
  let lastCut: Versions | undefined;
  let issued: FinderRecord | undefined;
  const restarts = checkRestarts(truth);

  /** Does the Finder have an old copy of its disk? Then what it writes there counts for nothing. */
  function isOld(): boolean {
    return worldOf().finder.rightDisk !== undefined;
  }

  /** The Finder begins to write. */
  function recordIssued(record: FinderRecord): void {
    if (isOld()) return;
    issued = record;
  }

  /** The Finder takes its last record for durable: is it? */
  function recordWritten(counter: number, bytes: Buffer): void {
    if (isOld()) return;
    if (issued?.counter !== counter) return violated(2, `record ${counter} was not issued last`);
    const { disk } = worldOf().finder;
    if (!SLOTS.some((name) => disk.durable(name)?.includes(bytes) === true)) {
      violated(2, `record ${counter} is taken for durable, and a loss of power would take it back`);
    }
    isDurable(issued);
  }

  function isDurable(record: FinderRecord): void {
    takeMembers(record);
    truth.record = record;
    for (const decision of record.decisions) if (decision.worldLine > truth.exposedWorldLine) decided(decision);
  }

  /** Who began, and with what; and how far those were committed that are members no more. */
  function takeMembers({ members, tombstones, cut }: FinderRecord): void {
    for (const [id, { generation, seed }] of members) {
      const own = ofWorker(truth.begun, id);
      if (!own.has(generation)) own.set(generation, seed?.generation ?? 0);
    }
    for (const [id, { generation }] of tombstones) {
      const own = ofWorker(truth.removedAt, id);
      if (!own.has(generation)) own.set(generation, cut.get(id) ?? 0);
    }
  }

  /** The generation of the worker in the last durable record, 0 if it is no member. */
  function generationOf(id: number): number {
    return truth.record?.members.get(id)?.generation ?? 0;
  }

  /** Is the Finder's table full, and the worker not in it? */
  function hasNoRoomFor(id: number): boolean {
    const members = truth.record?.members;
    return members !== undefined && !members.has(id) && members.size >= worldOf().options.maxWorkers;
  }

  /** Is it the incarnation that the Finder takes reports from? */
  function isRegistered({ config, incarnation }: Worker): boolean {
    const member = truth.record?.members.get(config.id);
    return member?.registered === incarnation && member.claimed === incarnation;
  }

  function finderLoaded(record: FinderRecord | undefined): void {
    if (isOld()) return;
    const durable = truth.record?.counter ?? 0;
    const found = record?.counter ?? 0;
    if (found < durable) violated(2, `the Finder starts with record ${found}, and ${durable} was durable`);
    // The record may be readable and not durable: it counts only once it was written again.
    restarts.loaded(record);
  }

  function finderLog(event: string, details: Readonly<Record<string, unknown>>): void {
    if (!isOld()) restarts.logged(event, details); // from an old record it comes to nothing
  }

  /** The Finder says that its record is not the newest. */
  function finderRefuses(reason: string): void {
    if (!isOld()) violated(12, `the Finder refuses to serve: ${reason}`);
    worldOf().reached('Finder refuses its old record');
  }

  /** All that the Finder says is exposed: nothing of it may be lost. `isShown`: if its record is old, it can tell by now. */
  function finderSays(message: Message, to: Speaker | undefined, isShown: boolean): void {
    if (isOld()) return oldFinderSays(message, isShown);
    if (to) workerTold(message, to);
    switch (message.kind) {
      case 'cut':
      case 'registered':
        checkStamp(message.stamp);
        for (const decision of message.decisions) decided(decision);
        return cutSaid(message);
      case 'cluster':
        return membershipExposed(message);
      case 'eventsAnswer':
        return checkEvents(truth, message);
      default:
    }
  }

  /** What tells a worker whether it goes on or not is durable, too. */
  function workerTold({ kind }: Message, { worker, generation, incarnation }: Speaker): void {
    const member = truth.record?.members.get(worker);
    if (kind === 'left' && member?.generation === generation)
      violated(14, `worker ${worker} is told that it was removed, and is a member`);
    if (kind === 'registered' && member?.claimed !== incarnation)
      violated(9, `worker ${worker} goes on as incarnation ${member?.claimed ?? 0}, and ${incarnation} is told to`);
  }

  /** From an old record nothing is told but what the right one includes. */
  function oldFinderSays(message: Message, isShown: boolean): void {
    const isRefusal = message.kind === 'error' && (message.code === 'staleFinder' || message.code === 'notServing');
    const mayBeSaid =
      isRefusal ||
      (!isShown && (message.kind === 'error' ? OLD_ERRORS.includes(message.code) : OLD_NEWS.includes(message.kind)));
    if (!mayBeSaid) violated(2, `the Finder has an old record, and says ${inWords({ ...message })}`);
    if (message.kind === 'cut' || message.kind === 'statusAnswer') {
      if (!isInRightRecord(message.stamp)) {
        const { start, counter } = message.stamp;
        violated(2, `record ${counter} of start ${start} is told, which the right record does not include`);
      }
      toldFromOldRecord(message.worldLine);
      worldOf().reached('an old record is told of before it is known to be old');
    }
  }

  /** The one that the Finder gets back: a process that died may have made it durable, and not have heard of that any more. */
  function isInRightRecord({ start, counter }: Stamp): boolean {
    const { rightDisk } = worldOf().finder;
    const starts = (rightDisk && durableRecord(rightDisk))?.starts ?? [];
    const next = starts.find((one) => one.counter > counter);
    const isForgotten = next !== undefined && next === starts[0];
    return isForgotten || starts.findLast((one) => one.counter <= counter)?.start === start;
  }

  /** What the right Finder had durable, and told no peer when it died, may be told from here first: from then on it must not be lost. */
  function toldFromOldRecord(worldLine: number): void {
    const found = worldOf().finder.process?.found;
    if (found === undefined) return;
    if (found.counter > (truth.record?.counter ?? 0)) {
      worldOf().reached('an old record is told of before the right one was');
      isDurable(found);
    }
    if ([...found.cut].some(([id, version]) => version > (exposed.get(id) ?? 0))) cutExposed(worldLine, found.cut);
  }

  function checkStamp(stamp: Stamp): void {
    const durableCounter = truth.record?.counter ?? 0;
    if (stamp.counter > durableCounter) violated(7, `record ${stamp.counter} is exposed, ${durableCounter} is durable`);
  }

  function decided(decision: Decision): void {
    const known = decisions.get(decision.worldLine);
    if (known === decision) return;
    if (known !== undefined) {
      const same = sameVersions(known.prefix, decision.prefix) && sameVersions(known.entitled, decision.entitled);
      if (!same) violated(7, `world-line ${decision.worldLine} has two decisions`);
      return;
    }
    const kept = truth.record?.decisions ?? [];
    if (!kept.includes(decision)) violated(7, `world-line ${decision.worldLine} is told of before it is durable`);
    // Only decisions that were forgotten before the first one who could hear of them may be missing.
    if (decision.worldLine !== truth.exposedWorldLine + 1 && kept[0] !== decision) {
      violated(7, `world-line ${decision.worldLine} follows ${truth.exposedWorldLine}`);
    }
    checkCut(decision.prefix, `the prefix of world-line ${decision.worldLine}`);
    decisions.set(decision.worldLine, decision);
    truth.exposedWorldLine = decision.worldLine;
    figures.decisions++;
    for (const [id, own] of workers) {
      const prefix = decision.prefix.get(id) ?? 0;
      for (const token of own.open) {
        if (token.version <= prefix) violated(1, `${nameOf(token)} is in the prefix and was not in the cut`);
        token.deadSince = decision.worldLine;
        for (const { name } of token.executions) {
          const { session, call } = parseCallName(name);
          if (callOf(sessionOf(truth, session), call).isCommitted) {
            violated(3, `call ${call} of session ${session} was reported committed and is rolled back`);
          }
        }
      }
      own.open = [];
    }
    worldOf().note('truth', () => `world-line ${decision.worldLine} at ${showVersions(decision.prefix)}`);
  }

  /** Most messages name one worker only. What one names comes from the record; and that record's whole cut is exposed by it. */
  function cutSaid({ worldLine, cut }: MessageOf<'cut' | 'registered'>): void {
    const whole = truth.record?.cut ?? new Map<number, number>();
    for (const [id, version] of cut) {
      const durable = whole.get(id) ?? 0;
      if (version !== durable)
        violated(2, `a cut names ${version} for worker ${id}, and the durable record ${durable}`);
    }
    cutExposed(worldLine, whole);
  }

  function cutExposed(worldLine: number, cut: Versions): void {
    if (cut === lastCut) return;
    if (worldLine !== truth.exposedWorldLine)
      violated(7, `a cut of world-line ${worldLine} comes after ${truth.exposedWorldLine}`);
    checkCut(cut, `the cut of world-line ${worldLine}`);
    lastCut = cut;
    worldOf().note('truth', () => `cut ${showVersions(cut)} of world-line ${worldLine}`);
  }

  /** Closed, durable, and nothing that was exposed before shrinks. */
  function checkCut(cut: Versions, what: string): void {
    figures.cuts++;
    for (const [id, version] of exposed) {
      if ((cut.get(id) ?? 0) < version)
        violated(2, `${what} names ${cut.get(id) ?? 0} for worker ${id} after ${version}`);
    }
    for (const [id, version] of cut) {
      if (version <= (exposed.get(id) ?? 0)) continue;
      if (!workerOf(truth, id).durable.has(version)) {
        violated(1, `version ${version} of worker ${id} in ${what} is not durable`);
      }
    }
    for (const [id, own] of workers) {
      const upTo = cut.get(id) ?? 0;
      if (upTo <= (exposed.get(id) ?? 0)) continue;
      const covered = own.open.filter((token) => token.version <= upTo);
      if (covered.at(-1)?.version !== upTo)
        violated(1, `nothing executed in version ${upTo} of worker ${id}, and ${what} names it`);
      for (const token of covered) {
        if (!token.sealed) violated(1, `${nameOf(token)} is in ${what} before its seal`);
        for (const [owner, version] of token.dependencies) {
          if (version > (cut.get(owner) ?? 0)) {
            violated(1, `${nameOf(token)} is in ${what} without version ${version} of worker ${owner}`);
          }
        }
      }
      own.open = own.open.filter((token) => token.version > upTo);
    }
    for (const [id, version] of cut) exposed.set(id, version);
  }

  function membershipExposed(message: MessageOf<'cluster'>): void {
    if (message.members.length === 0 && message.removed.length === 0) return;
    const text = JSON.stringify([message.members, message.removed]);
    const known = memberships.get(message.version);
    if (known !== undefined && known !== text) violated(14, `membership ${message.version} has two contents`);
    memberships.set(message.version, text);
    for (const id of truth.record?.tombstones.keys() ?? []) {
      const isBack = (truth.record?.members.get(id)?.registered ?? 0) > 0;
      if (isBack === message.removed.some((one) => one.id === id))
        violated(14, `worker ${id} was removed${isBack ? ' and is back' : ''}, and the membership says otherwise`);
    }
    for (const { id, generation } of message.removed) removedIds.set(id, generation);
    for (const { id, port } of message.members) {
      removedIds.delete(id);
      if (port !== 6380 + id) violated(14, `worker ${id} is said to be at port ${port}`);
    }
  }

  /** What the cut does not cover yet, in words; undefined when it covers everything that survives, told to a client or not. */
  function uncovered(): string | undefined {
    for (const [id, own] of workers) {
      const covered = truth.record?.cut.get(id) ?? 0;
      const token = own.open.find(({ version, isEmpty }) => version > covered && !isEmpty);
      if (token !== undefined) return `the cut does not cover ${nameOf(token)}`;
    }
    return undefined;
  }

  return {
    recordIssued,
    recordWritten,
    generationOf,
    hasNoRoomFor,
    isRegistered,
    finderLoaded,
    finderLog,
    finderRefuses,
    finderSays,
    uncovered,
  };
}

function ofWorker<T>(map: Map<number, Map<number, T>>, id: number): Map<number, T> {
  const own = map.get(id) ?? new Map<number, T>();
  map.set(id, own);
  return own;
}

function sameVersions(a: Versions, b: Versions): boolean {
  return a.size === b.size && [...a].every(([worker, version]) => b.get(worker) === version);
}

function showVersions(versions: Versions): string {
  return [...versions].map(([worker, version]) => `${worker}:${version}`).join(' ');
}
