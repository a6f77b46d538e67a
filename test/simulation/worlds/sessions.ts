/** Worlds of sessions and clients: short ones and idle ones, with little room, lost connections, and hostile peers. */
import { MAX_VERSION_JUMP } from '../../../services/protocol/index.ts';
import { QUIET_WORLD, type WorldOptions } from '../options.ts';
import type { Random } from '../random.ts';

/** Time enough, and pauses short enough, that sessions expire only where they may: long after clients have given up. */
export function drawExpiry(random: Random): Partial<WorldOptions> {
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

/** Sessions are short, and what happens to their last calls is not covered up by later ones: connections break, and workers crash. */
export function drawShort(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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

/** Workers have room for few sessions and replies, so that those which are idle, and those which were closed, give way. */
export function drawCramped(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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
export function drawTurnover(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
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
export function drawForgetful(random: Random): Partial<WorldOptions> {
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

/** Clients lose connections that their worker still believes in, with batches that wait there; nothing comes after the last calls. */
export function drawResets(random: Random): Partial<WorldOptions> {
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

/** Clients that are broken or hostile, at workers of which some are idle, away or removed, and whose clocks do not agree. */
export function drawHostile(random: Random, { rates, sessionsPerClient }: WorldOptions): Partial<WorldOptions> {
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
    maxUncommittedCheckpoints: random.pick([3, 20, 1000]),
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

/**
 * Intruders take connections and memory of ports that have few of them, peers stop reading, and what both sides hold of what was not
 * read is little. Processes are not paused, since a port of one that stands still closes no connection.
 */
export function drawCrowded(random: Random, { rates }: WorldOptions): Partial<WorldOptions> {
  const { resetConnection, crashWorker, crashFinder, crashClient } = rates;
  const clients = random.int(1, 3);
  const maxConnections = 4 * (clients + 2);
  return {
    workers: random.int(1, 3),
    clients,
    intruders: random.int(0, 2),
    callsPerSession: random.int(10, 40),
    thinkMs: random.pick([2, 10, 50]),
    maxInFlight: random.pick([4, 16]),
    networkDelayMs: random.real(0.1, 2),
    diskDelayMs: random.real(0.2, 3),
    halfOpenMs: 50,
    maxSessions: QUIET_WORLD.maxSessions,
    resultBytes: 0,
    bufferBytes: random.pick([100, 1_000, QUIET_WORLD.bufferBytes]),
    pauseBytes: random.pick([100, 1_000]),
    closeBytes: 50_000,
    maxUnsentBytes: random.pick([100_000, QUIET_WORLD.maxUnsentBytes]),
    helloMs: random.pick([50, 300]),
    messageMs: random.pick([300, 1_000]),
    unreadMs: random.pick([300, 1_000]),
    pingMs: random.pick([100, 500]),
    maxConnections,
    maxProcessConnections: random.pick([maxConnections + 4, 4 * maxConnections]),
    attemptTimeoutMs: random.pick([200, 3_000]),
    restartMs: 20,
    pauseMs: 50,
    faultsForMs: random.real(1_000, 4_000),
    rates: {
      ...QUIET_WORLD.rates,
      ...{ resetConnection, crashWorker, crashFinder, crashClient },
      cutConnection: random.pick([10, 40]),
      stallSocket: random.pick([5, 20]),
    },
  };
}
