import { createEngine, MAX_KEY_BYTES, MAX_RECORD_VALUE_BYTES, MAX_REVISION, TYPES } from '@dpr/store/engine';
import assert from 'node:assert/strict';
import { driver, OPTIONS, viewOf } from './driver.ts';

describe('limits of the engine', () => {
  it('takes keys and values of the largest size, through a checkpoint too', () => {
    const tried = driver();
    const key = 'k'.repeat(MAX_KEY_BYTES);
    const value = 'v'.repeat(MAX_RECORD_VALUE_BYTES);
    assert.ok(tried.set(key, value, 7));
    const chunk = tried.engine.seal(1).next(1);
    assert.ok(chunk !== undefined);
    const again = createEngine(OPTIONS);
    const loader = again.load();
    loader.take(chunk);
    loader.end(1);
    assert.equal(driver(again).get(key), value);
    assert.equal(again.keyspace.deadline, 7);
  });

  it('refuses a write that would take more memory than it may have, and goes on', () => {
    const room = 100_000;
    const tried = driver(createEngine({ ...OPTIONS, maxBytes: room + 256 }));
    const empty = tried.engine.keyspace.memoryBytes;
    assert.equal(empty, 256);
    assert.equal(tried.set('k', 'v'.repeat(room - 16)), false);
    assert.equal(tried.get('k'), undefined);
    assert.equal(tried.engine.keyspace.memoryBytes, empty);
    assert.equal(tried.set('k', 'v'.repeat(room - 17)), true);
    assert.equal(tried.set('l', ''), false);
    assert.ok(tried.remove('k'));
    assert.ok(tried.set('l', ''));
  });

  it('writes with the last revision, and with none after it', () => {
    const tried = driver();
    tried.engine.keyspace.progress.revision = MAX_REVISION;
    tried.engine.seal(1);
    assert.ok(tried.set('k', 'v'));
    assert.equal(tried.revision('k'), MAX_REVISION);
    assert.equal(tried.engine.keyspace.type, TYPES.string);
    assert.throws(() => tried.set('k', 'w'), RangeError);
    assert.equal(tried.get('k'), 'v');
  });

  it('has records of at most 4,096 keys in a slice, and all of them in several', () => {
    const tried = driver(createEngine({ ...OPTIONS, tableBits: 12 }));
    for (let key = 0; key < 10_000; key++) tried.set(`${key}`, '');
    const changes = tried.engine.seal(1);
    const records = (chunk: Uint8Array | undefined) => {
      const loaded = createEngine(OPTIONS);
      loaded.load().take(chunk ?? new Uint8Array());
      return loaded.keyspace.keys;
    };
    assert.deepEqual(
      [1, 2, 3].map(() => records(changes.next(Infinity))),
      [4_096, 4_096, 1_808],
    );
    assert.equal(changes.next(Infinity), undefined);
    const first = tried.engine.base(0, Infinity);
    assert.equal(records(first.bytes), 4_096);
    assert.ok(first.next !== undefined);
  });
});

describe('the order of calls', () => {
  it('goes back to no version below a committed one', () => {
    const tried = driver();
    for (const version of [3, 5]) {
      tried.set('k', `${version}`);
      tried.engine.seal(version);
    }
    tried.engine.committed(5);
    assert.throws(() => tried.engine.rollback(4), /version 5 is committed/);
    tried.set('k', 'open');
    tried.engine.rollback(5);
    assert.equal(tried.get('k'), '5');
  });

  it('seals versions that rise', () => {
    const { engine } = driver();
    engine.seal(3);
    assert.throws(() => engine.seal(3), /versions rise/);
    engine.rollback(0);
    engine.seal(2);
  });

  it('gives changes of no version that is committed or rolled back, which may be overwritten', () => {
    for (const end of ['committed', 'rollback'] as const) {
      const tried = driver();
      tried.set('k', 'v');
      const changes = tried.engine.seal(1);
      if (end === 'committed') tried.engine.committed(1);
      else tried.engine.rollback(0);
      assert.throws(() => changes.next(100), /changes of version 1 are read after it was/);
    }
  });

  it('keeps the clock of a version that changed nothing else', () => {
    const tried = driver();
    tried.advance(500);
    const changes = tried.engine.seal(1);
    const chunk = changes.next(1);
    assert.equal(changes.next(1), undefined);
    assert.equal(tried.engine.seal(2).next(1), undefined);
    const again = createEngine(OPTIONS);
    const loader = again.load();
    loader.take(chunk ?? new Uint8Array());
    loader.end(1);
    assert.equal(again.keyspace.progress.clock, 500);
  });

  it('overwrites a value of the open version by one that is in other memory', () => {
    const { engine } = driver();
    const key = viewOf(Buffer.from('k'));
    for (const length of [1_000, 1_001, 3, 600]) {
      const value = viewOf(Buffer.alloc(length, length));
      engine.keyspace.seek(key, 0, 1);
      assert.ok(engine.keyspace.write({ type: TYPES.string, value, from: 0, length, deadline: 0 }));
      assert.equal(engine.keyspace.valueLength, length);
      assert.equal(engine.keyspace.value.getUint8(engine.keyspace.valueFrom + length - 1), length % 256);
    }
    assert.equal(engine.undoBytes(), 12 * 1_024);
  });
});
