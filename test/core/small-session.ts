/** A session alone, with limits that a test can reach. */
import { createSession, type Session, type SessionConfig } from '@dpr/core';

export function smallSession(options: Pick<SessionConfig, 'id' | 'mode'>): Session {
  return createSession({
    worldLine: 1,
    replay: false,
    maxInFlight: 16,
    retryMs: 10,
    maxRetryMs: 100,
    retryLimitMs: 60_000,
    absurdRetryLimitMs: 60_000,
    ...options,
  });
}
