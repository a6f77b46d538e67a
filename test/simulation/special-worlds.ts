/** Worlds in which a situation that is rare elsewhere is frequent. What a draw does not name is as the usual world has it. */
import { MAX_DECISIONS, MAX_FINDER_STARTS, MAX_VERSION_JUMP, MAX_WORKERS } from '../../services/protocol/index.ts';
import { QUIET_WORLD, type WorldOptions } from './options.ts';
import type { Random } from './random.ts';

interface SpecialWorld {
  /** Of the seeds; the others are of the usual kind. */
  readonly share: number;
  readonly draw: (random: Random, usual: WorldOptions) => Partial<WorldOptions>;
}

export const SPECIAL_WORLDS = {
  steady: { share: 0.02, draw: drawSteady },
  expiry: { share: 0.04, draw: drawExpiry },
  hectic: { share: 0.11, draw: drawHectic },
  succession: { share: 0.08, draw: drawSuccession },
  young: { share: 0.05, draw: drawYoung },
  remote: { share: 0.06, draw: drawRemote },
  stops: { share: 0.06, draw: drawStops },
  sleepers: { share: 0.04, draw: drawSleepers },
  leaving: { share: 0.06, draw: drawLeaving },
  powerless: { share: 0.05, draw: drawPowerless },
  short: { share: 0.06, draw: drawShort },
  rotten: { share: 0.03, draw: drawRotten },
  forgetful: { share: 0.02, draw: drawForgetful },
  revenants: { share: 0.02, draw: drawRevenants },
  resets: { share: 0.05, draw: drawResets },
  clogs: { share: 0.03, draw: drawClogs },
  undone: { share: 0.02, draw: drawUndone },
  cramped: { share: 0.02, draw: drawCramped },
  turnover: { share: 0.04, draw: drawTurnover },
  outdated: { share: 0.02, draw: drawOutdated },
  hostile: { share: 0.03, draw: drawHostile },
} as const satisfies Readonly<Record<string, SpecialWorld>>;
export type SpecialWorldName = keyof typeof SPECIAL_WORLDS;
export const SPECIAL_WORLD_NAMES = Object.keys(SPECIAL_WORLDS) as SpecialWorldName[];

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
    stayChance: 0,
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

/** Workers have room for few sessions and replies, so that those which are idle, and those which were closed, give way. */
function drawCramped(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  const [retryLimitMs, endedExpiryMs] = [300, 300];
  return {
    workers: random.int(1, 3),
    clients: random.int(2, 4),
    sessionsPerClient: 2,
    callsPerSession: random.int(5, 25),
    abandonChance: 0.5,
    stayChance: random.pick([0, 0.8]),
    thinkMs: random.pick([10, 200]),
    maxInFlight: random.pick([1, 4]),
    networkDelayMs: random.real(0.1, 2),
    halfOpenMs: 50,
    resultBytes: 0,
    maxUnwrittenVersions: 16,
    maxUnwrittenBytes: random.pick([200, 1_000]),
    maxWaitingBatches: 1000,
    maxSessions: random.pick([3, 6, QUIET_WORLD.maxSessions]),
    maxReplyBytes: random.pick([1_100, 3_000]),
    asyncStateChance: random.pick([0, 0, 1]),
    pauseMs: 20,
    retryLimitMs,
    endedExpiryMs,
    giveWayMs: retryLimitMs + endedExpiryMs,
    replyGiveWayMs: random.pick([30, 200]),
    sessionExpiryMs: 5_000,
    faultsForMs: random.real(1000, 4000),
    rates: { ...rates, cutConnection: random.pick([5, 20]), resetConnection: random.pick([0, 10]) },
  };
}

/**
 * Short sessions come and go at workers that have room for few, while copies of their batches are still on their way: those that were
 * closed give way as soon as nothing of theirs can come any more.
 */
