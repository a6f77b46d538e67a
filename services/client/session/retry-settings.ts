/** How a session sends batches, and sends them again. */
import type { SessionConfig } from '@dpr/core';
import { ABSURD_RETRY_LIMIT_MS, CLIENT_RETRY_LIMIT_MS } from '@dpr/protocol';
import { BATCH_RETRY_MS, MAX_BATCH_RETRY_MS, MAX_BATCHES_IN_FLIGHT } from '../limits.ts';

export type Sending = Pick<
  SessionConfig,
  'maxInFlight' | 'retryMs' | 'maxRetryMs' | 'retryLimitMs' | 'absurdRetryLimitMs'
>;

export const SENDING: Sending = {
  maxInFlight: MAX_BATCHES_IN_FLIGHT,
  retryMs: BATCH_RETRY_MS,
  maxRetryMs: MAX_BATCH_RETRY_MS,
  retryLimitMs: CLIENT_RETRY_LIMIT_MS,
  absurdRetryLimitMs: ABSURD_RETRY_LIMIT_MS,
};
