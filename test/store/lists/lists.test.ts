import { MalformedOperations } from '@dpr/runtime';
import { createStore } from '@dpr/store';
import { createEngine } from '@dpr/store/engine';
import { decodeResults, MAX_KEY_BYTES, MAX_VALUE_BYTES, type Results } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { BatchReader } from '../../../services/store/batch-reader.ts';
import { MIN_NODE_BYTES } from '../../../services/store/collections/tree.ts';
import { LIST_KINDS, LIST_OPTIONS } from '../../../services/store/operations/lists.ts';
import { Lists } from '../../../services/store/lists/lists.ts';
import { ResultWriter } from '../../../services/store/result-writer.ts';
import { OPTIONS } from '../engine/driver.ts';
import { calls, listOf, operation, read } from './list-calls.ts';
import { assertLikePlainArrays } from './list-run.ts';

/** Lists that compare so many elements at most. */
function listsThatCompare(most: number): (operation: Buffer) => Results {
  const reader = new BatchReader();
  const results = new ResultWriter();
  const lists = new Lists(reader, results, MIN_NODE_BYTES, most);
  const { keyspace } = createEngine(OPTIONS);
  return (bytes) => {
    reader.begin(bytes);
    assert.ok(reader.read());
    keyspace.seek(reader.memory, reader.key, reader.keyLength);
    results.begin(1);
    lists.perform(keyspace);
    return decodeResults(results.finish(), 1);
  };
}