function drawTurnover(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  const [retryLimitMs, endedExpiryMs] = [300, 2_000];
  // Rollbacks that go far back, or hardly any.
  const [crashWorker, checkpointIntervalMs] = random.pick([
    [0, 10],
    [0, 30],
    [8, 200],
    [8, 200],
  ] as const);
  return {
    workers: 2,
    clients: random.int(1, 4),
    sessionsPerClient: random.int(1, 2),
    sessionsInTurn: 40,
    callsPerSession: random.int(1, 3),
    strictChance: 0,
    abandonChance: 0.3,
    closeChance: random.pick([0.95, 1]),
    stayChance: 0.8,
    thinkMs: random.pick([2, 8]),
    networkDelayMs: random.real(0.1, 2),
    diskDelayMs: random.real(0.2, 2),
    diskErrorChance: 0,
    halfOpenMs: 100,
    heldMs: 300,
    resultBytes: 0,
    checkpointIntervalMs,
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    maxWaitingBatches: 1000,
    maxSessions: random.pick([4, 6, 10, 20, 20]),
    asyncStateChance: 0,
    restartMs: 5,
    pauseMs: 30,
    retryLimitMs,
    endedExpiryMs,
    giveWayMs: retryLimitMs + endedExpiryMs,
    pingMs: random.pick([5, 25, 80]),
    sessionExpiryMs: 10_000,
    faultsForMs: random.real(300, 1500),
    rates: {
      ...(random.chance(0.5) ? QUIET_WORLD.rates : rates),
      cutConnection: random.pick([0, 10]),
      clogConnection: random.pick([0, 10]),
      resetConnection: random.pick([30, 100]),
      crashWorker,
    },
  };
}

