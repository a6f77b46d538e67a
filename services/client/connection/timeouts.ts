/** The times that an application may choose. */
import type { Timing } from './connection.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  MEMBERSHIP_POLL_MS,
  RECEIVE_TIMEOUT_MS,
  REFUSAL_TIMEOUT_MS,
} from '../limits.ts';
import type { ConnectOptions } from '../options.ts';

export interface Timeouts {
  readonly connectTimeoutMs: number;
  readonly membershipPollMs: number;
  readonly refusalTimeoutMs: number;
  readonly timing: Timing;
}

export function timeoutsOf(options: ConnectOptions): Timeouts {
  const time = (name: keyof typeof DEFAULTS): number => options[name] ?? DEFAULTS[name];
  return {
    connectTimeoutMs: time('connectTimeoutMs'),
    membershipPollMs: time('membershipPollMs'),
    refusalTimeoutMs: time('refusalTimeoutMs'),
    timing: { attemptTimeoutMs: time('attemptTimeoutMs'), receiveTimeoutMs: time('receiveTimeoutMs') },
  };
}

const DEFAULTS = {
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
  receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
  membershipPollMs: MEMBERSHIP_POLL_MS,
  refusalTimeoutMs: REFUSAL_TIMEOUT_MS,
};
