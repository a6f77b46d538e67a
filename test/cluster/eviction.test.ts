import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { tearDown } from './harness.ts';
import { startStore, STORE } from './served-store.ts';

const MIB = 1024 * 1024;
const MAX_MEMORY = 16 * MIB;
const VALUE = 'v'.repeat(1_000);
/** Keys that are written at a time. */
const BATCH = 250;
const HOT = Array.from({ length: 100 }, (_, number) => `hot-${number}`);

describe('a store in a cluster that evicts', () => {
  let client: Redis | undefined;

  afterEach(() => client?.disconnect());
  afterEach(tearDown);

  it('takes four times what it may keep, also while it is killed, and keeps keys that are used', async () => {
    const limits = { maxMemory: '16Mi', eviction: 'lru' };
    const { place, port } = await startStore({
      workers: [
        { id: 0, type: 'counter' },
        { id: STORE, type: 'store', ...limits },
      ],
    });
    const redis = (client = new Redis({ port, host: '127.0.0.1' }));
    client.on('error', () => undefined); // while the worker is away
    assert.deepEqual(await redis.config('GET', 'maxmemory*'), [
      ...['maxmemory', String(MAX_MEMORY)],
      ...['maxmemory-policy', 'allkeys-lru'],
    ]);
    const memory = async (name: string): Promise<number> =>
      Number(new RegExp(`\r\n${name}:(\\d+)\r\n`).exec(await redis.info())?.[1]);

    /** Write a part of the limit, and read the hot keys all the time. @param midst called once, halfway */
    const write = async (name: string, midst = (): unknown => undefined): Promise<void> => {
      const batches = MAX_MEMORY / VALUE.length / BATCH;
      for (let batch = 0; batch < batches; batch++) {
        const keys = Array.from({ length: BATCH }, (_, index) => `${name}-${batch}-${index}`);
        const sets = keys.map((key) => redis.set(key, VALUE));
        if (batch === Math.floor(batches / 2)) midst();
        for (const reply of await Promise.all(sets)) assert.equal(reply, 'OK');
        await redis.mget(HOT);
      }
    };
    const check = async (): Promise<void> => {
      assert.ok((await memory('used_memory')) <= MAX_MEMORY);
      const keys = await redis.dbsize();
      assert.ok(keys < MAX_MEMORY / VALUE.length && keys > 0.8 * (MAX_MEMORY / VALUE.length), `${keys} keys`);
      const hot = (await redis.mget(HOT)).filter((value) => value === 'hot').length;
      // A process that begins knows only when keys were written, so some of these go before they are read again.
      assert.ok(hot >= 80, `${hot} of the keys that are used`);
    };

    await Promise.all(HOT.map((key) => redis.set(key, 'hot')));
    await write('first');
    await write('second');
    assert.ok((await memory('evicted_keys')) > 10_000);
    await check();
    assert.deepEqual(await redis.call('WAITAOF', '1', '0', '0'), [1, 0]);
    await write('third', () => place.kill(`store-${STORE}`));
    await check();
    assert.deepEqual(await redis.call('WAITAOF', '1', '0', '0'), [1, 0]);
    place.kill(`store-${STORE}`);
    await check();
    await write('fourth');
    await check();
    assert.ok((await memory('evicted_keys')) > 10_000, 'a count of its new process');
  });
});
