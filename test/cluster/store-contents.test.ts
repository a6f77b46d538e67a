import assert from 'node:assert/strict';
import { storeType } from '@dpr/store/client';
import { bundledProgram, clientOf, makePlace, tearDown } from './harness.ts';

const WORKERS = [0, 1];
const KEYS = 2_000;
/** So much that sections do not fit into the manifest. */
const VALUE_BYTES = 400;
const CHANGES = 400;
const KILLS = 4;

describe('stores in a cluster', () => {
  const program = bundledProgram('services/store/main.ts');

  afterEach(tearDown);

  it('hold exactly what a client wrote, while one of them is killed under load, and the other goes back in memory', async () => {
    const place = await makePlace({
      workers: WORKERS.map((id) => ({ id, type: 'store' })),
      commands: { store: ['node', program] },
    });
    await place.start();
    const session = (await clientOf(place)).session({ replay: true });
    const stores = WORKERS.map((id) => ({ store: session.worker(id, storeType), record: new Map<string, string>() }));
    let changed = 0;

    function change(keys: readonly string[]): Promise<unknown> {
      const writes = stores.map(({ store, record }) => {
        const list = keys.map((key) => ({ key, value: `${++changed} `.repeat(VALUE_BYTES).slice(0, VALUE_BYTES) }));
        for (const { key, value } of list) record.set(key, value);
        return store.setAll(list);
      });
      return Promise.all(writes);
    }

    function remove(keys: readonly string[]): Promise<unknown> {
      const removals = stores.map(({ store, record }) => {
        for (const key of keys) record.delete(key);
        return store.deleteAll(keys);
      });
      return Promise.all(removals);
    }

    async function contentsAreExact(): Promise<void> {
      for (const { store, record } of stores) {
        for (let at = 0; at < KEYS; at += CHANGES) {
          const keys = Array.from({ length: CHANGES }, (_, index) => `key-${at + index}`);
          const found = await store.getAll(keys);
          assert.deepEqual(
            found.map((one) => one && Buffer.from(one.value).toString()),
            keys.map((key) => record.get(key)),
          );
        }
      }
    }

    for (let kill = 0; kill < KILLS; kill++) {
      const turns = [0, 1, 2, 3].map((turn) =>
        Array.from({ length: CHANGES }, (_, index) => `key-${((kill * 4 + turn) * 617 + index * 3) % KEYS}`),
      );
      const writes = turns.flatMap((keys) => [change(keys), remove(keys.slice(0, 40))]);
      place.kill(`store-${kill % WORKERS.length}`);
      await Promise.all(writes);
      await session.commit();
      await contentsAreExact();
    }
    for (const id of WORKERS) place.kill(`store-${id}`);
    await contentsAreExact();
  });
});
