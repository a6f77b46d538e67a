/** What the console knows of a cluster, made of what it saw, in the form that pages are told. Pure but for what it is given. */
import type { PastEvent } from '@dpr/client';
import { pastEventText, rollbackText } from '@dpr/client/event-texts';
import type { Observed } from './cluster-observer.ts';
import { createEventLog } from './event-log.ts';
import { createHistory } from './history.ts';
import type { ConsoleEvent, Level, ProcessView, Sample, Update } from './messages.ts';
import type { ProcessKey, ProcessRates } from './process-metrics.ts';
import { type Seen, verdictOf } from './verdict.ts';
import { given, workerViews } from './worker-views.ts';

/** Everything that one update is made of. */
export interface Surroundings {
  readonly observed: Observed;
  /** The monotonic clock, by which `observed` tells times. */
  readonly now: number;
  /** ms since 1970. */
  readonly at: number;
  readonly rates: ReadonlyMap<ProcessKey, ProcessRates>;
  /** Of this machine; empty where they are elsewhere. */
  readonly processes: ReadonlyMap<ProcessKey, ProcessView>;
}

export interface ConsoleState {
  /** Once a second. */
  readonly sample: (around: Surroundings) => void;
  /** Tells what changed as events. */
  readonly note: (observed: Observed, at: number) => void;
  readonly tell: (event: Omit<ConsoleEvent, 'number' | 'isRollback'>) => void;
  /** What the Finder told. @param now ms since 1970 */
  readonly happened: (events: readonly PastEvent[], now: number) => void;
  /** @param after the last event that was told before, by its number */
  readonly update: (around: Surroundings, after: number) => Update;
  readonly history: () => readonly Sample[];
  readonly eventsAfter: (number: number) => readonly ConsoleEvent[];
  readonly newestEvent: () => number;
}

/** Of a worker's rates that its sparkline shows. */
export const MAX_RECENT_RATES = 60;

export function createConsoleState(): ConsoleState {
  const history = createHistory();
  const events = createEventLog();
  const recent = createRecentRates();
  let worldLineSince: number | undefined;
  let finder: Observed['finder']['state'] = 'unknown';
  let rollbacks = 0;
  let lostOperations = 0;

  function tell(event: Omit<ConsoleEvent, 'number' | 'isRollback'>): void {
    events.add({ ...event, isRollback: false });
  }

  function noteFinder({ state, text }: Observed['finder'], at: number): void {
    if (state === finder) return;
    const isFirst = finder === 'unknown';
    finder = state;
    if (isFirst && state === 'serving') return;
    tell({ at, ...FINDER_EVENTS[state](text) });
  }

  return {
    tell,
    note: ({ finder: finderNow }, at) => noteFinder(finderNow, at),
    happened(told, now) {
      for (const event of told) {
        const at = now - event.agoMs;
        const isRollback = event.kind === 'rolledBack';
        const text = isRollback ? rollbackText(event) : pastEventText(event);
        events.add({ at, isRollback, level: levelOf(event), text: sentence(text) });
        if (!isRollback) continue;
        rollbacks++;
        lostOperations += event.operations;
        worldLineSince = at;
      }
    },
    sample(around) {
      recent.note(around.rates);
      history.add(sampleOf(around));
    },
    update(around, after) {
      const { observed, at, processes } = around;
      const { finder: finderNow, status } = observed;
      const seen = seenOf(around);
      const known = { rates: around.rates, recent: recent.all, awayForMs: seen.awayForMs, processes };
      return {
        at,
        verdict: verdictOf(seen),
        finder: { ...finderNow, ...given('process', processes.get('finder')) },
        ...given('cluster', status?.cluster),
        ...given('worldLine', status?.worldLine),
        ...given('worldLineSince', worldLineSince),
        rollbacks,
        lostOperations,
        workers: status === undefined ? [] : workerViews(status, known),
        ...given('workersAt', finderNow.state === 'serving' || status === undefined ? undefined : observed.statusAt),
        sample: sampleOf(around),
        events: events.after(after),
      };
    },
    history: history.samples,
    eventsAfter: events.after,
    newestEvent: events.newest,
  };
}

/** The last rates of each worker, one for each second. */
function createRecentRates() {
  const recent = new Map<number, number[]>();
  return {
    all: recent as ReadonlyMap<number, readonly number[]>,
    note(rates: Surroundings['rates']): void {
      for (const id of recent.keys()) if (!rates.has(id)) recent.delete(id);
      for (const [id, { rate }] of rates) {
        if (id === 'finder') continue;
        const last = recent.get(id) ?? [];
        last.push(Math.round(rate));
        if (last.length > MAX_RECENT_RATES) last.shift();
        recent.set(id, last);
      }
    },
  };
}

function levelOf(event: PastEvent): Level {
  switch (event.kind) {
    case 'away':
    case 'silent':
      return 'critical';
    case 'restarted':
    case 'leaving':
    case 'rolledBack':
      return 'warning';
    default:
      return 'well';
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const FINDER_EVENTS: Readonly<
  Record<Observed['finder']['state'], (text: string) => { readonly level: Level; readonly text: string }>
> = {
  unknown: () => ({ level: 'warning', text: 'The Finder is not known any more.' }),
  serving: () => ({ level: 'well', text: 'The Finder answers.' }),
  away: (text) => ({ level: 'critical', text: `The Finder does not answer${text === '' ? '' : `: ${text}`}.` }),
  refusing: (text) => ({ level: 'critical', text: `The Finder serves no peer: ${text}` }),
  refusesConsole: (text) => ({ level: 'critical', text: `The Finder refuses this console: ${text}` }),
};

function seenOf({ observed, now, processes }: Surroundings): Seen {
  const { finder, finderSince, status, awaySince } = observed;
  return {
    finder,
    finderForMs: now - finderSince,
    status,
    awayForMs: new Map([...awaySince].map(([id, since]) => [id, now - since])),
    processes: [...processes.values()],
  };
}

function sampleOf({ observed, at, rates }: Surroundings): Sample {
  const { finder, status } = observed;
  const workers = [...rates].filter(([key]) => key !== 'finder').map(([, found]) => found);
  const isKnown = finder.state === 'serving' && status !== undefined;
  return {
    at,
    ...given('rate', workers.length === 0 ? undefined : workers.reduce((sum, { rate }) => sum + rate, 0)),
    ...given('lagMs', isKnown ? largestOf(status.workers.map(({ lagMs }) => lagMs)) : undefined),
    ...given('checkpointWriteMs', largestOf(workers.map(({ writeMs }) => writeMs))),
    ...given('recordWriteMs', rates.get('finder')?.writeMs),
  };
}

/** Undefined if none is known. */
function largestOf(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((largest, value) => (value === undefined ? largest : Math.max(largest ?? 0, value)), undefined);
}