/** Workers forget sessions whose last calls are not committed yet, and remember them after the next rollback. */
function drawForgetful(random: Random): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(1, 3),
    sessionsPerClient: 2,
    callsPerSession: random.int(10, 30),
    stayChance: 0,
    thinkMs: 100,
    networkDelayMs: random.real(1, 5),
    diskDelayMs: random.real(5, 40),
    diskErrorChance: 0,
    halfOpenMs: 20,
    checkpointIntervalMs: random.pick([10, 30]),
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    clockSkewMs: 0,
    restartMs: 5,
    pauseMs: 20,
    retryLimitMs: 40,
    sessionExpiryMs: 60,
    faultsForMs: random.real(1000, 2000),
    rates: { ...QUIET_WORLD.rates, crashWorker: 15 },
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
function drawSuccession(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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

/**
 * Workers are added all the time, and lose their volumes before anything of theirs is committed: nothing but what they reported says
 * that something is missing, and the Finder's slow disk keeps that from the cut.
 */
function drawYoung(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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

/** States live in slow processes, so that a rollback waits for batches while checkpoints from before it are still being written. */
function drawRemote(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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
    executionMs: random.pick([5, 10, 40]),
    restartMs: 5,
    faultsForMs: random.real(800, 2000),
    rates: { ...rates, crashWorker: 10, cutConnection: random.pick([0, 8]), clogConnection: 10, resetConnection: 10 },
  };
}

/** Workers stop cleanly before everything is committed, crash soon after they are back, and others crash while they are away. */
function drawStops(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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
function drawSleepers(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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

/** Workers come and go, and the cut is slow to cover what those did that leave; perhaps no rollback covers up what was forgotten. */
function drawLeaving(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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
function drawRevenants(random: Random): Partial<WorldOptions> {
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

/** Clients lose connections that their worker still believes in, with batches that wait there; nothing comes after the last calls. */
function drawResets(random: Random): Partial<WorldOptions> {
  return {
    workers: 1,
    clients: 4,
    sessionsPerClient: 1,
    callsPerSession: random.int(4, 12),
    strictChance: 0,
    stayChance: 0.8,
    abandonChance: 0,
    thinkMs: 10,
    maxInFlight: 1,
    networkDelayMs: random.real(0.2, 1),
    diskDelayMs: random.real(3, 20),
    diskErrorChance: 0,
    checkpointIntervalMs: random.pick([10, 30]),
    maxUnwrittenVersions: 1,
    maxUncommittedCheckpoints: 2,
    maxWaitingBatches: 1,
    asyncStateChance: 0,
    pauseMs: 50,
    faultsForMs: random.real(300, 800),
    rates: { ...QUIET_WORLD.rates, resetConnection: 100, clogFinder: 20 },
  };
}

/**
 * A worker's replies, and its first cut after a rollback, are held back until others have told the client of the rollback: what is
 * committed then follows from the decision alone. Sessions end soon after, so that no later cut covers it up.
 */
function drawClogs(random: Random): Partial<WorldOptions> {
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

/** Disks fail writes, and power fails after that, or right after a start that read what was never synced. */
function drawPowerless(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(1, 3),
    clients: random.int(1, 2),
    callsPerSession: random.int(20, 60),
    diskErrorChance: random.pick([0, 0.005, 0.03, 0.1]),
    checkpointIntervalMs: random.pick([10, 30]),
    restartMs: 5,
    faultsForMs: random.real(300, 1500),
    rates: { ...rates, crashThenCutPower: 20, cutPower: 2, crashDecidingFinder: 3, slowDisk: 2 },
  };
}

/** The Finder gets old copies of its disk, also of records that it made durable and did not live to tell of. */
function drawOutdated(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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
function drawRotten(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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

/** Sessions are short, and what happens to their last calls is not covered up by later ones: connections break, and workers crash. */
function drawShort(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(3, 6),
    clients: random.int(1, 3),
    callsPerSession: random.int(3, 12),
    checkpointIntervalMs: random.pick([30, 100]),
    maxUncommittedCheckpoints: random.pick([2, 5]),
    replayChance: 0,
    stayChance: random.pick([0.5, 0.8]),
    diskDelayMs: random.real(5, 30),
    faultsForMs: random.real(100, 500),
    rates: { ...rates, cutConnection: 20, resetConnection: 5, crashWorker: 5, crashClient: random.pick([0, 2]) },
  };
}

/** Clients that are broken or hostile, at workers of which some are idle, away or removed, and whose clocks do not agree. */
function drawHostile(random: Random, { rates, sessionsPerClient }: WorldOptions): Partial<WorldOptions> {
  const workers = random.int(2, 4);
  const clients = random.int(1, 3);
  return {
    workers,
    clients,
    hostileClients: random.int(1, 2),
    callsPerSession: random.int(10, 60),
    stayChance: random.pick([0, 0.8]),
    thinkMs: random.pick([5, 20]),
    networkDelayMs: random.real(0.1, 3),
    diskDelayMs: random.real(0.2, 3),
    checkpointIntervalMs: random.pick([10, 30]),
    maxVersionJump: random.pick([20, 500, MAX_VERSION_JUMP]),
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: random.pick([20, 1000]),
    maxWaitingBatches: 1000,
    clockSkewMs: random.pick([0, 2000, 100_000]),
    restartMs: 5,
    pauseMs: 50,
    faultsForMs: random.real(300, 1500),
    rates: random.chance(0.5)
      ? QUIET_WORLD.rates
      : { ...rates, crashWorker: 1, stopWorker: 1, removeWorker: 1, addWorker: 1, jumpClock: 1 },
    // As few as leave all others room enough beside a client that takes the half that it gets; or so many that none is refused.
    maxSessions: random.pick([2 * sessionsPerClient * (clients + 1), QUIET_WORLD.maxSessions]),
  };
}

/** Workers are removed and brought back while they are used, and crash before they have committed anything anew. */
function drawUndone(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  return {
    workers: random.int(2, 4),
    clients: random.int(2, 3),
    callsPerSession: random.int(60, 120),
    thinkMs: 15,
    maxInFlight: 4,
    networkDelayMs: random.real(0.3, 3),
    diskDelayMs: random.real(0.3, 5),
    replayChance: 1,
    restartMs: 20,
    faultsForMs: random.real(500, 1500),
    rates: { ...rates, addWorker: 15, removeWorker: 3, forceRemoveWorker: 4, crashWorker: 6 },
  };
}
