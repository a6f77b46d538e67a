/**
 * Is the record the newest one? An older copy of the volume looks the same: only workers can tell, by what they saw. So a Finder that
 * starts first *settles*. Until each member was heard of, it tells what its record held when it was read, and nothing else leaves it: what
 * was asked of it is worked out in memory, and neither written nor answered. If a worker shows that the record is old, nothing was
 * changed, and no peer saw anything that the newest record does not include.
 */
import type { Stamp } from '@dpr/protocol';
import { drop } from './bindings.ts';
import { keepAway } from './kept-events.ts';
import { log, sendError, type Finder } from './state.ts';

/**
 * Did a worker see a record that this one does not descend from? Each start of the Finder that settled is named at random, and the
 * record remembers which counter each later one began with: what an earlier start exposed at or past that counter is not in it.
 */
export function isNewer(finder: Finder, stamp: Stamp): boolean {
  const { starts, counter } = finder.record;
  const place = starts.findIndex(({ start }) => start === stamp.start);
  if (place < 0) return stamp.counter >= (starts[0]?.counter ?? 0);
  const next = starts[place + 1];
  return stamp.counter >= (next?.counter ?? counter + 1);
}

/** The worker has told what it saw, by the stamp that it greeted with, and this Finder includes it. */
export function heard(finder: Finder, worker: number): void {
  finder.unheard.delete(worker);
}

/** Members that are away are not waited for much longer than those that are there take to come. */
export function awaitMembers(finder: Finder): void {
  finder.settleBy = Math.min(finder.settleBy, finder.now + finder.config.settleGraceMs);
}

/** From here on the record changes, and what leaves the Finder is of its own start. */
export function settle(finder: Finder): void {
  if (finder.unheard.size > 0 && finder.now < finder.settleBy) return;
  finder.phase = 'serving';
  if (finder.unheard.size > 0) {
    const workers = [...finder.unheard];
    log(finder, 'unheard', {
      workers,
      reason: `workers that are away are waited for no longer: ${workers.join(', ')}`,
    });
    for (const worker of workers) keepAway(finder, worker);
  }
  finder.unheard.clear();
}

/** A worker knows more than the record: serve no peer any more. @param evidence what shows that */
export function refuseAll(finder: Finder, evidence: string): void {
  const { effects, peers } = finder;
  finder.refusal = `${evidence}, and the record on its volume does not include that: the volume lost writes or an older one was restored. Bring back the newest volume of the Finder; ${whatChanged(finder)}`;
  finder.phase = 'refusing';
  effects.push({ kind: 'refusing', reason: finder.refusal });
  for (const connection of peers.keys()) {
    sendError(finder, connection, 'staleFinder', finder.refusal);
    drop(finder, connection);
  }
}

/** Workers that this text names; their number is what one can do something about. */
const MAX_NAMED = 16;

function whatChanged({ phase, bound }: Finder): string {
  if (phase === 'settling') return 'nothing was changed';
  const ids = [...bound.keys()].slice(0, MAX_NAMED).join(', ');
  return `this one was in use before that was known, by workers ${ids || 'that are away now'}. If the newest one is refused because of such a worker, stop that worker, restart the Finder, remove the worker by force (dpr remove-worker ID --force), and start it with an empty volume`;
}
