/** Worlds of the membership: workers come, go and come back, with or without their volumes. */
import { MAX_WORKERS } from '../../../services/protocol/index.ts';
import { QUIET_WORLD, type WorldOptions } from '../options.ts';
import type { Random } from '../random.ts';

/**
 * Workers are added all the time, and lose their volumes before anything of theirs is committed: nothing but what they reported says
 * that something is missing, and the Finder's slow disk keeps that from the cut.
 */
export function drawYoung(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 3),
    clients: random.int(1, 3),
    callsPerSession: random.int(30, 60),
    thinkMs: 1,
    networkDelayMs: random.real(0.05, 0.5),
    diskDelayMs: random.real(2, 20),
    checkpointIntervalMs: 10,
    maxWorkers: MAX_WORKERS,
    pauseMs: 300,
    faultsForMs: random.real(300, 1500),
    rates: { ...rates, addWorker: 15, loseYoungVolume: 100, forceRemoveWorker: 2 },
  };
}

/** Workers come and go, and the cut is slow to cover what those did that leave; perhaps no rollback covers up what was forgotten. */
export function drawLeaving(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(1, 2),
    sessionsPerClient: 1,
    callsPerSession: random.int(3, 40),
    stayChance: random.pick([0, 0.8]),
    thinkMs: 10,
    networkDelayMs: random.real(0.1, 3),
    diskDelayMs: random.real(0.5, 10),
    checkpointIntervalMs: random.pick([10, 30]),
    maxWorkers: MAX_WORKERS,
    restartMs: 5,
    pauseMs: 150,
    faultsForMs: random.real(500, 2000),
    rates: {
      ...(random.chance(0.5) ? rates : QUIET_WORLD.rates),
      addWorker: 8,
      removeWorker: 5,
      forceRemoveWorker: random.pick([0, 2]),
      slowDisk: 4,
      clogFinder: 10,
      cutConnection: 15,
      clogConnection: 15,
    },
  };
}

/** Ids are given again to new workers while processes of removed ones, which were not told of that, still serve clients. */
export function drawRevenants(random: Random): Partial<WorldOptions> {
  return {
    workers: 2,
    clients: 3,
    sessionsPerClient: random.int(2, 3),
    callsPerSession: random.int(50, 100),
    strictChance: 0,
    stayChance: 0,
    thinkMs: 10,
    maxInFlight: 4,
    networkDelayMs: random.real(1, 5),
    diskDelayMs: random.real(0.2, 3),
    diskErrorChance: 0,
    checkpointIntervalMs: random.pick([10, 30]),
    decisionGraceMs: 0,
    maxWorkers: 3,
    restartMs: 5,
    pauseMs: 150,
    faultsForMs: random.real(500, 2000),
    rates: { ...QUIET_WORLD.rates, addWorker: 15, removeWorker: 8, replaceUnheard: 10, clogFinder: 8 },
  };
}

/**
 * Workers are removed and brought back while they are used, and crash before they have committed anything anew. Some processes survey
 * their volume before the generation that is removed next has begun there, and claim after its removal.
 */
export function drawUndone(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(2, 3),
    callsPerSession: random.int(60, 120),
    thinkMs: 15,
    maxInFlight: 4,
    networkDelayMs: random.real(0.3, 3),
    diskDelayMs: random.real(0.3, 5),
    replayChance: 1,
    overtakenChance: 0.2,
    restartMs: 20,
    faultsForMs: random.real(500, 1500),
    rates: { ...rates, addWorker: 15, removeWorker: 3, forceRemoveWorker: 4, crashWorker: 6 },
  };
}
