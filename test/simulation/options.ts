/** What a seed draws: its world, how often each fault strikes in it, and how it is observed. Times in ms, rates in faults a second. */
import {
  CLIENT_RETRY_LIMIT_MS,
  MAX_DECISIONS,
  MAX_FINDER_STARTS,
  MAX_SESSIONS,
  MAX_UNACKNOWLEDGED_BATCHES,
  MAX_WAITING_BYTES,
  MAX_WORKERS,
  SESSION_EXPIRY_MS,
} from '../../services/protocol/index.ts';
import type { Random } from './random.ts';

export interface WorldOptions {
  readonly workers: number;
  readonly clients: number;
  readonly sessionsPerClient: number;
  readonly callsPerSession: number;
  readonly strictChance: number;
  readonly replayChance: number;
  readonly abandonChance: number;
  readonly commitChance: number;
  readonly thinkMs: number;
  readonly maxInFlight: number;
  /** Mean of a message's way; one in a hundred takes twenty times as long. */
  readonly networkDelayMs: number;
  readonly diskDelayMs: number;
  /** Of each step of a disk. */
  readonly diskErrorChance: number;
  readonly halfOpenChance: number;
  readonly halfOpenMs: number;
  /** A snapshot has about this many bytes; large ones get files of their own. */
  readonly stateBytes: number;
  readonly checkpointIntervalMs: number;
  readonly decisionGraceMs: number;
  readonly maxUnwrittenVersions: number;
  readonly maxUncommittedCheckpoints: number;
  readonly maxWaitingBatches: number;
  readonly maxWaitingBytes: number;
  readonly maxUnacknowledgedBatches: number;
  readonly maxSessions: number;
  /** Workers forget idle sessions after this long, ms; and clients give an unanswered batch up after `retryLimitMs`. */
  readonly sessionExpiryMs: number;
  readonly retryLimitMs: number;
  /** Limits of the Finder's record. */
  readonly maxWorkers: number;
  readonly maxDecisions: number;
  readonly maxStarts: number;
  readonly believeRelays: boolean;
  /** How far a worker's clock may be off, ms. */
  readonly clockSkewMs: number;
  /** Workers whose state lives in another process, so that batches end later than they begin. */
  readonly asyncStateChance: number;
  /** Mean of a batch's time there. */
  readonly executionMs: number;
  /** A process dies between two effects of a step rather than between two events. */
  readonly midStepChance: number;
  readonly restartMs: number;
  readonly pauseMs: number;
  readonly faultsForMs: number;
  readonly rates: Readonly<Record<FaultName, number>>;
}

export const FAULTS = [
  'crashWorker',
  'pauseWorker',
  'replacePausedWorker',
  'stopWorker',
  'cutPower',
  'crashThenCutPower',
  'crashFinder',
  'pauseFinder',
  'cutConnection',
  'clogConnection',
  'resetConnection',
  'partition',
  'partitionOneWay',
  'staleReply',
  'pauseClient',
  'jumpClock',
  'addWorker',
  'removeWorker',
  'forceRemoveWorker',
  'loseVolume',
  'crashAll',
  'fillDisk',
  'slowDisk',
  'rotOldSlot',
  'rotRecord',
  'rotVolume',
  'lieAboutSync',
  'staleFinder',
] as const;
export type FaultName = (typeof FAULTS)[number];
export type DiskFaultName = Extract<
  FaultName,
  'fillDisk' | 'slowDisk' | 'rotOldSlot' | 'rotRecord' | 'rotVolume' | 'lieAboutSync' | 'staleFinder'
>;

/** Faults a second when a seed has the fault at all. */
const TYPICAL_RATES: Readonly<Record<FaultName, number>> = {
  crashWorker: 1.5,
  pauseWorker: 1,
  replacePausedWorker: 1,
  stopWorker: 1,
  cutPower: 0.5,
  crashThenCutPower: 1.5,
  crashFinder: 1,
  pauseFinder: 0.5,
  cutConnection: 6,
  clogConnection: 3,
  resetConnection: 2,
  partition: 0.5,
  partitionOneWay: 0.5,
  staleReply: 3,
  pauseClient: 0.7,
  jumpClock: 1,
  addWorker: 0.7,
  removeWorker: 0.6,
  forceRemoveWorker: 0.4,
  loseVolume: 0.2,
  crashAll: 0.2,
  fillDisk: 0.5,
  slowDisk: 0.5,
  rotOldSlot: 1,
  rotRecord: 0.2,
  rotVolume: 0.2,
  lieAboutSync: 0.2,
  staleFinder: 0.3,
};

/** `small`: one or two workers and clients that take their time, for long; to compare simulated with real time. */
export type Draw = 'usual' | 'small';

