/** What workers keep and answer within their limits: batches, sessions, replies and versions, and what sealing costs. */
import type { Worker } from '../../../services/core/index.ts';
import { REPLY_BYTES, type SessionEntry } from '../../../services/core/worker/session-table.ts';
import { upTime } from '../../../services/core/worker/state.ts';
import { AMOUNT_BYTES, INDEX_BYTES } from '../../../services/counter/operations.ts';
import type { Batch, Message } from '../../../services/protocol/index.ts';
import { NAME_BYTES } from '../operations.ts';
import { QUIET_WORLD } from '../options.ts';
import { HOSTILE_ORIGIN } from '../ports.ts';
import { violated, type Truth } from './truth.ts';

/** Of a call that is no counter's, without what a world adds to its results. */
const RESULT_BYTES = 8;
/** How much larger results of a counter are than its operations, where each of them overflows. */
const COUNTER_GROWTH = (AMOUNT_BYTES + INDEX_BYTES) / AMOUNT_BYTES;

function sum<T>(items: Iterable<T>, bytes: (item: T) => number): number {
  let all = 0;
  for (const item of items) all += bytes(item);
  return all;
}

function repliesOf({ entries }: Worker['sessions']): number {
  return sum(entries.values(), ({ replies }) => sum(replies, ({ results }) => REPLY_BYTES + results.length));
}

