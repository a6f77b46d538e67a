/** Worlds of rollbacks and successors: workers crash, stop, sleep and are slow. */
import { MAX_DECISIONS, MAX_WORKERS } from '../../../services/protocol/index.ts';
import { QUIET_WORLD, type WorldOptions } from '../options.ts';
import type { Random } from '../random.ts';

/** One rollback follows another, and what belongs to an earlier one comes late; workers have successors while they still run. */
export function drawHectic(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(2, 4),
    thinkMs: random.pick([1, 10]),
    networkDelayMs: random.real(1, 10),
    checkpointIntervalMs: random.pick([10, 30]),
    decisionGraceMs: 0,
    maxUnwrittenVersions: 16,
    maxDecisions: random.pick([1, 1, 3]),
    asyncStateChance: random.pick([0, 1]),
    executionMs: random.pick([1, 20]),
    restartMs: 5,
    pauseMs: 20,
    faultsForMs: random.real(500, 1500),
    rates: {
      ...rates,
      crashWorker: 6,
      replacePausedWorker: random.pick([0, 6]),
      cutConnection: 8,
      clogConnection: 8,
      clogFinder: 8,
      staleReply: 6,
      crashDecidingFinder: 2,
      slowDisk: 3,
    },
  };
}

/**
 * Successors read a volume while their predecessors, which the Finder's word does not reach, still write checkpoints to it and report
 * them; and the Finder takes its time to decide, because others are away as well.
 */
export function drawSuccession(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(1, 3),
    callsPerSession: random.int(30, 60),
    thinkMs: 1,
    networkDelayMs: random.real(0.3, 5),
    diskDelayMs: random.real(0.5, 8),
    checkpointIntervalMs: 10,
    decisionGraceMs: random.pick([20, 150]),
    stateBytes: random.pick([0, 0, 270_000]),
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    restartMs: random.pick([5, 50]),
    pauseMs: random.pick([20, 150]),
    faultsForMs: random.real(300, 1000),
    rates: {
      ...rates,
      replaceUnheard: 8,
      replaceJoiningWorker: 50,
      crashWorker: 3,
      cutConnection: 0,
      resetConnection: 0,
    },
  };
}

/** States are incremental, and rollbacks, restarts and losses of power come in every step of their sweeps. */
export function drawSweeping(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 3),
    clients: random.int(1, 3),
    callsPerSession: random.int(40, 120),
    thinkMs: random.pick([1, 5]),
    networkDelayMs: random.real(0.1, 2),
    diskDelayMs: random.real(0.2, 5),
    checkpointIntervalMs: random.pick([5, 10]),
    decisionGraceMs: 0,
    stateBytes: random.pick([0, 0, 20_000]),
    maxUnwrittenVersions: random.pick([2, 16]),
    maxUncommittedCheckpoints: 1000,
    asyncStateChance: 0,
    incrementalChance: 1,
    restartMs: 5,
    pauseMs: 20,
    faultsForMs: random.real(500, 1500),
    rates: { ...rates, crashWorker: 4, crashThenCutPower: random.pick([0, 4]), slowDisk: random.pick([0, 3]) },
  };
}

/** States are in stores, under what makes sweeps of other incremental states meet rollbacks, and with all faults of disks now and then. */
export function drawStores(random: Random, usual: WorldOptions): Partial<WorldOptions> {
  return {
    ...drawSweeping(random, usual),
    storeShare: 1,
    checkpointIntervalMs: random.pick([5, 10, 30]),
    decisionGraceMs: random.pick([0, 0, 20]),
    maxUncommittedCheckpoints: random.pick([3, 1000]),
    stateBytes: 0,
  };
}

/** States live in slow processes, so that a rollback waits for batches while checkpoints from before it are still being written. */
export function drawRemote(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: 2,
    clients: 4,
    callsPerSession: 120,
    thinkMs: random.pick([1, 5]),
    maxInFlight: random.pick([1, 4]),
    networkDelayMs: random.real(0.1, 1),
    diskDelayMs: random.real(4, 20),
    checkpointIntervalMs: 10,
    decisionGraceMs: 0,
    midStepChance: 0,
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    asyncStateChance: 1,
    incrementalChance: 0,
    executionMs: random.pick([5, 10, 40]),
    restartMs: 5,
    faultsForMs: random.real(800, 2000),
    rates: { ...rates, crashWorker: 10, cutConnection: random.pick([0, 8]), clogConnection: 10, resetConnection: 10 },
  };
}

/** Workers stop cleanly before everything is committed, crash soon after they are back, and others crash while they are away. */
export function drawStops(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 3),
    clients: random.int(1, 3),
    callsPerSession: random.int(20, 60),
    thinkMs: random.pick([1, 10]),
    networkDelayMs: random.real(0.3, 5),
    diskDelayMs: random.real(0.2, 5),
    checkpointIntervalMs: random.pick([10, 30]),
    decisionGraceMs: random.pick([0, 0, 20]),
    restartMs: random.pick([5, 50]),
    pauseMs: random.pick([20, 150]),
    faultsForMs: random.real(300, 1500),
    rates: { ...rates, stopWorker: 8, crashWorker: 5, replacePausedWorker: 2, slowDisk: 4 },
  };
}

/** Workers and clients sleep while several rollbacks happen, with commits between them. */
export function drawSleepers(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(2, 4),
    callsPerSession: random.int(30, 60),
    thinkMs: 10,
    networkDelayMs: random.real(0.1, 1),
    diskDelayMs: random.real(0.2, 2),
    checkpointIntervalMs: 10,
    decisionGraceMs: 0,
    maxDecisions: MAX_DECISIONS,
    restartMs: 5,
    pauseMs: random.pick([150, 500]),
    faultsForMs: random.real(500, 2000),
    rates: {
      ...rates,
      pauseClient: 5,
      crashClient: 1,
      pauseWorker: 2,
      partition: 2,
      crashWorker: 6,
      clogFinder: 4,
      staleReply: 6,
    },
  };
}

/**
 * A worker's replies, and its first cut after a rollback, are held back until others have told the client of the rollback: what is
 * committed then follows from the decision alone. Sessions end soon after, so that no later cut covers it up.
 */
export function drawClogs(random: Random): Partial<WorldOptions> {
  return {
    workers: random.int(3, 4),
    clients: 4,
    sessionsPerClient: 1,
    callsPerSession: random.int(6, 16),
    strictChance: 0,
    stayChance: 0,
    abandonChance: 0,
    thinkMs: random.pick([10, 20]),
    maxInFlight: 4,
    networkDelayMs: random.real(0.2, 1),
    diskDelayMs: random.real(0.2, 1),
    diskErrorChance: 0,
    checkpointIntervalMs: 10,
    decisionGraceMs: 0,
    membershipPollMs: 20,
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    maxWaitingBatches: 1000,
    maxWorkers: MAX_WORKERS,
    asyncStateChance: 0,
    restartMs: 5,
    pauseMs: random.pick([100, 300]),
    faultsForMs: random.real(100, 300),
    rates: { ...QUIET_WORLD.rates, crashWorker: 10, clogConnection: random.pick([60, 200]) },
  };
}