export function drawWorld(random: Random, draw: Draw = 'usual'): WorldOptions {
  const usual = drawUsual(random);
  if (draw === 'small') return { ...usual, ...drawSmall(random) };
  if (random.chance(STEADY_CHANCE)) return { ...usual, ...drawSteady(random) };
  if (random.chance(EXPIRY_CHANCE)) return { ...usual, ...drawExpiry(random) };
  return random.chance(HECTIC_CHANCE) ? { ...usual, ...drawHectic(random, usual) } : usual;
}

function drawSmall(random: Random): Partial<WorldOptions> {
  return {
    workers: random.int(1, 2),
    clients: random.int(1, 2),
    sessionsPerClient: 1,
    callsPerSession: random.int(5, 20),
    thinkMs: 500,
    faultsForMs: 10_000,
  };
}

/** How many there are, mostly few: a seed with eight of each takes as long as ten others. */
const WORKERS = [1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8] as const;
const CLIENTS = [1, 1, 1, 2, 2, 2, 3, 3, 4, 8] as const;

const EXPIRY_CHANCE = 0.05;
const STEADY_CHANCE = 0.02;
const HECTIC_CHANCE = 0.15;

/** Many workers with many sessions across them, clocks that agree and no faults: what everything costs can be told in advance. */
function drawSteady(random: Random): Partial<WorldOptions> {
  return {
    workers: random.int(4, 8),
    clients: 4,
    sessionsPerClient: 1,
    callsPerSession: 100,
    strictChance: 0,
    abandonChance: 0,
    commitChance: 0,
    thinkMs: 1,
    networkDelayMs: 0.3,
    diskDelayMs: 0.3,
    checkpointIntervalMs: 20,
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    clockSkewMs: 0,
    asyncStateChance: 0,
    faultsForMs: 200,
    rates: QUIET_WORLD.rates,
  };
}

/** Time enough, and pauses short enough, that sessions expire only where they may: long after clients have given up. */
function drawExpiry(random: Random): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(2, 4),
    callsPerSession: random.int(5, 15),
    thinkMs: 400,
    networkDelayMs: random.real(0.1, 2),
    halfOpenMs: 50,
    pauseMs: 20,
    retryLimitMs: 300,
    sessionExpiryMs: 1_500,
    faultsForMs: random.real(3000, 6000),
  };
}

/** One rollback follows another, and what belongs to an earlier one comes late; workers have successors while they still run. */
function drawHectic(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(2, 4),
    thinkMs: random.pick([1, 10]),
    networkDelayMs: random.real(1, 10),
    checkpointIntervalMs: random.pick([10, 30]),
    decisionGraceMs: 0,
    maxUnwrittenVersions: 16,
    maxDecisions: random.pick([1, 1, 3]),
    believeRelays: random.chance(0.5),
    asyncStateChance: random.pick([0, 1]),
    executionMs: random.pick([1, 20]),
    restartMs: 5,
    pauseMs: 20,
    faultsForMs: random.real(500, 1500),
    rates: { ...rates, crashWorker: 6, replacePausedWorker: random.pick([0, 6]), cutConnection: 8, clogConnection: 8 },
  };
}

function drawUsual(random: Random): WorldOptions {
  const rates = Object.fromEntries(
    FAULTS.map((fault) => [fault, random.chance(0.45) ? 0 : random.exponential(TYPICAL_RATES[fault])]),
  ) as Record<FaultName, number>;
  const slow = random.chance(0.3);
  const workers = random.pick(WORKERS);
  return {
    workers,
    clients: random.pick(CLIENTS),
    sessionsPerClient: random.int(1, 2),
    callsPerSession: random.int(5, 60),
    strictChance: random.pick([0, 0.5, 1]),
    replayChance: random.pick([0, 0.5, 1]),
    abandonChance: random.pick([0, 0, 0.2]),
    commitChance: random.pick([0, 0.05, 0.3]),
    thinkMs: random.pick([1, 10, 50]),
    maxInFlight: random.pick([1, 4, 16]),
    networkDelayMs: slow ? random.real(2, 15) : random.real(0.1, 2),
    diskDelayMs: random.chance(0.3) ? random.real(5, 60) : random.real(0.2, 5),
    diskErrorChance: random.pick([0, 0, 0, 0.001, 0.005, 0.03]),
    halfOpenChance: random.pick([0, 0.1, 0.5]),
    halfOpenMs: random.real(50, 600),
    stateBytes: random.chance(0.9) ? 0 : random.pick([20_000, 70_000]),
    checkpointIntervalMs: random.pick([10, 30, 100]),
    decisionGraceMs: random.pick([0, 20, 150]),
    maxUnwrittenVersions: random.pick([1, 2, 16]),
    maxUncommittedCheckpoints: random.pick([2, 5, 1000]),
    maxWaitingBatches: random.pick([1, 4, 1000]),
    maxWaitingBytes: random.pick([8, MAX_WAITING_BYTES, MAX_WAITING_BYTES]),
    maxUnacknowledgedBatches: random.pick([1, 3, MAX_UNACKNOWLEDGED_BATCHES, MAX_UNACKNOWLEDGED_BATCHES]),
    maxSessions: random.pick([3, ...Array<number>(9).fill(MAX_SESSIONS)]),
    sessionExpiryMs: SESSION_EXPIRY_MS,
    retryLimitMs: CLIENT_RETRY_LIMIT_MS,
    maxWorkers: random.pick([workers, workers + 1, MAX_WORKERS, MAX_WORKERS]),
    maxDecisions: random.pick([1, 3, MAX_DECISIONS, MAX_DECISIONS]),
    maxStarts: random.pick([2, MAX_FINDER_STARTS]),
    believeRelays: random.chance(0.7),
    clockSkewMs: random.pick([0, 2000, 2000]),
    asyncStateChance: random.pick([0, 0, 0.5]),
    executionMs: random.pick([1, 1, 10]),
    midStepChance: random.pick([0, 0.5]),
    restartMs: random.pick([5, 50, 200]),
    pauseMs: random.pick([20, 150, 500]),
    faultsForMs: random.real(300, 3000),
    rates,
  };
}

