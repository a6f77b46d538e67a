/** What a world is: its processes, its limits, and how often each fault strikes. Times in ms, rates in faults a second. */
import {
  ABSURD_RETRY_LIMIT_MS,
  CLIENT_RETRY_LIMIT_MS,
  ENDED_SESSION_EXPIRY_MS,
  MAX_DECISIONS,
  MAX_FINDER_STARTS,
  MAX_KEPT_REPLY_BYTES,
  MAX_SESSIONS,
  MAX_UNACKNOWLEDGED_BATCHES,
  MAX_UNWRITTEN_BYTES,
  MAX_VERSION_JUMP,
  MAX_WAITING_BYTES,
  MAX_WORKERS,
  REPLY_GIVE_WAY_MS,
  SESSION_EXPIRY_MS,
  SESSION_GIVE_WAY_MS,
} from '../../services/protocol/index.ts';
import { WORKER_DEFAULTS } from '../../services/core/index.ts';
import { RECEIVE_TIMEOUT_MS, SILENT_INTERVALS } from '../../services/runtime/keep-alive.ts';
import { LISTENER_LIMITS } from '../../services/runtime/listener-limits.ts';

export interface WorldOptions {
  readonly workers: number;
  readonly clients: number;
  /** At a time. */
  readonly sessionsPerClient: number;
  /** In the place of each of them, one after another; then each is left once all of its calls were made. */
  readonly sessionsInTurn: number;
  /** Clients that send all that the codec can carry. */
  readonly hostileClients: number;
  /** Clients that connect where they can and greet wrongly, by half, or not at all. */
  readonly intruders: number;
  readonly callsPerSession: number;
  readonly strictChance: number;
  readonly replayChance: number;
  /** A session is left in the middle of things. */
  readonly abandonChance: number;
  /** One that is left is closed, instead of without a word. */
  readonly closeChance: number;
  readonly commitChance: number;
  /** A session's next call is for the same worker again; otherwise for any. */
  readonly stayChance: number;
  readonly thinkMs: number;
  readonly maxInFlight: number;
  /** Mean of a message's way; one in a hundred takes twenty times as long. */
  readonly networkDelayMs: number;
  readonly diskDelayMs: number;
  /** Of each step of a disk. */
  readonly diskErrorChance: number;
  /** Of a client's connections, those that are accepted and never answered; and how long it waits for the answer. */
  readonly deafChance: number;
  readonly attemptTimeoutMs: number;
  /** Bytes that the systems of two processes hold in each direction; what is sent above that is kept by the sender. */
  readonly bufferBytes: number;
  /** A port's limits, as production's `LISTENER_LIMITS`: of what a peer has not read, and of times. */
  readonly pauseBytes: number;
  readonly closeBytes: number;
  readonly helloMs: number;
  readonly messageMs: number;
  readonly unreadMs: number;
  /** Of what all clients of a process have not read, and have sent in part. */
  readonly maxUnsentBytes: number;
  readonly maxReceivedBytes: number;
  /** Connections of a port, and of a process. */
  readonly maxConnections: number;
  readonly maxProcessConnections: number;
  readonly halfOpenChance: number;
  readonly halfOpenMs: number;
  /** How long a connection that its client gives up holds back what it was told, at most. */
  readonly heldMs: number;
  /** A snapshot has about this many bytes; large ones go into segments. */
  readonly stateBytes: number;
  /** A batch's results have about this many bytes; those of several batches, kept for their sessions, go into segments. */
  readonly resultBytes: number;
  readonly checkpointIntervalMs: number;
  readonly decisionGraceMs: number;
  readonly settleGraceMs: number;
  /** How often clients ask for the membership, on average. */
  readonly membershipPollMs: number;
  readonly maxUnwrittenVersions: number;
  readonly maxUncommittedCheckpoints: number;
  readonly maxWaitingBatches: number;
  readonly maxWaitingBytes: number;
  readonly catchUpBytes: number;
  readonly inputTurnMs: number;
  readonly maxUnacknowledgedBatches: number;
  readonly maxSessions: number;
  readonly maxReplyBytes: number;
  readonly maxUnwrittenBytes: number;
  /** Workers forget idle sessions after this long, ms; and clients give an unanswered batch up after `retryLimitMs`. */
  readonly sessionExpiryMs: number;
  /** The same for sessions that were closed; and where room is short, for those that were not, and for replies. */
  readonly endedExpiryMs: number;
  readonly giveWayMs: number;
  readonly replyGiveWayMs: number;
  /** How often workers ask their clients for a sign, behind which everything has come that these had sent before. */
  readonly pingMs: number;
  readonly retryLimitMs: number;
  readonly absurdRetryLimitMs: number;
  /** How far what a client claims to have seen may be ahead of what is known. */
  readonly maxVersionJump: number;
  /** Limits of the Finder's record. */
  readonly maxWorkers: number;
  readonly maxDecisions: number;
  readonly maxStarts: number;
  /** How far a worker's clock may be off, ms. */
  readonly clockSkewMs: number;
  /** Workers whose state lives in another process, so that batches end later than they begin. */
  readonly asyncStateChance: number;
  /** Mean of a batch's time there. */
  readonly executionMs: number;
  /** Workers whose state is incremental, and never in another process. */
  readonly incrementalChance: number;
  /** Of these, those whose state is in a store. */
  readonly storeShare: number;
  /** A process dies between two effects of a step rather than between two events. */
  readonly midStepChance: number;
  /** A worker's process is paused once it has surveyed its volume, and another is started beside it. */
  readonly overtakenChance: number;
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
  'stallSocket',
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
  'replaceUnheard',
  'loseYoungVolume',
  'replaceJoiningWorker',
  'crashDecidingFinder',
  'clogFinder',
  'takeVolume',
  'takeRecord',
  'crashClient',
] as const;
export type FaultName = (typeof FAULTS)[number];
export type DiskFaultName = Extract<
  FaultName,
  | 'fillDisk'
  | 'slowDisk'
  | 'rotOldSlot'
  | 'rotRecord'
  | 'rotVolume'
  | 'lieAboutSync'
  | 'staleFinder'
  | 'takeVolume'
  | 'takeRecord'
