import assert from 'node:assert/strict';
import { createEngine } from '@dpr/store/engine';
import { SPARE_BYTES } from '../../../services/store/engine/defragmenter.ts';
import { driver, OPTIONS } from './driver.ts';

const KEYS = 40_000;
const VALUE = 'v'.repeat(100);
/** One of so many keys is kept. */
const KEPT = 16;

/** A store of many keys, in a first version, of which a second one removed most, here and there. */
function sparse(spareBytes: number) {
  const tried = driver(createEngine({ ...OPTIONS, tableBits: 6, spareBytes }));
  for (let key = 0; key < KEYS; key++) tried.set(`${key}`, `${VALUE}${key}`);
  tried.engine.seal(1);
  tried.settle(1);
  for (let key = 0; key < KEYS; key++) if (key % KEPT !== 0) tried.remove(`${key}`);
  tried.engine.seal(2);
  return tried;
}

function hasAll(tried: ReturnType<typeof driver>): void {
  for (let key = 0; key < KEYS; key++) {
    assert.equal(tried.get(`${key}`), key % KEPT === 0 ? `${VALUE}${key}` : undefined);
  }
}

/** Commits of versions that change nothing, each with what is done after a commit. */
function goOn(tried: ReturnType<typeof driver>, from: number, commits: number): void {
  for (let version = from; version < from + commits; version++) {
    tried.engine.seal(version);
    tried.settle(version);
  }
}

describe('memory of which little is used', () => {
  it('is given back, though keys were removed here and there', () => {
    const tried = sparse(0);
    const { arena } = tried.engine.keyspace.records;
    const before = arena.usedBytes;
    tried.settle(2);
    goOn(tried, 3, 20);
    assert.ok(arena.usedBytes * 8 < before, `${arena.usedBytes} of ${before} bytes are left`);
    hasAll(tried);
    for (let key = 0; key < KEYS; key += KEPT) tried.set(`${key}`, 'other');
    tried.engine.rollback(22);
    hasAll(tried);
  });

  it('is left as it is while it is no more than may be spare', () => {
    const tried = sparse(SPARE_BYTES);
    const { arena } = tried.engine.keyspace.records;
    const before = arena.usedBytes;
    assert.ok(before < SPARE_BYTES);
    tried.settle(2);
    goOn(tried, 3, 20);
    assert.ok(arena.usedBytes * 2 > before);
    hasAll(tried);
  });

  it('is begun to be given back with one byte more than may be spare', () => {
    const { history, records } = sparse(0).engine.keyspace;
    history.commit(2);
    while (!history.isReleased) history.release(1_000);
    const spare = records.arena.freeBytes;
    const used = (spareBytes: number): number => {
      const tried = sparse(spareBytes);
      tried.settle(2);
      tried.settle(2);
      return tried.engine.keyspace.records.arena.usedBytes;
    };
    assert.ok(used(spare - 1) < used(spare));
  });

  it('keeps records where they are that a version holds which may be undone', () => {
    const tried = sparse(0);
    tried.settle(2);
    for (let key = 0; key < KEYS; key += KEPT) tried.set(`${key}`, `${VALUE}${key}`);
    tried.engine.seal(3);
    for (let key = 0; key < KEYS; key += 2 * KEPT) tried.remove(`${key}`);
    tried.engine.seal(4);
    tried.engine.committed(3);
    tried.engine.committed(3);
    while (tried.engine.release(100));
    tried.engine.rollback(3);
    hasAll(tried);
    tried.settle(3);
    goOn(tried, 4, 20);
    hasAll(tried);
  });
});