describe('lists of a store', () => {
  it('are as plain arrays, under random operations, rollbacks and restarts', () => {
    assertLikePlainArrays(5, 200);
  });

  it('write one page where an element is added or taken at an end', () => {
    const store = createStore(OPTIONS);
    store.load().end(0);
    let version = 0;
    const written = (bytes: Buffer): number => {
      store.apply(bytes, 1, 1);
      const changes = store.seal(++version);
      let sum = 0;
      for (let chunk = changes.next(1e6); chunk !== undefined; chunk = changes.next(1e6)) sum += chunk.length;
      return sum;
    };
    const items = Array.from({ length: 60_000 }, (_, index) => `element ${index}`);
    assert.ok(written(calls.push('key', false, items)) > 800_000);
    for (const isAtFirst of [true, false]) {
      for (let round = 0; round < 3; round++) {
        assert.ok(written(calls.push('key', isAtFirst, ['x'])) < 4_000);
        assert.ok(written(calls.pop('key', isAtFirst, 1)) < 4_000);
      }
    }
    assert.ok(written(calls.trim('key', 29_000, -29_001)) < 20_000, 'what goes is not written');
    assert.deepEqual(
      read.items(decodeResults(store.apply(calls.range('key', 0, 1), 1, 1), 1)),
      items.slice(29_000, 29_002),
    );
  });

  it('are compared with no more elements than the limit, and changed not at all then', () => {
    const ask = listsThatCompare(5);
    const items = ['a', 'b', 'c', 'd', 'e', 'f'];
    assert.equal(read.integer(ask(calls.push('key', false, items))), 6);
    assert.deepEqual(read.places(ask(calls.positions('key', 'e', 1, 1))), [4]);
    assert.equal(read.places(ask(calls.positions('key', 'f', 1, 1))), 'tooMuch');
    assert.deepEqual(read.places(ask(calls.positions('key', 'f', 1, 1, 5))), []);
    assert.deepEqual(read.places(ask(calls.positions('key', 'b', -1, 1))), [1]);
    assert.equal(read.places(ask(calls.positions('key', 'a', -1, 1))), 'tooMuch');
    assert.equal(read.integer(ask(calls.insert('key', false, 'f', 'x'))), 'tooMuch');
    assert.equal(read.integer(ask(calls.remove('key', 0, 'a'))), 'tooMuch');
    assert.equal(read.integer(ask(calls.remove('key', 2, 'a'))), 'tooMuch');
    assert.equal(read.integer(ask(calls.remove('key', -1, 'a'))), 'tooMuch');
    assert.deepEqual(read.items(ask(calls.range('key'))), items);
    assert.equal(read.integer(ask(calls.remove('key', 1, 'e'))), 1);
    assert.equal(read.integer(ask(calls.remove('key', 0, 'a'))), 1);
    assert.equal(read.integer(ask(calls.insert('key', true, 'f', 'g'))), 5);
    assert.equal(read.integer(ask(calls.insert('key', true, 'g', 'h'))), 6);
    assert.equal(read.integer(ask(calls.remove('key', -1, 'c'))), 1);
    assert.deepEqual(read.items(ask(calls.range('key'))), ['b', 'd', 'f', 'g', 'h']);
  });

  it('take elements and keys up to their limits', () => {
    const store = createStore(OPTIONS);
    const key = 'k'.repeat(MAX_KEY_BYTES);
    const item = 'v'.repeat(MAX_VALUE_BYTES);
    const ask = (bytes: Buffer) => decodeResults(store.apply(bytes, 1, 1), 1);
    assert.equal(read.integer(ask(calls.push(key, false, [item]))), 1);
    assert.equal(read.text(ask(calls.move(key, key, true, true))), item);
    assert.deepEqual(read.items(ask(calls.popFirst(['none', key], true, 1))), [key, item]);
  });

  it('refuse operations that are none, before anything is changed', () => {
    const store = createStore(OPTIONS);
    const first = calls.push('key', false, ['a']);
    const key = 'k'.repeat(MAX_KEY_BYTES + 1);
    const item = 'v'.repeat(MAX_VALUE_BYTES + 1);
    const { listPush, listPop, listIndex, listSet, listRange, listInsert, listRemove, listTrim } = LIST_KINDS;
    const { listPositions, listMove, listPopFirst } = LIST_KINDS;
    const bad = [
      operation(listPush, 0, 'key', listOf()),
      operation(listPush, 4, 'key', listOf('a')),
      operation(listPush, 0, 'key', listOf('a', 'b').subarray(0, -1)),
      operation(listPush, 0, 'key', listOf(item)),
      operation(listPush, 0, 'key', Buffer.alloc(3)),
      operation(listPop, LIST_OPTIONS.toFirst, 'key', undefined, 1),
      ...[-1, 0.5, NaN, Infinity].map((count) => operation(listPop, 0, 'key', undefined, count)),
      operation(listIndex, 0, 'key', undefined, 0.5),
      operation(listIndex, 0, 'key', undefined),
      operation(listSet, 0, 'key', Buffer.from('x'), NaN),
      operation(listSet, 0, 'key', Buffer.from(item), 0),
      operation(listRange, 0, 'key', undefined, 0, 2 ** 53),
      operation(listInsert, 0, 'key', listOf('a')),
      operation(listInsert, 0, 'key', listOf('a', 'b', 'c')),
      operation(listInsert, 0, 'key', listOf('a', item)),
      operation(listRemove, 0, 'key', Buffer.from('a'), Infinity),
      operation(listTrim, 0, 'key', undefined, -0.5, 0),
      ...[
        [0, 1, 1],
        [1, -1, 1],
        [1, 1, -1],
        [0.5, 1, 1],
        [1, NaN, 1],
        [1, 1, 0.5],
      ].map((numbers) => operation(listPositions, 0, 'key', Buffer.from('a'), ...numbers)),
      operation(listMove, 0, 'key', Buffer.from(key)),
      operation(listPopFirst, 0, 'key', listOf(key), 1),
      operation(listPopFirst, 0, 'key', listOf('a'), -1),
      operation(LIST_KINDS.listPopFirst + 1, 0, 'key'),
      operation(LIST_KINDS.listPush - 1, 0, 'key'),
    ];
    for (const [index, bytes] of bad.entries()) {
      assert.throws(() => store.apply(Buffer.concat([first, bytes]), 2, 1), MalformedOperations, `${index}`);
    }
    assert.equal(read.items(decodeResults(store.apply(calls.range('key'), 1, 1), 1)), 'absent');
  });
});
