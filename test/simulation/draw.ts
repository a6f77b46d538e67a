/** What a seed draws: its world, of the usual kind or of one that makes rare situations frequent. */
import { MEMBERSHIP_POLL_MS } from '../../services/client/limits.ts';
import { WORKER_DEFAULTS } from '../../services/core/index.ts';
import { FAULTS, QUIET_WORLD, type FaultName, type WorldOptions } from './options.ts';
import type { Random } from './random.ts';
import { SPECIAL_WORLD_NAMES, SPECIAL_WORLDS, type SpecialWorldName } from './special-worlds.ts';

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
  stallSocket: 2,
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
  replaceUnheard: 0.5,
  loseYoungVolume: 0.5,
  replaceJoiningWorker: 0.5,
  crashDecidingFinder: 0.5,
  clogFinder: 1,
  takeVolume: 0.3,
  takeRecord: 0.3,
  crashClient: 0.5,
};

/**
 * `usual`: the mix of all kinds. `small`: one or two workers and clients at the pace of a person who watches, for a minute; to compare
 * simulated with real time. Otherwise special worlds of that kind alone.
 */
export type Draw = 'usual' | 'small' | SpecialWorldName;

/** @param fork of the seed too: what it draws shifts nothing else */
export function drawWorld(random: Random, fork: Random, draw: Draw = 'usual'): WorldOptions {
  const usual = { ...drawUsual(random), storeShare: fork.pick(STORE_SHARES) };
  if (draw === 'small') return { ...usual, ...drawSmall(random, usual) };
  const special = draw === 'usual' ? anySpecial(random) : draw;
  return special === undefined ? usual : { ...usual, ...SPECIAL_WORLDS[special].draw(random, usual) };
}

function anySpecial(random: Random): SpecialWorldName | undefined {
  let chance = random.next();
  return SPECIAL_WORLD_NAMES.find((name) => (chance -= SPECIAL_WORLDS[name].share) < 0);
}

/** Of its usual rate each fault has here; together they strike every few seconds. */
const SMALL_FAULT_SHARE = 1 / 50;

/** A call a second, and production's intervals. */
function drawSmall(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(1, 2),
    clients: random.int(1, 2),
    sessionsPerClient: 1,
    callsPerSession: 60,
    thinkMs: 1_000,
    checkpointIntervalMs: WORKER_DEFAULTS.checkpointIntervalMs,
    membershipPollMs: MEMBERSHIP_POLL_MS,
    restartMs: 200,
    faultsForMs: 60_000,
    rates: Object.fromEntries(FAULTS.map((fault) => [fault, rates[fault] * SMALL_FAULT_SHARE])) as typeof rates,
  };
}

/** How many there are, mostly few: a seed with eight of each takes as long as ten others. */
const WORKERS = [1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8] as const;
const CLIENTS = [1, 1, 1, 2, 2, 2, 3, 3, 4, 8] as const;

/** Of the workers whose states are incremental. */
const STORE_SHARES = [0, 0, 0, 0.6];

/** A Finder that starts waits for members about this many times as long as they take to come back. */
const RESTARTS_IN_GRACE = 5;

function drawUsual(random: Random): WorldOptions {
  const rates = Object.fromEntries(
    FAULTS.map((fault) => [fault, random.chance(0.45) ? 0 : random.exponential(TYPICAL_RATES[fault])]),
  ) as Record<FaultName, number>;
  const { maxWaitingBytes, maxUnacknowledgedBatches, maxSessions, maxDecisions, maxStarts, maxWorkers } = QUIET_WORLD;
  const slow = random.chance(0.3);
  const workers = random.pick(WORKERS);
  const usual: WorldOptions = {
    ...QUIET_WORLD,
    workers,
    clients: random.pick(CLIENTS),
    sessionsPerClient: random.int(1, 2),
    callsPerSession: random.int(5, 60),
    strictChance: random.pick([0, 0.5, 1]),
    replayChance: random.pick([0, 0.5, 1]),
    abandonChance: random.pick([0, 0, 0.2]),
    commitChance: random.pick([0, 0.05, 0.3]),
    stayChance: random.pick([0, 0, 0.8]),
    thinkMs: random.pick([1, 10, 50]),
    maxInFlight: random.pick([1, 4, 16]),
    networkDelayMs: slow ? random.real(2, 15) : random.real(0.1, 2),
    diskDelayMs: random.chance(0.3) ? random.real(5, 60) : random.real(0.2, 5),
    diskErrorChance: random.pick([0, 0, 0, 0.001, 0.005, 0.03]),
    deafChance: random.pick([0, 0, 0.1]),
    attemptTimeoutMs: random.pick([50, 3_000]),
    halfOpenChance: random.pick([0, 0.1, 0.5]),
    halfOpenMs: random.real(50, 600),
    stateBytes: random.chance(0.9) ? 0 : random.pick([20_000, 270_000]),
    resultBytes: random.chance(0.97) ? 0 : 20_000,
    checkpointIntervalMs: random.pick([10, 30, 100]),
    decisionGraceMs: random.pick([0, 20, 150]),
    maxUnwrittenVersions: random.pick([1, 2, 16]),
    maxUncommittedCheckpoints: random.pick([2, 5, 1000]),
    maxWaitingBatches: random.pick([1, 4, 1000]),
    maxWaitingBytes: random.pick([8, maxWaitingBytes, maxWaitingBytes]),
    maxUnacknowledgedBatches: random.pick([1, 3, maxUnacknowledgedBatches, maxUnacknowledgedBatches]),
    maxSessions: random.pick([3, ...Array<number>(9).fill(maxSessions)]),
    maxWorkers: random.pick([workers, workers + 1, maxWorkers, maxWorkers]),
    maxDecisions: random.pick([1, 3, maxDecisions, maxDecisions]),
    maxStarts: random.pick([2, maxStarts]),
    clockSkewMs: random.pick([0, 2000, 2000]),
    asyncStateChance: random.pick([0, 0, 0.5]),
    executionMs: random.pick([1, 1, 10]),
    incrementalChance: random.pick([0, 0.5, 1]),
    midStepChance: random.pick([0, 0.5]),
    restartMs: random.pick([5, 50, 200]),
    pauseMs: random.pick([20, 150, 500]),
    faultsForMs: random.real(300, 3000),
    rates,
    catchUpBytes: random.pick([1, QUIET_WORLD.catchUpBytes]),
    // A simulated turn takes no time: with 0, its first frames are its only ones.
    inputTurnMs: random.pick([0, QUIET_WORLD.inputTurnMs, QUIET_WORLD.inputTurnMs]),
  };
  return { ...usual, settleGraceMs: RESTARTS_IN_GRACE * usual.restartMs };
}
