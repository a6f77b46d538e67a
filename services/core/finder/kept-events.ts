/**
 * What happened in the cluster, for operators who ask later: the newest events of this process, in memory alone. Each is told once all that
 * the record held when it happened is durable. So no peer hears of a rollback or a removal that a crash of the Finder takes back.
 */
import { MAX_KEPT_EVENTS, type MessageOf, type PastEvent } from '@dpr/protocol';
import { counterOf, type Exposed, type Finder } from './state.ts';

/** What some kinds of events say beyond the worker. */
type Details = Pick<PastEvent, 'type' | 'restarts' | 'forced' | 'forMs' | 'operations'>;

const NO_DETAILS: Details = { type: '', restarts: 0, forced: false, forMs: 0, operations: 0 };

export function createKeptEvents(): Finder['kept'] {
  return { last: 0, events: [], away: new Set() };
}

/** Keep that this happens to a worker now, when the record is changed already. The oldest event gives way. */
export function keepEvent(
  finder: Finder,
  kind: Exclude<PastEvent['kind'], 'finderStarted'>,
  worker: number,
  details: Partial<Details> = {},
): void {
  const { members, tombstones } = finder.record;
  const generation = (members.get(worker) ?? tombstones.get(worker))?.generation ?? 0;
  keep(finder, { kind, worker, generation, ...details });
}

export function keepStart(finder: Finder): void {
  keep(finder, { kind: 'finderStarted', worker: 0, generation: 0 });
}

function keep(finder: Finder, event: Pick<PastEvent, 'kind' | 'worker' | 'generation'> & Partial<Details>): void {
  const { kept, now, record } = finder;
  const told = { ...NO_DETAILS, ...event, number: ++kept.last, worldLine: record.worldLine };
  kept.events.push({ at: now, counter: counterOf(finder), told });
  if (kept.events.length > MAX_KEPT_EVENTS) kept.events.shift();
}

/** No connection speaks for the member any more. */
export function keepAway(finder: Finder, worker: number): void {
  finder.kept.away.add(worker);
  keepEvent(finder, 'away', worker);
}

/** A connection speaks for the member. */
export function keepBack(finder: Finder, worker: number): void {
  if (finder.kept.away.delete(worker)) keepEvent(finder, 'back', worker);
}

/** @param after the number of the newest event that the operator knows */
export function eventsAnswer(
  { kept, record, now }: Finder,
  exposed: Exposed,
  after: number,
): MessageOf<'eventsAnswer'> {
  const start = record.starts.at(-1)?.start;
  if (start === undefined) throw new Error('a record that is exposed names no start');
  const events = kept.events
    .filter(({ counter, told }) => counter <= exposed.record.counter && told.number > after)
    .map(({ at, told }) => ({ ...told, agoMs: Math.floor(now - at) }));
  return { kind: 'eventsAnswer', start, events };
}
