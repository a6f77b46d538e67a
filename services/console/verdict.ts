/** Says in words how a cluster is, and of each worker what is wrong with it and what that holds up. Pure. */
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import { duration } from '@dpr/client/status-table';
import type { FinderView, Level, ProcessView, Verdict } from './messages.ts';

/** What is known of a cluster at one moment. */
export interface Seen {
  readonly finder: Pick<FinderView, 'state' | 'text'>;
  /** How long the Finder has been as it is, ms. */
  readonly finderForMs: number;
  /** What the Finder answered last; undefined until it answered. */
  readonly status: ClusterStatus | undefined;
  /** How long each worker that is away has been so, ms, as far as this console saw it. */
  readonly awayForMs: ReadonlyMap<number, number>;
  /** Of this machine; empty where they are elsewhere. */
  readonly processes: readonly ProcessView[];
}

/** Operations that wait longer for their commit are worth a word: a checkpoint interval is 50 ms by default, and at most a minute. */
export const LONG_LAG_MS = 5_000;

interface Trouble {
  readonly level: Exclude<Level, 'well'>;
  readonly text: string;
}

/** What is wrong with a worker; undefined if nothing is. */
export interface WorkerTrouble extends Trouble {
  /** Workers of the same kind of trouble are told in one sentence. */
  readonly kind: 'away' | 'silent' | 'blocked' | 'late' | 'leaving' | 'joining';
}

/** @returns what is wrong with the worker, the worst first met; undefined if nothing is */
export function troubleOf(worker: WorkerStatus, awayForMs: number | undefined): WorkerTrouble | undefined {
  const { id, state, silentMs, blockedBy, waitingFor, lagMs, lagOperations } = worker;
  const name = `Worker ${id}`;
  if (state === 'away') {
    return { kind: 'away', level: 'critical', text: `${name} is away${forTime(awayForMs ?? 0)}: ${HOLDS_UP}.` };
  }
  if (state === 'silent') {
    return { kind: 'silent', level: 'critical', text: `${name} is silent for ${duration(silentMs)}: ${HOLDS_UP}.` };
  }
  if (state === 'leaving') {
    const waits = waitingFor === '' ? '' : `; it waits for ${waitingFor}`;
    return { kind: 'leaving', level: 'warning', text: `${name} is leaving${waits}.` };
  }
  if (blockedBy !== '') {
    return { kind: 'blocked', level: 'critical', text: `${name} commits nothing; it waits for ${blockedBy}.` };
  }
  if (lagOperations > 0 && lagMs >= LONG_LAG_MS) {
    return {
      kind: 'late',
      level: 'warning',
      text: `${name} has operations that wait ${duration(lagMs)} for their commit.`,
    };
  }
  if (state === 'joining') return { kind: 'joining', level: 'warning', text: `${name} is joining.` };
  return undefined;
}

const HOLDS_UP = 'nothing that depends on it commits';

/** The sentence about all of it, and about the worst of the workers. */
export function verdictOf(seen: Seen): Verdict {
  const troubles = [...finderTroubles(seen), ...processTroubles(seen), ...workerTroubles(seen)];
  const sorted = [...troubles.filter(isCritical), ...troubles.filter((trouble) => !isCritical(trouble))];
  const [worst, ...more] = sorted;
  if (worst === undefined) return { level: 'well', text: wellText(seen), more: [] };
  return { level: worst.level, text: worst.text, more: more.map(({ text }) => text) };
}

function isCritical({ level }: Trouble): boolean {
  return level === 'critical';
}

function finderTroubles({ finder: { state, text }, finderForMs }: Seen): Trouble[] {
  switch (state) {
    case 'serving':
      return [];
    case 'unknown':
      return [{ level: 'warning', text: `The Finder has not answered yet${because(text)}.` }];
    case 'away':
      return [
        {
          level: 'critical',
          text: `The Finder does not answer${forTime(finderForMs)}: nothing commits, and no worker joins${because(text)}.`,
        },
      ];
    case 'refusing':
      return [
        { level: 'critical', text: 'The Finder serves no peer: nothing commits until an administrator acts.' },
        { level: 'critical', text: `The Finder says: ${text}` },
      ];
    case 'refusesConsole':
      return [
        { level: 'critical', text: 'The Finder refuses this console: how the cluster is, is not known.' },
        { level: 'critical', text: `The reason: ${text}` },
      ];
  }
}

