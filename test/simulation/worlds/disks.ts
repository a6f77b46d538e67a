/** Worlds of disks: they fail, lose power, rot, and give old copies. */
import { MAX_FINDER_STARTS } from '../../../services/protocol/index.ts';
import { QUIET_WORLD, type WorldOptions } from '../options.ts';
import type { Random } from '../random.ts';

/** Disks fail writes, and power fails after that, or right after a start that read what was never synced. */
export function drawPowerless(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(1, 3),
    clients: random.int(1, 2),
    callsPerSession: random.int(20, 60),
    diskErrorChance: random.pick([0, 0.005, 0.03, 0.1]),
    checkpointIntervalMs: random.pick([10, 30]),
    restartMs: 5,
    faultsForMs: random.real(300, 1500),
    stateBytes: random.pick([0, 0, 270_000]),
    rates: { ...rates, crashThenCutPower: 20, cutPower: 2, crashDecidingFinder: 3, slowDisk: 2 },
  };
}

/** The Finder gets old copies of its disk, also of records that it made durable and did not live to tell of. */
export function drawOutdated(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(1, 4),
    clients: random.int(1, 3),
    callsPerSession: random.int(20, 60),
    networkDelayMs: random.real(0.1, 2),
    diskDelayMs: random.real(0.2, 10),
    checkpointIntervalMs: random.pick([10, 30]),
    decisionGraceMs: random.pick([0, 20]),
    maxStarts: random.pick([2, MAX_FINDER_STARTS]),
    restartMs: 5,
    pauseMs: random.pick([50, 200]),
    faultsForMs: random.real(500, 2000),
    rates: {
      ...(random.chance(0.5) ? rates : QUIET_WORLD.rates),
      staleFinder: 5,
      crashFinder: 3,
      crashThenCutPower: 4,
      crashDecidingFinder: 2,
      crashWorker: 2,
    },
  };
}

/** Volumes with many large files rot, and their workers go back to what is there. */
export function drawRotten(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(1, 3),
    callsPerSession: random.int(20, 60),
    diskDelayMs: random.real(0.2, 5),
    stateBytes: 270_000,
    resultBytes: random.pick([0, 20_000]),
    checkpointIntervalMs: random.pick([10, 30]),
    restartMs: 5,
    pauseMs: 20,
    faultsForMs: random.real(500, 1500),
    rates: { ...rates, rotVolume: 8, crashWorker: 4, addWorker: 4 },
  };
}
