import { createEngine } from '@dpr/store/engine';
import assert from 'node:assert/strict';
import { BLOCK_BYTES } from '../../../services/store/engine/changes.ts';
import { SPARE_BYTES } from '../../../services/store/engine/defragmenter.ts';
import { createRandom } from '../../simulation/random.ts';
import { driver, OPTIONS } from './driver.ts';

const KEYS = Array.from({ length: 30 }, (_, index) => `key ${index}`);
const HEAD_BYTES = 16;

/** What the index holds of a key: bytes of its block, and whether it says that the key was removed. */
type Block = { readonly bytes: number; readonly isRemoved: boolean };
type Version = { readonly before: Map<string, Block | undefined> };

/** Counts by itself what undo takes: where each version's first write to a key leaves the record from before, and removed records. */
class Ledger {
  blocks = new Map<string, Block>();
  open: Version = { before: new Map() };
  sealed: Version[] = [];

  write(key: string, block: Block): void {
    if (!this.open.before.has(key)) this.open.before.set(key, this.blocks.get(key));
    this.blocks.set(key, block);
  }

  seal(): void {
    this.sealed.push(this.open);
    this.open = { before: new Map() };
  }

  /** The first `count` versions are committed, and given back at once. */
  commit(count: number): void {
    const committed = this.sealed.splice(0, count);
    const later = new Set([...this.sealed, this.open].flatMap(({ before }) => [...before.keys()]));
    for (const key of committed.flatMap(({ before }) => [...before.keys()])) {
      if (!later.has(key) && this.blocks.get(key)?.isRemoved === true) this.blocks.delete(key);
    }
  }

  rollback(count: number): void {
    const kept = this.sealed.splice(0, count);
    for (const { before } of [...this.sealed, this.open].reverse()) {
      for (const [key, block] of before) {
        if (block === undefined) this.blocks.delete(key);
        else this.blocks.set(key, block);
      }
    }
    this.sealed = kept;
    this.open = { before: new Map() };
  }

  /** A key that a committed version removed, and a later one wrote again, leaves nothing when that is undone. */
  forgetRemovedOf(committed: ReadonlySet<string>): void {
    const touched = new Set(this.sealed.flatMap(({ before }) => [...before.keys()]));
    for (const [key, { isRemoved }] of this.blocks) {
      if (isRemoved && committed.has(key) && !touched.has(key)) this.blocks.delete(key);
    }
  }

  undoBytes(): number {
    const versions = [...this.sealed, this.open];
    const lists = versions.filter(({ before }) => before.size > 0).length * BLOCK_BYTES;
    const before = versions.flatMap((one) => [...one.before.values()].map((block) => block?.bytes ?? 0));
    const removed = [...this.blocks.values()].map(({ bytes, isRemoved }) => (isRemoved ? bytes : 0));
    return [...before, ...removed].reduce((sum, bytes) => sum + bytes, lists);
  }
}

