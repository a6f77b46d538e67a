/**
 * The acceptance test of the whole: one session increments counters round by round while processes have faults, and in the end
 * each counter must have exactly what the session added.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, connect, type RollbackReport } from '@dpr/client';
import { showMs, summarize, type Summary } from '@dpr/local/measurements';
import { withPatience } from '@dpr/runtime/time-limit';
import type { Schedule } from './schedule.ts';
import { type Recovery, injectFaults, type Injection } from './faults.ts';
import type { Fault, Target } from './target.ts';

export type Experiment = {
  /** Counters are incremented by `step` until each exceeds `target`. */
  readonly target: number;
  readonly step: number;
  /** The ids of the counters. */
  readonly workers: readonly number[];
  /** Increments are spread over this time; it takes longer when workers are away, ms. */
  readonly durationMs: number;
  /** Rounds wait so that there are at least so many faults before the last one. */
  readonly minFaults: number;
  readonly schedule: Schedule;
  readonly fault: Fault;
  readonly patienceMs: number;
};

export type ExperimentSite = {
  /** The Finder's public address, as `ws://host:port`. */
  readonly cluster: string;
  readonly token: string | undefined;
  /** Undefined: no process has a fault. */
  readonly target: Target | undefined;
  /** Stops everything gracefully and starts it again, where that is possible. */
  readonly restart: (() => Promise<void>) | undefined;
  readonly signal: AbortSignal;
  readonly emit: (happened: ExperimentEvent) => void;
};

export type ExperimentEvent =
  | ({ readonly event: 'injected' } & Injection)
  | ({ readonly event: 'recovered' } & Recovery)
  | { readonly event: 'rollback'; readonly worldLine: number; readonly lost: number }
  | { readonly event: 'round'; readonly round: number; readonly rounds: number }
  | { readonly event: 'readBack'; readonly after: 'committing' | 'restarting' };

export type ExperimentReport = {
  readonly exact: boolean;
  /** Everything that is not as it must be, in words; none if exact. */
  readonly mistakes: readonly string[];
  /** What the session added to each counter. */
  readonly expected: number;
  readonly counters: readonly CounterReport[];
  readonly operations: number;
  /** What was done to the processes, and how many times to each, by its name. */
  readonly blow: Fault['kind'];
  readonly strikes: Readonly<Record<string, number>>;
  /** World-lines that began during the experiment. */
  readonly worldLines: number;
  /** Rollbacks that took operations of the session, and the operations, which it issued again. */
  readonly rollbacks: number;
  readonly replayed: number;
  /** From a fault until the victim served again, ms. */
  readonly recovery: Summary;
  /** From a call to its reply, ms. */
  readonly reply: Summary;
  readonly tookMs: number;
};

export type CounterReport = {
  readonly worker: number;
  readonly before: number;
  /** What a new session read after everything was committed, and another one after a restart of the whole cluster. */
  readonly committed: number;
  readonly restarted?: number;
};

/** A round of increments, or the commit of all, that takes so long is stuck: far longer than any recovery, ms. */
const STUCK_MS = 60_000;

/** @throws the client's and the target's errors; the signal's reason when it says to stop */
export async function runExperiment(experiment: Experiment, site: ExperimentSite): Promise<ExperimentReport> {
  const started = performance.now();
  const rounds = Math.floor(experiment.target / experiment.step) + 1;
  const expected = rounds * experiment.step;
  const tally: Tally = { faults: new Map(), recoveries: [], replies: [], rollbacks: 0, replayed: 0, mistakes: [] };

  const before = await readBack(experiment, site);
  const chaos = beginFaults(experiment, site, tally);
  try {
    await Promise.race([increment(experiment, site, { rounds, before, tally, chaos }), chaos.failed]);
  } finally {
    await chaos.end();
  }
  const committed = await readBack(experiment, site);
  site.emit({ event: 'readBack', after: 'committing' });
  const restarted = await readAfterRestart(experiment, site);
  const counters = experiment.workers.map((worker, index) => ({
    worker,
    before: before.values[index] ?? NaN,
    committed: committed.values[index] ?? NaN,
    ...(restarted === undefined ? {} : { restarted: restarted.values[index] ?? NaN }),
  }));
  const mistakes = [
    ...tally.mistakes,
    ...counters.flatMap((counter) => mistakesOf(counter, expected)),
    ...(restarted === undefined || restarted.worldLine === committed.worldLine
      ? []
      : [`the restart of the cluster began world-line ${restarted.worldLine}, though it was graceful`]),
  ];
  return {
    exact: mistakes.length === 0,
    mistakes,
    expected,
    counters,
    operations: rounds * counters.length,
    blow: experiment.fault.kind,
    strikes: Object.fromEntries([...tally.faults].sort(([a], [b]) => a.localeCompare(b))),
    worldLines: committed.worldLine - before.worldLine,
    rollbacks: tally.rollbacks,
    replayed: tally.replayed,
    recovery: summarize(tally.recoveries),
    reply: summarize(tally.replies),
    tookMs: performance.now() - started,
  };
}