>;

/** A world with one worker and one client in which nothing goes wrong: what a world is described by its difference from. */
export const QUIET_WORLD: WorldOptions = {
  workers: 1,
  clients: 1,
  sessionsPerClient: 1,
  sessionsInTurn: 1,
  hostileClients: 0,
  intruders: 0,
  callsPerSession: 5,
  strictChance: 1,
  replayChance: 0,
  abandonChance: 0,
  closeChance: 0.5,
  commitChance: 0,
  stayChance: 0,
  thinkMs: 10,
  maxInFlight: 1,
  networkDelayMs: 1,
  diskDelayMs: 1,
  deafChance: 0,
  attemptTimeoutMs: 3_000,
  bufferBytes: 1024 * 1024,
  pauseBytes: LISTENER_LIMITS.pauseBytes,
  closeBytes: LISTENER_LIMITS.closeBytes,
  helloMs: LISTENER_LIMITS.helloMs,
  messageMs: LISTENER_LIMITS.messageMs,
  unreadMs: LISTENER_LIMITS.unreadMs,
  maxUnsentBytes: 2 ** 30,
  maxReceivedBytes: 2 ** 30,
  maxConnections: LISTENER_LIMITS.connections,
  maxProcessConnections: 2 * LISTENER_LIMITS.connections,
  halfOpenChance: 0,
  halfOpenMs: 0,
  heldMs: 60,
  stateBytes: 0,
  resultBytes: 0,
  checkpointIntervalMs: 100,
  decisionGraceMs: 0,
  settleGraceMs: 200,
  membershipPollMs: 150,
  maxUnwrittenVersions: 16,
  maxUncommittedCheckpoints: 1000,
  maxWaitingBatches: 1000,
  maxWaitingBytes: MAX_WAITING_BYTES,
  catchUpBytes: WORKER_DEFAULTS.catchUpBytes,
  inputTurnMs: LISTENER_LIMITS.inputTurnMs,
  maxUnacknowledgedBatches: MAX_UNACKNOWLEDGED_BATCHES,
  maxSessions: MAX_SESSIONS,
  maxReplyBytes: MAX_KEPT_REPLY_BYTES,
  maxUnwrittenBytes: MAX_UNWRITTEN_BYTES,
  sessionExpiryMs: SESSION_EXPIRY_MS,
  endedExpiryMs: ENDED_SESSION_EXPIRY_MS,
  giveWayMs: SESSION_GIVE_WAY_MS,
  replyGiveWayMs: REPLY_GIVE_WAY_MS,
  pingMs: RECEIVE_TIMEOUT_MS / SILENT_INTERVALS,
  retryLimitMs: CLIENT_RETRY_LIMIT_MS,
  absurdRetryLimitMs: ABSURD_RETRY_LIMIT_MS,
  maxVersionJump: MAX_VERSION_JUMP,
  maxWorkers: MAX_WORKERS,
  maxDecisions: MAX_DECISIONS,
  maxStarts: MAX_FINDER_STARTS,
  clockSkewMs: 0,
  asyncStateChance: 0,
  executionMs: 1,
  incrementalChance: 0,
  storeShare: 0,
  diskErrorChance: 0,
  midStepChance: 0,
  overtakenChance: 0,
  restartMs: 50,
  pauseMs: 20,
  faultsForMs: 300,
  rates: Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<FaultName, number>,
};

/** How many sessions a client has, all in all. */
export function sessionsOfClient({ sessionsPerClient, sessionsInTurn }: WorldOptions): number {
  return sessionsPerClient * sessionsInTurn;
}

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
