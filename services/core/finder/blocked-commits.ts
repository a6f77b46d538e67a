/**
 * What keeps checkpoints from the cut. Dependencies are what clients claim: one may name a version in which its owner never executed
 * anything, and which no checkpoint would ever reach. So the Finder asks the owner of what others wait for to make a checkpoint, and
 * tells of what is not committed for long.
 */
import { durableOf, log, send, type Finder } from './state.ts';

/** Dependencies that are not met in two looks are asked for: those of a cluster that is well are met before. */
const LOOK_MS = 250;
/** The Finder logs a worker of which nothing was committed for so long, though it has durable checkpoints. */
const BLOCKED_MS = 10_000;
/** Workers that one line of the log names. */
const MAX_NAMED = 16;

export function createWaits(): Finder['waits'] {
  return { lookedAt: -Infinity, wanted: new Map(), stuck: new Map(), impossible: new Set() };
}

/** When there is something to look at; Infinity while there is nothing. */
export function lookAt({ graph, waits }: Finder): number {
  return graph.size === 0 && waits.stuck.size === 0 ? Infinity : waits.lookedAt + LOOK_MS;
}

/** Ask for versions that others wait for, and log workers that wait for long. */
export function look(finder: Finder): void {
  if (finder.now < lookAt(finder)) return;
  const { waits } = finder;
  waits.lookedAt = finder.now;
  for (const [owner, version] of waits.wanted) {
    if (version > durableOf(finder, owner)) askFor(finder, owner, version, false);
  }
  waits.wanted = wantedNow(finder);
  tellBlocked(finder);
}

/** Owner to the largest version that others depend on, and that no checkpoint of it reaches. */
function wantedNow(finder: Finder): Map<number, number> {
  const wanted = new Map<number, number>();
  for (const chain of finder.graph.values()) {
    for (const { dependencies } of chain) {
      for (const [owner, version] of dependencies) {
        if (version <= (wanted.get(owner) ?? 0) || version <= durableOf(finder, owner)) continue;
        wanted.set(owner, version);
      }
    }
  }
  return wanted;
}

/** Have the owner make a checkpoint at or above `version`; one that is away is asked once it is back. */
export function askFor(finder: Finder, owner: number, version: number, urgent: boolean): void {
  const connection = finder.bound.get(owner);
  if (connection === undefined) return;
  send(finder, connection, { kind: 'seal', worldLine: finder.record.worldLine, version, urgent });
}

function tellBlocked(finder: Finder): void {
  const { graph, record, now } = finder;
  const { stuck } = finder.waits;
  const goOn: number[] = [];
  const blocked: number[] = [];
  for (const [worker, { isTold }] of stuck) {
    if (stuck.get(worker)?.cut === (record.cut.get(worker) ?? 0) && graph.has(worker)) continue;
    if (isTold) goOn.push(worker);
    stuck.delete(worker);
  }
  for (const worker of graph.keys()) {
    const known = stuck.get(worker);
    if (known === undefined) stuck.set(worker, { cut: record.cut.get(worker) ?? 0, since: now, isTold: false });
    else if (!known.isTold && now >= known.since + BLOCKED_MS) {
      known.isTold = true;
      blocked.push(worker);
    }
  }
  const [first] = blocked;
  if (first !== undefined) {
    const waitsFor = holdUp(finder, first);
    log(finder, 'blocked', {
      workers: blocked.slice(0, MAX_NAMED),
      count: blocked.length,
      forMs: BLOCKED_MS,
      waitsFor,
    });
  }
  if (goOn.length > 0) log(finder, 'commitsAgain', { workers: goOn.slice(0, MAX_NAMED), count: goOn.length });
}

/** Workers of which nothing was committed for long. */
export function blockedWorkers({ waits }: Finder): Set<number> {
  return new Set([...waits.stuck].flatMap(([worker, { isTold }]) => (isTold ? [worker] : [])));
}

/** Which worker a leaving one waits for, in words. */
export function waitsFor(finder: Finder, id: number): string {
  if (!finder.bound.has(id)) {
    return `worker ${id} itself, which is away; if it cannot come back, remove it by force, which loses what it did not commit`;
  }
  return holdUp(finder, id);
}

/** What the worker's checkpoints wait for, in words. */
export function holdUp(finder: Finder, id: number): string {
  const { cut } = finder.record;
  const visited = new Set<number>();
  const open = [id];
  for (let owner = open.pop(); owner !== undefined; owner = open.pop()) {
    if (visited.has(owner)) continue;
    visited.add(owner);
    for (const checkpoint of finder.graph.get(owner) ?? []) {
      for (const [other, version] of checkpoint.dependencies) {
        if (version > durableOf(finder, other)) return missing(finder, other, version);
        if (version > (cut.get(other) ?? 0)) open.push(other);
      }
    }
  }
  return `the last checkpoints of worker ${id}`;
}

function missing(finder: Finder, worker: number, version: number): string {
  const text = `worker ${worker}, whose version ${version} is not durable yet`;
  return finder.bound.has(worker) ? text : `${text}, and which is away`;
}
