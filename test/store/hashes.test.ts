/** Hashes as operations of a store, and what becomes of their pages. */
import { type KeyspaceOptions, createEngine, type Engine, TYPES } from '@dpr/store/engine';
import {
  HASH_KINDS,
  HASH_OPTIONS,
  MAX_VALUE_BYTES,
  OPTIONS as OPERATION_OPTIONS,
  sizeOfHashAll,
  sizeOfHashFields,
  sizeOfHashIncrement,
  sizeOfHashScan,
  sizeOfHashSet,
  VALUE_TYPES,
  writeHashAll,
  writeHashGet,
  writeHashIncrement,
  writeHashScan,
  writeHashSet,
} from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { NODE_BYTES } from '../../services/store/collections/collection.ts';
import { MARKS } from '../../services/store/collections/marks.ts';
import { TORN_PAGES } from '../../services/store/collections/teardown.ts';
import { MIN_NODE_BYTES } from '../../services/store/collections/tree.ts';
import { Executor } from '../../services/store/executor.ts';
import { encoded, get, remove, set } from './calls.ts';
import { audit } from './collections/audit.ts';

const OPTIONS: KeyspaceOptions = { seed: [3, 4], maxBytes: 2 ** 30, tableBits: 4 };

function hashSet(key: string, count: number, value = 'v'): Buffer {
  const entries = Array.from({ length: count }, (_, index) => [`field ${index}`, `${value}${index}`] as const);
  const operation = { key, entries };
  return encoded(sizeOfHashSet(operation), (bytes) => writeHashSet(bytes, 0, operation));
}

function hashGet(key: string, ...fields: string[]): Buffer {
  return encoded(sizeOfHashFields({ key, fields }), (bytes) => writeHashGet(bytes, 0, { key, fields }));
}

/** A store whose keyspace can be looked at. */
class Trial {
  engine: Engine = createEngine(OPTIONS);
  readonly #nodeBytes: number;
  readonly #executor: Executor;
  version = 0;
  readonly sections: Uint8Array[] = [];

  constructor(nodeBytes = MIN_NODE_BYTES) {
    this.#nodeBytes = nodeBytes;
    this.#executor = new Executor(() => this.engine.keyspace, nodeBytes);
    this.engine.load().end(0);
  }

  apply(operation: Buffer, now = 0): void {
    this.#executor.apply(operation, 1, now);
  }