function mistakesOf({ worker, before, committed, restarted }: CounterReport, expected: number): string[] {
  const must = `and must have ${before + expected}`;
  return [
    ...(committed === before + expected ? [] : [`counter ${worker} has ${committed} to a new session, ${must}`]),
    ...(restarted === undefined || restarted === before + expected
      ? []
      : [`counter ${worker} has ${restarted} after a restart of the cluster, ${must}`]),
  ];
}

type Tally = {
  readonly faults: Map<string, number>;
  readonly recoveries: number[];
  readonly replies: number[];
  readonly mistakes: string[];
  rollbacks: number;
  replayed: number;
};

type Chaos = {
  /** Resolves once there were so many faults. */
  reached(count: number): Promise<void>;
  /** Rejects when a fault cannot be injected, or a victim does not serve again. */
  readonly failed: Promise<never>;
  /** Injects no further fault, and waits until the victims of the last one serve again. */
  end(): Promise<void>;
};

function beginFaults({ schedule, fault, patienceMs }: Experiment, site: ExperimentSite, tally: Tally): Chaos {
  const { target, signal, emit } = site;
  if (target === undefined) {
    return { reached: () => Promise.resolve(), failed: new Promise(() => undefined), end: () => Promise.resolve() };
  }
  const enough = new AbortController();
  const begun = new EventEmitter();
  let count = 0;
  const faults = injectFaults({
    target,
    schedule,
    fault,
    patienceMs,
    signal,
    enough: enough.signal,
    injected(injection) {
      for (const { name } of injection.victims) tally.faults.set(name, (tally.faults.get(name) ?? 0) + 1);
      count++;
      emit({ event: 'injected', ...injection });
      begun.emit('injected');
    },
    recovered(recovery) {
      tally.recoveries.push(recovery.tookMs);
      emit({ event: 'recovered', ...recovery });
    },
  });
  const failed = faults.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined); // the callers that wait for it, and end it, see it
  return {
    async reached(wanted) {
      while (count < wanted) await once(begun, 'injected', { signal });
    },
    failed,
    async end() {
      enough.abort();
      await faults;
    },
  };
}

type Increments = {
  readonly rounds: number;
  readonly before: Reading;
  readonly tally: Tally;
  readonly chaos: Chaos;
};

/** Adds to every counter, round by round, and commits everything. */
async function increment(experiment: Experiment, site: ExperimentSite, { rounds, before, tally, chaos }: Increments) {
  const { step, workers, durationMs, minFaults } = experiment;
  const onRollback = ({ worldLine, lostCount }: RollbackReport): void => {
    tally.rollbacks++;
    tally.replayed += lostCount;
    site.emit({ event: 'rollback', worldLine, lost: lostCount });
  };
  await withCluster(site, async (cluster) => {
    const session = cluster.session({ mode: 'strict', replay: true, onRollback });
    const began = performance.now();
    for (let round = 0; round < rounds; round++) {
      const due = began + (durationMs * round) / rounds;
      if (due > performance.now()) await pause(due - performance.now(), undefined, { signal: site.signal });
      await chaos.reached(Math.floor((minFaults * (round + 1)) / rounds));
      const add = async (worker: number, index: number, signal: AbortSignal): Promise<void> => {
        const sent = performance.now();
        const value = Number(await session.counter(worker).add(step, { signal }));
        tally.replies.push(performance.now() - sent);
        // Replay is in order, so in any case the session sees its own increments and nothing else.
        const must = (before.values[index] ?? NaN) + (round + 1) * step;
        if (value !== must) tally.mistakes.push(`round ${round + 1}: counter ${worker} answered ${value}, not ${must}`);
      };
      await unlessStuck(site.signal, `round ${round + 1}`, (signal) =>
        Promise.all(workers.map((worker, index) => add(worker, index, signal))),
      );
      site.emit({ event: 'round', round: round + 1, rounds });
    }
    await unlessStuck(site.signal, 'the commit of all', (signal) => session.commit({ signal }));
  });
}

function unlessStuck<T>(signal: AbortSignal, what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new Error(`${what} was not done within ${showMs(STUCK_MS)}`);
  return withPatience({ signals: [signal], ms: STUCK_MS, late }, work);
}

type Reading = { readonly values: readonly number[]; readonly worldLine: number };

/** What a new session of a new connection reads. */
async function readBack({ workers }: Experiment, site: ExperimentSite): Promise<Reading> {
  return withCluster(site, async (cluster) => {
    const session = cluster.session();
    const values = await unlessStuck(site.signal, 'reading back', (signal) =>
      Promise.all(workers.map((worker) => session.counter(worker).get({ signal }))),
    );
    return { values: values.map(Number), worldLine: session.worldLine };
  });
}

async function readAfterRestart(experiment: Experiment, site: ExperimentSite): Promise<Reading | undefined> {
  if (site.restart === undefined) return undefined;
  await site.restart();
  const reading = await readBack(experiment, site);
  site.emit({ event: 'readBack', after: 'restarting' });
  return reading;
}

async function withCluster<T>({ cluster, token, signal }: ExperimentSite, use: (cluster: Cluster) => Promise<T>) {
  const connected = await connect({ cluster, token, signal });
  try {
    return await use(connected);
  } finally {
    await connected.close();
  }
}
