/** Results that are dear to make, kept for a minute in a store by Keyv. */
import { createClient, createKeyv } from '@keyv/redis';
import { repeatAfterRollback, WAITAOF } from './rollback.ts';

const NAMESPACE = 'cache';
const KEPT_MS = 60_000;

export interface Cache<Value> {
  /** What is kept, or what `make` gives, which is then kept. */
  get(key: string, make: () => Promise<Value>): Promise<Value>;
  /** What it was made of has changed: afterwards no failure brings the old value back. */
  forget(key: string): Promise<void>;
  close(): Promise<void>;
}

/** @param failed is told what the store did not execute, a rollback among it: to the cache, that is a miss */
export async function connectCache<Value>(url: string, failed: (error: unknown) => void): Promise<Cache<Value>> {
  const client = createClient({ url });
  const keyv = createKeyv(client, { namespace: NAMESPACE });
  keyv.on('error', failed);
  await client.connect();
  return {
    async get(key, make) {
      const kept = await keyv.get<Value>(key);
      if (kept !== undefined) return kept;
      const made = await make();
      await keyv.set(key, made, KEPT_MS);
      return made;
    },
    async forget(key) {
      const remove = () => Promise.all([client.unlink(`${NAMESPACE}::${key}`), client.sendCommand(WAITAOF)]);
      await repeatAfterRollback(remove);
    },
    async close() {
      await keyv.disconnect();
    },
  };
}
