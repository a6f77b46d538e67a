/** How many calls a caller may make in a time, counted in a store: by rate-limiter-flexible, or exactly, by one transaction. */
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedisNonAtomic } from 'rate-limiter-flexible';
import { repeatAfterRollback } from './rollback.ts';

/** `points`: calls that each may make in `duration`, seconds. */
export interface Limit {
  readonly points: number;
  readonly duration: number;
}

/**
 * A limiter of the library: `consume(who)` rejects beyond the limit. It reads and writes in two steps, so that calls at the same moment may
 * count as one. While the store does not execute commands, for a rollback or since it is away, each process counts for itself.
 */
export function createLimiter(storeClient: Redis, { points, duration }: Limit): RateLimiterRedisNonAtomic {
  const insuranceLimiter = new RateLimiterMemory({ points, duration });
  return new RateLimiterRedisNonAtomic({ storeClient, keyPrefix: 'calls', points, duration, insuranceLimiter });
}

/** Counts every call: what the library does by a script elsewhere is one transaction. @returns the calls in this time, this one included */
export async function countCall(client: Redis, who: string, { duration }: Limit): Promise<number> {
  const key = `exact:${who}`;
  const replies = await repeatAfterRollback(() => client.multi().set(key, 0, 'EX', duration, 'NX').incr(key).exec());
  const [error, calls] = replies?.[1] ?? [];
  if (error) throw error;
  return Number(calls);
}