/** A world with one worker and one client in which nothing goes wrong: what a world is described by its difference from. */
export const QUIET_WORLD: WorldOptions = {
  workers: 1,
  clients: 1,
  sessionsPerClient: 1,
  callsPerSession: 5,
  strictChance: 1,
  replayChance: 0,
  abandonChance: 0,
  commitChance: 0,
  thinkMs: 10,
  maxInFlight: 1,
  networkDelayMs: 1,
  diskDelayMs: 1,
  halfOpenChance: 0,
  halfOpenMs: 0,
  stateBytes: 0,
  checkpointIntervalMs: 100,
  decisionGraceMs: 0,
  maxUnwrittenVersions: 16,
  maxUncommittedCheckpoints: 1000,
  maxWaitingBatches: 1000,
  maxWaitingBytes: MAX_WAITING_BYTES,
  maxUnacknowledgedBatches: MAX_UNACKNOWLEDGED_BATCHES,
  maxSessions: MAX_SESSIONS,
  sessionExpiryMs: SESSION_EXPIRY_MS,
  retryLimitMs: CLIENT_RETRY_LIMIT_MS,
  maxWorkers: MAX_WORKERS,
  maxDecisions: MAX_DECISIONS,
  maxStarts: MAX_FINDER_STARTS,
  believeRelays: true,
  clockSkewMs: 0,
  asyncStateChance: 0,
  executionMs: 1,
  diskErrorChance: 0,
  midStepChance: 0,
  restartMs: 50,
  pauseMs: 20,
  faultsForMs: 300,
  rates: Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<FaultName, number>,
};

/** What is different from the quiet world, as a value for JSON. */
export function describeWorld({ rates, ...options }: WorldOptions): Record<string, unknown> {
  const different = (values: object, quiet: object): [string, unknown][] =>
    Object.entries(values).filter(([name, value]) => value !== quiet[name as keyof typeof quiet]);
  const faults = different(rates, QUIET_WORLD.rates);
  return {
    ...Object.fromEntries(different(options, QUIET_WORLD)),
    ...(faults.length === 0 ? {} : { rates: Object.fromEntries(faults) }),
  };
}

/** The opposite of `describeWorld`. @throws Error that names what is wrong */
export function parseWorld(description: unknown): WorldOptions {
  const { rates = {}, ...options } = fieldsLike(description, { ...QUIET_WORLD, rates: {} }, 'a world');
  return {
    ...QUIET_WORLD,
    ...options,
    rates: { ...QUIET_WORLD.rates, ...fieldsLike(rates, QUIET_WORLD.rates, 'rates') },
  };
}

/** Check that `given` is an object whose fields exist in `model`, with values of the same type. */
function fieldsLike<T extends object>(given: unknown, model: T, what: string): Partial<T> {
  if (typeof given !== 'object' || given === null)
    throw new Error(`${what} is an object, not ${JSON.stringify(given)}`);
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!Object.hasOwn(model, name)) {
      throw new Error(`${what} has no '${name}'; it has ${Object.keys(model).join(', ')}`);
    }
    const wanted = typeof model[name as keyof T];
    if (typeof value !== wanted) throw new Error(`'${name}' is a ${wanted}, not ${JSON.stringify(value)}`);
  }
  return given;
}