export function checkWorkerLimits({ worldOf }: Truth) {
  /** The newest version of all workers, and the clock's tick at which a seal began it. */
  const newestOfAll = { version: 0, tick: -1 };
  /** The newest connection that a batch in flight came on. */
  const cameOn = new WeakMap<object, number>();
  /** The least bytes of replies that a table had, after any step since it was made. */
  const leastReplies = new WeakMap<Worker['sessions'], number>();
  /** Sessions that hostile clients began here, also if a rollback took them back since. */
  const hostile = new WeakMap<Worker, Set<string>>();
  /** The sessions that were closed, after its last step. */
  const closedAt = new WeakMap<Worker, readonly SessionEntry[]>();

  /** Everything that grows has a limit. */
  function workerStepped(worker: Worker): void {
    noteGivenWay(worker);
    checkLimits(worker);
  }

  /** A session that was closed has left the table, and others want its room, long before it would expire. */
  function noteGivenWay(worker: Worker): void {
    const { sessions, config } = worker;
    if (config.maxSessions === QUIET_WORLD.maxSessions) return;
    for (const entry of closedAt.get(worker) ?? [])
      if (entry.gone && upTime(worker) - entry.activeAt <= config.endedExpiryMs)
        worldOf().reached('a closed session gave way early');
    closedAt.set(
      worker,
      [...sessions.entries.values()].filter(({ ended }) => ended),
    );
  }

  function checkLimits({
    config,
    waiting,
    waitingBytes,
    sessions,
    unwritten,
    unwrittenBytes,
    uncommitted,
    decisions: known,
  }: Worker): void {
    const within = (what: string, is: number, limit: number): void => {
      if (is > limit) violated(12, `worker ${config.id} has ${is} ${what}, and the limit is ${limit}`);
    };
    const accounted = (what: string, is: number, account: number): void => {
      if (is !== account) violated(12, `worker ${config.id} has ${is} ${what}, and accounts for ${account}`);
    };
    within('batches that wait', waiting.length, config.maxWaitingBatches);
    within('bytes that wait', waitingBytes, config.maxWaitingBytes);
    within('sessions', sessions.entries.size, config.maxSessions);
    accounted('bytes of replies', repliesOf(sessions), sessions.replyBytes);
    accounted(
      'unwritten bytes',
      sum(unwritten, ({ sectionBytes }) => sectionBytes),
      unwrittenBytes,
    );
    // Replies are expected to be as large as the operations.
    const namedGrowth = (REPLY_BYTES + RESULT_BYTES + worldOf().options.resultBytes) / (REPLY_BYTES + NAME_BYTES);
    const growth = Math.max(namedGrowth, COUNTER_GROWTH);
    within('bytes of replies', sessions.replyBytes, Math.max(config.maxReplyBytes * growth, restoredReplies(sessions)));
    // The one that reached the limit is among them, and as with versions, one more was open.
    const before = sum(unwritten.slice(0, -2), ({ sectionBytes }) => sectionBytes);
    within('unwritten bytes, before the last', before, config.maxUnwrittenBytes);
    within('decisions', known.length, config.maxDecisions);
    // One version more was open when the limit was reached.
    within('unwritten versions', unwritten.length, config.maxUnwrittenVersions + 1);
    within('uncommitted versions', unwritten.length + uncommitted.length, config.maxUncommittedCheckpoints + 1);
  }

  /**
   * A checkpoint brings replies back that were acknowledged after their section was written, and so perhaps more than may be kept.
   * @returns how many bytes of replies are left of what the table began with, if none were added above the limit
   */
  function restoredReplies(sessions: Worker['sessions']): number {
    const most = leastReplies.get(sessions) ?? sessions.replyBytes;
    leastReplies.set(sessions, Math.min(most, sessions.replyBytes));
    return most;
  }

  /** Frames came on a connection: a batch in flight is to be answered on the newest one that it came on. */
  function framesCame(worker: Worker, connection: number, messages: readonly Message[]): void {
    noteHostile(worker, connection, messages);
    for (const inFlight of worker.inFlight.values()) {
      const { batch } = inFlight;
      if (batch.worldLine !== worker.worldLine || !messages.some((message) => isSameBatch(message, batch))) continue;
      const newest = Math.max(connection, cameOn.get(inFlight) ?? inFlight.connection);
      cameOn.set(inFlight, newest);
      if (inFlight.connection === newest) continue;
      const text = `batch ${batch.sequence} of session ${batch.session} came on connection ${newest} of worker ${worker.config.id}`;
      violated(12, `${text}, and is to be answered on ${inFlight.connection}`);
    }
  }

  function noteHostile(worker: Worker, connection: number, messages: readonly Message[]): void {
    if (worker.origins.get(connection) !== HOSTILE_ORIGIN) return;
    const began = hostile.get(worker) ?? new Set();
    hostile.set(worker, began);
    for (const message of messages) {
      if (message.kind !== 'batch') continue;
      if (worker.sessions.entries.get(message.session)?.begunOn === connection) began.add(message.session);
    }
  }

  /** A client at an address that has no session here is refused one only where no room is left, and never because another has most of it. */
  function answered(worker: Worker, connection: number, message: Message): void {
    if (message.kind !== 'error' || message.code !== 'tooManySessions') return;
    const origin = worker.origins.get(connection);
    if (origin === undefined || origin === HOSTILE_ORIGIN) {
      if (origin !== undefined) worldOf().reached('a hostile client was refused another session');
      return;
    }
    const { entries, holdings } = worker.sessions;
    const { maxSessions, id } = worker.config;
    const taken = [...(hostile.get(worker) ?? [])].filter((session) => entries.has(session)).length;
    if (taken > Math.ceil(maxSessions / 2))
      violated(18, `worker ${id} refuses ${origin} a session, and remembers ${taken} of a hostile client`);
    if (entries.size < maxSessions && (holdings.get(origin)?.sessions ?? 0) === 0)
      violated(18, `worker ${id} refuses ${origin} its first session, and remembers ${entries.size} of ${maxSessions}`);
  }

  /** A session's replies are kept in the order of its batches, so that those that the client has are let go. */
  function checkReplies({ config, sessions }: Worker): void {
    for (const { replies } of sessions.entries.values()) {
      if (replies.length > config.maxUnacknowledgedBatches)
        violated(12, `worker ${config.id} keeps ${replies.length} replies of a session`);
      if (replies.some(({ sequence }, at) => sequence <= (replies[at - 1]?.sequence ?? 0)))
        violated(13, `worker ${config.id} keeps replies of a session out of order`);
    }
  }

  /**
   * Workers whose clocks agree begin one new version at a tick, all the same one, and not one for each seal of another. One that was
   * idle may make several checkpoints at a tick, since sessions bring it older versions one after another; but it seals each
   * version once, so over time it makes no more of them than there are ticks.
   */
  function checkCost({ config, clock, version }: Worker): void {
    const { options } = worldOf();
    const hasFaults = Object.values(options.rates).some((rate) => rate > 0);
    if (
      hasFaults ||
      options.hostileClients > 0 ||
      options.clockSkewMs > 0 ||
      options.commitChance > 0 ||
      options.asyncStateChance > 0
    )
      return;
    worldOf().reached('seal in a steady world');
    if (version <= newestOfAll.version) return;
    const tick = Math.floor(clock / config.checkpointIntervalMs);
    if (tick === newestOfAll.tick) {
      violated(12, `worker ${config.id} begins version ${version} at the tick at which ${newestOfAll.version} began`);
    }
    Object.assign(newestOfAll, { version, tick });
  }

  return { workerStepped, framesCame, answered, checkReplies, checkCost };
}

function isSameBatch(message: Message, { session, sequence, worldLine }: Batch): boolean {
  return (
    message.kind === 'batch' &&
    message.session === session &&
    message.sequence === sequence &&
    message.worldLine === worldLine
  );
}
