import { createEngine } from '@dpr/store/engine';
import assert from 'node:assert/strict';
import { WAITING_RECORDS } from '../../../services/store/engine/loading.ts';
import { createRandom } from '../../simulation/random.ts';
import { driver, OPTIONS } from './driver.ts';

const ONE_TABLE = { ...OPTIONS, tableBits: 1 };

/** An engine that was given the chunks of several versions, and has two tables. */
function load(chunks: readonly Uint8Array[]): ReturnType<typeof driver> {
  const engine = createEngine(ONE_TABLE);
  const loader = engine.load();
  for (const chunk of chunks) loader.take(chunk);
  loader.end(1_000);
  return driver(engine);
}

/** The changes of a version, in chunks of a few records each. */
function sealed({ engine }: ReturnType<typeof driver>, version: number): Uint8Array[] {
  const changes = engine.seal(version);
  const chunks: Uint8Array[] = [];
  for (let chunk = changes.next(200); chunk !== undefined; chunk = changes.next(200)) chunks.push(chunk);
  return chunks;
}

describe('the loading of a store', () => {
  it('keeps of each key what was said last, however many records wait for a table', () => {
    const random = createRandom(7);
    for (const keys of [1, 5, WAITING_RECORDS - 1, WAITING_RECORDS, WAITING_RECORDS + 1, 4 * WAITING_RECORDS]) {
      const tried = driver(createEngine(ONE_TABLE));
      const chunks: Uint8Array[] = [];
      for (let version = 1; version <= 8; version++) {
        for (let step = 0; step < keys; step++) {
          const key = `${random.int(0, keys - 1)}`;
          if (random.chance(0.2)) tried.remove(key);
          else tried.set(key, 'v'.repeat(random.int(0, 39)) + String(version), random.chance(0.1) ? 5 : 0);
        }
        chunks.push(...sealed(tried, version));
      }
      const again = load(chunks);
      for (let key = 0; key < keys; key++) assert.equal(again.get(`${key}`), tried.get(`${key}`));
      assert.deepEqual(again.engine.keyspace.progress, tried.engine.keyspace.progress);
    }
  });

  it('gives back the memory of all records that were replaced or removed', () => {
    const keys = Array.from({ length: 3 * WAITING_RECORDS }, (_, index) => `key-${index}`);
    const tried = driver(createEngine(ONE_TABLE));
    const chunks: Uint8Array[] = [];
    for (let version = 1; version <= 5; version++) {
      for (const key of keys) tried.set(key, `${version}`);
      chunks.push(...sealed(tried, version));
    }
    const once = load(chunks.slice(-chunks.length / 5)).engine.keyspace.memoryBytes;
    assert.equal(load(chunks).engine.keyspace.memoryBytes, once);
    for (const key of keys) tried.remove(key);
    const empty = load([...chunks, ...sealed(tried, 6)]);
    assert.equal(empty.engine.keyspace.records.arena.usedBytes, 0);
    assert.equal(empty.engine.keyspace.keys, 0);
  });
});