describe('the memory of the engine', () => {
  it('of undo is counted exactly, whatever is removed, written again, committed and undone', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = createRandom(seed);
      const tried = driver();
      const ledger = new Ledger();
      const { arena } = tried.engine.keyspace.records;
      let version = 0;
      for (let step = 0; step < 1_500; step++) {
        const key = random.pick(KEYS);
        const chance = random.next();
        if (chance < 0.5) {
          const value = 'v'.repeat(random.int(0, 60));
          tried.set(key, value);
          ledger.write(key, { bytes: arena.sizeOf(HEAD_BYTES + key.length + value.length), isRemoved: false });
        } else if (chance < 0.85) {
          const bytes = arena.sizeOf(HEAD_BYTES + key.length);
          if (tried.remove(key)) ledger.write(key, { bytes, isRemoved: true });
        } else if (chance < 0.93) {
          tried.engine.seal(++version);
          ledger.seal();
        } else if (chance < 0.97) {
          const count = random.int(0, ledger.sealed.length);
          const isCommitted = new Set(ledger.sealed.slice(0, count).flatMap(({ before }) => [...before.keys()]));
          ledger.commit(count);
          tried.settle(version - ledger.sealed.length);
          ledger.forgetRemovedOf(new Set([...isCommitted].filter((one) => !ledger.open.before.has(one))));
        } else {
          const count = random.int(0, ledger.sealed.length);
          const target = version - ledger.sealed.length + count;
          ledger.rollback(count);
          ledger.forgetRemovedOf(new Set(KEYS));
          tried.engine.rollback(target);
          version = target;
        }
        assert.equal(tried.engine.undoBytes(), ledger.undoBytes(), `seed ${seed}, step ${step}`);
      }
    }
  });

  it('that is held for undo, and for what was not given back yet, is told until it is given back', () => {
    const tried = driver();
    const { history, records } = tried.engine.keyspace;
    const write = (value: string): void => KEYS.forEach((key) => void tried.set(key, value));
    write('first');
    tried.engine.seal(1);
    tried.settle(1);
    assert.equal(history.heldBytes, 0);
    write('second');
    const held = records.arena.sizeOf(HEAD_BYTES + 5 + 5) * 10 + records.arena.sizeOf(HEAD_BYTES + 6 + 5) * 20;
    assert.equal(history.heldBytes, held);
    tried.engine.seal(2);
    assert.equal(history.heldBytes, held);
    tried.engine.committed(2);
    assert.equal(history.heldBytes, held);
    tried.engine.release(KEYS.length / 3);
    assert.equal(history.heldBytes, (held * 2) / 3);
    tried.engine.release(KEYS.length);
    assert.equal(history.heldBytes, 0);
    write('third');
    tried.engine.rollback(2);
    assert.equal(history.heldBytes, 0);
  });

  it('is less than 156 bytes for a key of 16 bytes and a value of 100, with the index', () => {
    const count = 250_000;
    const tried = createEngine({ ...OPTIONS, tableBits: 12 });
    const key = new DataView(new ArrayBuffer(16));
    const value = new DataView(new ArrayBuffer(100));
    for (let index = 0; index < count; index++) {
      key.setUint32(0, index);
      tried.keyspace.seek(key, 0, 16);
      assert.ok(tried.keyspace.write({ type: 1, value, from: 0, length: 100, deadline: 0 }));
    }
    const { memoryBytes } = tried.keyspace;
    assert.ok(memoryBytes / count < 156, `${memoryBytes / count} bytes`);
  });

  it('is given back while keys come and go', () => {
    const tried = driver();
    let most = 0;
    for (let version = 1; version <= 60; version++) {
      for (let key = 0; key < 200; key++) {
        const size = ((version * 7 + key) % 40) * 200;
        tried.set(`${key}`, 'v'.repeat(size));
        tried.remove(`${(key + 100) % 200}`);
      }
      tried.engine.seal(version);
      tried.settle(version);
      most = Math.max(most, tried.engine.keyspace.memoryBytes);
    }
    assert.ok(most < 8_000_000, `${most} bytes`);
    assert.ok(tried.engine.keyspace.memoryBytes < 4_000_000);
  });
});

describe('a key whose time is over', () => {
  it('is not there any more, and may be undone to be', () => {
    const tried = driver();
    tried.advance(100);
    tried.set('k', 'v', 200);
    tried.engine.seal(1);
    tried.advance(199);
    assert.equal(tried.get('k'), 'v');
    tried.advance(200);
    assert.equal(tried.get('k'), undefined);
    assert.equal(tried.remove('k'), false);
    assert.equal(tried.dump().length, 0);
    tried.engine.rollback(1);
    assert.equal(tried.get('k'), 'v');
  });

  it('takes memory until the clock of a committed version is beyond it, and all of its versions are released', () => {
    const tried = driver();
    tried.set('k', 'v', 200);
    tried.engine.seal(1);
    tried.settle(1);
    tried.advance(300);
    tried.set('l', 'v', 250);
    tried.engine.seal(2);
    assert.equal(tried.engine.keyspace.keys, 2);
    tried.settle(2);
    assert.equal(tried.engine.keyspace.keys, 0);
    assert.equal(tried.engine.keyspace.deadlines, 0);
    assert.equal(tried.engine.baseBytes(), 0);
    assert.equal(tried.engine.keyspace.records.arena.usedBytes, 0);
  });

  it('is looked for once in each place of a store with few keys, after each commit', () => {
    const tried = driver(createEngine({ ...OPTIONS, spareBytes: SPARE_BYTES }));
    tried.set('k', 'v', 200);
    tried.engine.seal(1);
    tried.engine.committed(1);
    const { homes } = tried.engine.keyspace.index;
    assert.equal(tried.engine.release(1), true, 'the change of the version');
    assert.equal(tried.engine.release(homes - 1), true);
    assert.equal(tried.engine.release(1), false);
  });

  it('stays while a version that may be undone has it', () => {
    const tried = driver();
    tried.advance(300);
    tried.engine.seal(1);
    tried.set('k', 'v', 100);
    tried.engine.seal(2);
    tried.settle(1);
    assert.equal(tried.engine.keyspace.keys, 1);
    tried.engine.rollback(1);
    assert.equal(tried.engine.keyspace.keys, 0);
  });
});