/** A time is told once it is one. */
function forTime(ms: number): string {
  return ms < 1_000 ? '' : ` for ${duration(ms)}`;
}

function because(text: string): string {
  return text === '' ? '' : ` (${text})`;
}

/** By phase, what keeps a process down. */
const PROCESS_TROUBLES: Readonly<Record<string, string>> = {
  halted: 'stays down until the config is saved again: its log says why.',
  waiting: 'ended, and is started again after a pause, since it ended before: its log says why.',
};

function processTroubles({ processes }: Seen): Trouble[] {
  return processes.flatMap(({ name, phase }): Trouble[] => {
    const text = PROCESS_TROUBLES[phase];
    return text === undefined ? [] : [{ level: 'critical', text: `${name} ${text}` }];
  });
}

/** What the Finder said of workers is of no use while it does not answer. */
function workerTroubles({ finder, status, awayForMs }: Seen): Trouble[] {
  if (finder.state !== 'serving' || status === undefined) return [];
  const { workers, undecided } = status;
  const found = workers.flatMap((worker) => {
    const trouble = troubleOf(worker, awayForMs.get(worker.id));
    return trouble === undefined ? [] : [{ ...trouble, worker }];
  });
  const kinds = byKind(found);
  return [
    ...[...kinds.values()].flatMap((group) => inOneSentence(group, workers.length)),
    ...undecided.map(({ id, text }): Trouble => ({ level: 'warning', text: `Worker ${id} waits: ${text}` })),
    ...(workers.length + undecided.length === 0
      ? [{ level: 'warning', text: 'The cluster has no worker.' } as const]
      : []),
  ];
}

type Found = WorkerTrouble & { readonly worker: WorkerStatus };

function byKind(found: readonly Found[]): Map<WorkerTrouble['kind'], Found[]> {
  const groups = new Map<WorkerTrouble['kind'], Found[]>();
  for (const one of found) {
    const group = groups.get(one.kind);
    if (group === undefined) groups.set(one.kind, [one]);
    else group.push(one);
  }
  return groups;
}

/** More are told of by one sentence: so many are away, with the ids of the first ones. */
const TOLD_ONE_BY_ONE = 3;
const NAMED_IDS = 8;

function inOneSentence(group: readonly Found[], members: number): Trouble[] {
  const [first] = group;
  if (first === undefined || group.length <= TOLD_ONE_BY_ONE) return [...group];
  const ids = group.slice(0, NAMED_IDS).map(({ worker }) => worker.id);
  const rest = group.length - ids.length;
  const named = `${ids.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  return [{ level: first.level, text: `${group.length} of ${members} workers ${MANY[first.kind]}: ${named}.` }];
}

const MANY: Readonly<Record<WorkerTrouble['kind'], string>> = {
  away: 'are away, and nothing that depends on them commits',
  silent: 'are silent, and nothing that depends on them commits',
  blocked: 'commit nothing',
  late: 'have operations that wait long for their commit',
  leaving: 'are leaving',
  joining: 'are joining',
};

function wellText({ status }: Seen): string {
  const workers = status?.workers ?? [];
  const times = workers.flatMap(({ committedAgoMs }) => committedAgoMs ?? []);
  const newest = times.reduce((least, time) => Math.min(least, time), Infinity);
  const who = workers.length === 1 ? `Worker ${workers[0]?.id ?? ''} serves` : `All ${workers.length} workers serve`;
  if (newest === Infinity) return `${who}; nothing was committed yet.`;
  const all = workers.every(({ allCommitted }) => allCommitted) ? 'everything is committed' : 'committed';
  return `${who}, ${all}${all === 'committed' ? '' : ', last'} ${duration(newest)} ago.`;
}