  audit(): ReturnType<typeof audit> {
    return audit(this.engine.keyspace, this.#nodeBytes);
  }

  commit(): void {
    const changes = this.engine.seal(++this.version);
    for (let chunk = changes.next(1_000); chunk !== undefined; chunk = changes.next(1_000)) this.sections.push(chunk);
    this.engine.committed(this.version);
    while (this.engine.release(100_000));
  }

  /** Another process begins with what was written, or with the base as it is. */
  restart(from: 'changes' | 'base'): void {
    const chunks = [...this.sections];
    if (from === 'base') {
      chunks.length = 0;
      for (let at: number | undefined = 0; at !== undefined;) {
        const { bytes, next } = this.engine.base(at, 5_000);
        chunks.push(bytes);
        at = next;
      }
    }
    this.engine = createEngine(OPTIONS);
    const loader = this.engine.load();
    for (const chunk of chunks) loader.take(chunk);
    loader.end(this.version);
  }

  /** Let batches pass, each of which changes nothing itself, until no pages are left. @returns how many it took */
  passUntilGone(now = 0): number {
    for (let batches = 0; batches < 1_000; batches++) {
      const { pages, doomed } = this.audit();
      if (pages === 0 && doomed === 0) return batches;
      this.apply(get('none'), now);
      this.commit();
    }
    throw new Error('pages stay');
  }
}

describe('operations on hashes', () => {
  it('are refused when they are none', () => {
    const { engine } = new Trial();
    const executor = new Executor(() => engine.keyspace);
    const good = hashSet('h', 1);
    const changed = (from: Buffer, at: number, byte: number) => Buffer.from(from.with(at, byte));
    const increment = { key: 'h', field: 'f', amount: 1n };
    const scan = { key: 'h', pattern: '*', position: 0, count: 1, type: 0 };
    const scanned = encoded(sizeOfHashScan(scan), (bytes) => writeHashScan(bytes, 0, scan));
    const badPosition = Buffer.from(scanned);
    badPosition.writeDoubleLE(2 ** 32, 8);
    const badCount = Buffer.from(scanned);
    badCount.writeDoubleLE(0, 16);
    const all = encoded(sizeOfHashAll('h'), (bytes) => writeHashAll(bytes, 0, 'h'));
    const random = Buffer.concat([Buffer.of(HASH_KINDS.hashRandom, 2, 1, 0), Buffer.alloc(16), Buffer.from('h')]);
    const badSeed = Buffer.from(random);
    badSeed.writeDoubleLE(0.5, 12);
    const tooLong = Buffer.concat([good, Buffer.alloc(MAX_VALUE_BYTES)]);
    tooLong.writeUInt32LE(good.readUInt32LE(4) + MAX_VALUE_BYTES, 4);
    tooLong.writeUInt32LE(good.readUInt32LE(9) + MAX_VALUE_BYTES, 9);
    for (const bad of [
      changed(good, 4, 3),
      changed(good, 9, 1),
      changed(good, 9, 255),
      changed(good, 1, HASH_OPTIONS.fields),
      changed(hashSet('h', 2), 1, HASH_OPTIONS.ifAbsent),
      changed(hashGet('h', 'a'), 4, 0),
      Buffer.concat([Buffer.of(HASH_KINDS.hashGet, 0, 1, 0), Buffer.alloc(4), Buffer.from('h')]),
      Buffer.concat([Buffer.of(HASH_KINDS.hashSet, 0, 1, 0, 4), Buffer.alloc(3), Buffer.from('h'), Buffer.alloc(4)]),
      changed(all, 1, 0),
      changed(all, 1, HASH_OPTIONS.ifAbsent | HASH_OPTIONS.fields),
      changed(random, 1, OPERATION_OPTIONS.inOrder),
      badSeed,
      badPosition,
      badCount,
      tooLong,
      Buffer.of(HASH_KINDS.hashSize + 1, 0, 0, 0),
    ]) {
      assert.throws(
        () => executor.apply(bad, 1, 0),
        { name: 'MalformedOperations' },
        bad.subarray(0, 30).toString('hex'),
      );
    }
    const counted = encoded(sizeOfHashIncrement(increment), (bytes) => writeHashIncrement(bytes, 0, increment));
    for (const right of [good, all, random, counted, scanned]) executor.apply(right, 1, 0);
    for (const fields of [[], [Buffer.alloc(MAX_VALUE_BYTES + 1)]]) {
      assert.throws(() => sizeOfHashFields({ key: 'h', fields }), RangeError);
    }
  });

  it('are of types that the engine and its clients know by the same numbers', () => {
    assert.deepEqual({ removed: 0, ...VALUE_TYPES }, TYPES);
    assert.equal(MARKS.large, 1);
  });
});

describe('the pages of a hash that is not there any more', () => {
  const REMOVALS = {
    'it was removed': remove('h'),
    'it was written over': set('h', 'x'),
    'another key took its place': Buffer.concat([
      Buffer.of(9, OPERATION_OPTIONS.move, 1, 0, 1, 0, 0, 0),
      Buffer.from('sh'),
    ]),
  };

  for (const [what, operation] of Object.entries(REMOVALS)) {
    it(`are removed some at a time: ${what}`, () => {
      const trial = new Trial();
      trial.apply(set('s', 'x'));
      trial.apply(hashSet('h', 3_000));
      const { pages } = trial.audit();
      assert.ok(pages > 500, `${pages} pages`);
      trial.apply(operation);
      assert.ok(trial.audit().pages >= pages - TORN_PAGES);
      const batches = trial.passUntilGone();
      assert.ok(batches >= pages / TORN_PAGES - 1 && batches <= pages / TORN_PAGES + 1, `${batches} batches`);
    });
  }

  it('are removed faster by larger batches, so that they do not become more and more', () => {
    const trial = new Trial(NODE_BYTES);
    const pages: number[] = [];
    for (let round = 0; round < 30; round++) {
      trial.apply(hashSet('h', 5_000));
      pages.push(trial.audit().pages);
      trial.apply(remove('h'));
    }
    const [first = 0] = pages;
    assert.ok(first > TORN_PAGES && Math.max(...pages) < 2 * first, pages.join());
  });

  it('are removed once its time is over', () => {
    const trial = new Trial();
    trial.apply(hashSet('h', 1_000));
    trial.apply(Buffer.concat([expireHead(100), Buffer.from('h')]));
    trial.commit();
    trial.apply(get('none'), 99);
    assert.ok(trial.audit().pages > 100);
    for (const from of ['changes', 'base'] as const) {
      trial.restart(from);
      assert.ok(trial.audit().pages > 100);
    }
    trial.apply(get('none'), 100);
    trial.commit();
    trial.restart('base');
    assert.ok(trial.audit().pages > 100, 'a base has them, and what tells of them');
    trial.passUntilGone(100);
    assert.equal(trial.engine.keyspace.keys, 0);
    assert.equal(trial.engine.keyspace.records.arena.usedBytes, 0);
  });

  it('are removed by a process that begins with a part of them, and come back with a rollback', () => {
    for (const from of ['changes', 'base'] as const) {
      const trial = new Trial();
      trial.apply(hashSet('h', 3_000));
      trial.commit();
      const whole = trial.audit();
      const { version } = trial;
      trial.apply(remove('h'));
      trial.engine.seal(++trial.version);
      trial.apply(get('none'));
      assert.ok(trial.audit().pages < whole.pages);
      trial.engine.rollback(version);
      trial.version = version;
      assert.deepEqual(trial.audit(), whole);
      trial.apply(remove('h'));
      trial.commit();
      const { pages } = trial.audit();
      assert.ok(pages > 0 && pages < whole.pages);
      trial.restart(from);
      assert.deepEqual(trial.audit(), { ...trial.audit(), pages, doomed: 1 });
      trial.passUntilGone();
      assert.equal(trial.engine.keyspace.records.arena.usedBytes, 0);
    }
  });

  it('are removed where there is no memory', () => {
    const trial = new Trial();
    trial.apply(hashSet('h', 3_000));
    trial.commit();
    const { keyspace } = trial.engine;
    Object.defineProperty(keyspace, 'hasRoom', { value: () => false });
    trial.apply(remove('h'));
    trial.passUntilGone();
    assert.equal(keyspace.keys, 0);
  });
});

function expireHead(time: number): Buffer {
  const head = Buffer.alloc(12);
  head.set([8, 0, 1, 0]);
  head.writeDoubleLE(time, 4);
  return head;
}
