/** What an application may choose. */
import {
  A_BOOLEAN,
  A_COUNT,
  A_FUNCTION,
  A_SECRET,
  A_SIGNAL,
  AN_ADDRESS,
  checkOptions,
  oneOf,
  type Rule,
  type Rules,
} from './check-options.ts';
import { MAX_TIME_MS } from './limits.ts';
import type { RollbackReport } from './session/rollback-report.ts';

export interface ConnectOptions {
  /** Where the Finder's public port is, such as `ws://localhost:6379` or, behind TLS, `wss://dpr.example.com:6379`. */
  readonly cluster: string;
  /** The token that the cluster asks of its clients, if it does. */
  readonly token?: string | undefined;
  /** PEM certificates to trust instead of the well-known ones, for `wss://`. */
  readonly ca?: string | undefined;
  /** Stops connecting; a cluster that is connected is closed with `close()`. */
  readonly signal?: AbortSignal | undefined;
  /** How long to keep trying to reach the Finder, ms. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Whether to keep trying, for `connectTimeoutMs`, although nothing listens at the Finder's address, its host has none, or it refuses
   * such requests: true unless given. False: the first such answer is the end of it.
   */
  readonly awaitFinder?: boolean | undefined;
  /** How long one attempt to connect and greet may take, ms. */
  readonly attemptTimeoutMs?: number | undefined;
  /** A peer that sends nothing for this long, not even the answer to a ping, is connected to anew, ms. */
  readonly receiveTimeoutMs?: number | undefined;
  /** How often the Finder is asked whether workers came or went, ms. */
  readonly membershipPollMs?: number | undefined;
  /**
   * How long a worker may refuse what the Finder accepts, as while a token is being changed, ms. After that, sessions that wait for
   * it end.
   */
  readonly refusalTimeoutMs?: number | undefined;
  /** Told of what happens behind the scenes: connections, memberships, rollbacks. */
  readonly log?: ((entry: LogEntry) => void) | undefined;
}

export interface LogEntry {
  readonly level: 'info' | 'warn';
  readonly event: 'connected' | 'disconnected' | 'membership' | 'rollback' | 'sessionEnded';
  readonly message: string;
}

export interface SessionOptions {
  /**
   * `strict` (the default): after a failure, what survives is exactly a prefix of what the session did; it waits for its
   * outstanding replies before it turns to another worker. `relaxed`: it does not wait, and calls that were in flight together
   * may survive without each other.
   */
  readonly mode?: 'strict' | 'relaxed' | undefined;
  /** Issue again, by itself and in order, what a failure took. Without it, RollbackError tells the application. */
  readonly replay?: boolean | undefined;
  /** Told of each failure that took something of this session, replayed or not. */
  readonly onRollback?: ((report: RollbackReport) => void) | undefined;
  /** When as much is uncommitted as may be: `wait` (the default) keeps further calls back, `reject` refuses them. */
  readonly whenFull?: 'wait' | 'reject' | undefined;
  /** Operations that may be sent and not committed; further ones wait. */
  readonly maxUncommittedOperations?: number | undefined;
  /** Bytes of such operations. */
  readonly maxUncommittedBytes?: number | undefined;
}

export interface CallOptions {
  /**
   * Stops waiting. What was called may execute all the same: only a failure takes back what was sent. For a time-out, pass
   * `AbortSignal.timeout(ms)`.
   */
  readonly signal?: AbortSignal | undefined;
}

const A_TIME: Rule = {
  expected: `milliseconds above 0, up to ${MAX_TIME_MS}`,
  accepts: (value) => typeof value === 'number' && value > 0 && value <= MAX_TIME_MS,
  fault: RangeError,
};

export const CONNECT_RULES: Rules<ConnectOptions> = {
  cluster: AN_ADDRESS,
  token: A_SECRET,
  ca: A_SECRET,
  signal: A_SIGNAL,
  connectTimeoutMs: A_TIME,
  awaitFinder: A_BOOLEAN,
  attemptTimeoutMs: A_TIME,
  receiveTimeoutMs: A_TIME,
  membershipPollMs: A_TIME,
  refusalTimeoutMs: A_TIME,
  log: A_FUNCTION,
};

export const SESSION_RULES: Rules<SessionOptions> = {
  mode: oneOf('strict', 'relaxed'),
  replay: A_BOOLEAN,
  onRollback: A_FUNCTION,
  whenFull: oneOf('wait', 'reject'),
  maxUncommittedOperations: A_COUNT,
  maxUncommittedBytes: A_COUNT,
};

const CALL_RULES: Rules<CallOptions> = { signal: A_SIGNAL };

/** @returns the signal of a call. @throws TypeError when the options are not those of a call */
export function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  checkOptions('call', options, CALL_RULES);
  return options.signal;
}
