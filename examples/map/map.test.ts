import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { IncrementalState, SealedChanges } from '@dpr/runtime';
import { mapType, MapError } from './client.ts';
import { createMap } from './map.ts';
import {
  ANSWERS,
  decodeResults,
  encodeOperations,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  type Operation,
  type Result,
} from './operations.ts';

const kind = fc.constantFrom<Operation['kind']>('set', 'get', 'delete', 'count');
const key = fc.constantFrom('', 'a', 'b', 'ü', 'cart-17');
const value = fc.constantFrom('', 'apples', 'π');
const batches = fc.array(fc.array(fc.record({ kind, key, value }), { minLength: 1, maxLength: 5 }), { maxLength: 20 });

function apply(map: IncrementalState, ...operations: readonly Operation[]): Result[] {
  return decodeResults(map.apply(encodeOperations(operations), operations.length, 0), operations.length);
}

function set(name: string, text: string): Operation {
  return { kind: 'set', key: name, value: text };
}

function get(name: string): Operation {
  return { kind: 'get', key: name, value: '' };
}

/** What a map answers, by the plain map that it should be like. */
function expected(model: Map<string, string>, { kind: asked, key: name, value: text }: Operation): Result {
  const was = model.get(name);
  switch (asked) {
    case 'set':
      model.set(name, text);
      return { answer: was === undefined ? ANSWERS.yes : ANSWERS.no };
    case 'delete':
      return { answer: model.delete(name) ? ANSWERS.yes : ANSWERS.no };
    case 'get':
      return was === undefined ? { answer: ANSWERS.no } : { answer: ANSWERS.value, value: was };
    case 'count':
      return { answer: ANSWERS.count, count: model.size };
  }
}

function chunksOf(changes: SealedChanges, maxBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let next = changes.next(maxBytes); next !== undefined; next = changes.next(maxBytes)) chunks.push(next);
  return chunks;
}

function load(chunks: readonly Uint8Array[], version: number): IncrementalState {
  const map = createMap();
  const loader = map.load();
  for (const chunk of chunks) loader.take(chunk);
  loader.end(version);
  return map;
}

/** Test it with `randomSteps` of test/runtime/incremental, too: with rollbacks, sweeps and restarts at any moment. */
describe('the example map', () => {
  it('answers as a map does, and is made again of the changes of its versions', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 30 }), (asked, maxBytes) => {
        const model = new Map<string, string>();
        const chunks: Uint8Array[] = [];
        const map = createMap();
        for (const [version, batch] of asked.entries()) {
          const before = new Map(model);
          const answers = batch.map((one) => expected(model, one));
          assert.deepEqual(apply(map, ...batch), answers);
          map.rollback(version);
          assert.deepEqual(
            apply(map, ...batch),
            batch.map((one) => expected(before, one)),
            'as if it had not been',
          );
          chunks.push(...chunksOf(map.seal(version + 1), maxBytes));
        }
        const read = [...new Set(asked.flat().map((one) => one.key))].map(get);
        const again = load(chunks, asked.length);
        assert.deepEqual(
          apply(again, ...read),
          read.map((one) => expected(model, one)),
        );
        assert.equal(again.baseBytes(), map.baseBytes());
      }),
    );
  });

  it('writes its base in slices, each of about as many bytes as it may', () => {
    const map = createMap();
    for (let index = 0; index < 1_000; index++) apply(map, set(`key-${index}`, 'x'.repeat(50)));
    const slices: Uint8Array[] = [];
    for (let at: number | undefined = 0; at !== undefined;) {
      const { bytes, next } = map.base(at, 1_000);
      slices.push(bytes);
      at = next;
    }
    assert.ok(slices.every(({ length }) => length <= 1_000));
    assert.equal(
      slices.reduce((sum, { length }) => sum + length, 0),
      map.baseBytes(),
    );
    assert.deepEqual(apply(load(slices, 1), { kind: 'count', key: '', value: '' })[0]?.count, 1_000);
  });

  it('keeps what a rollback needs until that is committed', () => {
    const map = createMap();
    apply(map, set('a', 'apples'));
    map.seal(1);
    const one = map.undoBytes();
    apply(map, set('a', 'pears'), set('a', 'plums'));
    map.seal(2);
    assert.ok(map.undoBytes() > one);
    map.committed(1);
    map.rollback(1);
    assert.equal(map.undoBytes(), 0);
    assert.deepEqual(apply(map, get('a')), [{ answer: ANSWERS.value, value: 'apples' }]);
  });

  it('refuses what is no operation, and has changed nothing by then', () => {
    const map = createMap();
    const good = encodeOperations([set('a', 'apples')]);
    const malformed: [Uint8Array, number][] = [
      [good, 2],
      [Buffer.concat([good, Buffer.of(9, 0, 0, 0)]), 2],
      [Buffer.concat([good, Buffer.of(1, 1, 0)]), 2],
      [Buffer.concat([good, Buffer.of(1, 2, 0, 0, 65)]), 2],
      [Buffer.concat([good, Buffer.of(1, 1, 0, 0, 0xff)]), 2], // no text
      [Buffer.concat([good, Buffer.of(1, 0, 1, 0, 0xff)]), 2],
      [Buffer.concat([good, Buffer.of(1, 0, 1, 16), Buffer.alloc(MAX_VALUE_BYTES + 1)]), 2],
    ];
    for (const [bytes, count] of malformed) {
      assert.throws(() => map.apply(bytes, count, 0), { name: 'MalformedOperations' });
    }
    assert.deepEqual(apply(map, get('a')), [{ answer: ANSWERS.no }]);
    assert.throws(() => map.load().take(Buffer.of(9)), /not one of a map/);
  });

  it('says when it is full, and does what fits', () => {
    const map = createMap({ buckets: 1, maxBucketBytes: 20 });
    const answers = apply(
      map,
      set('a', '12345'),
      set('b', '1234567'),
      set('b', '123456'),
      set('a', ''),
      set('a', '12345'),
    );
    assert.deepEqual(
      answers.map(({ answer }) => answer),
      [ANSWERS.yes, ANSWERS.full, ANSWERS.full, ANSWERS.no, ANSWERS.no],
    );
    assert.equal(map.baseBytes(), 10);
  });

  it('says which values do not fit into the answers of a batch', () => {
    const map = createMap();
    apply(map, set('a', 'x'.repeat(MAX_VALUE_BYTES)));
    const answers = apply(map, ...Array.from({ length: 2_000 }, () => get('a')));
    const crowded = answers.filter(({ answer }) => answer === ANSWERS.crowded).length;
    assert.ok(crowded > 900 && crowded < 1_000, `${crowded}`);
    assert.equal(answers[0]?.value?.length, MAX_VALUE_BYTES);
  });

  it('takes no key and no value that are too long', () => {
    encodeOperations([set('x'.repeat(MAX_KEY_BYTES), 'x'.repeat(MAX_VALUE_BYTES))]);
    assert.throws(() => encodeOperations([set('x'.repeat(MAX_KEY_BYTES + 1), '')]), /a key .* at most 255 bytes/);
    assert.throws(() => encodeOperations([set('', 'x'.repeat(MAX_VALUE_BYTES + 1))]), /a value .* at most 4096 bytes/);
  });

  it('tells applications which keys of a call found no room', () => {
    const results: Result[] = [{ answer: ANSWERS.yes }, { answer: ANSWERS.full }, { answer: ANSWERS.crowded }];
    const { failures } = mapType;
    assert.ok(failures !== undefined);
    assert.deepEqual(failures.find(results, 3), [1, 2]);
    const error = failures.error({
      ...{ worker: 0, indexes: [1, 2], operations: [1, 2] },
      read: (read) => results.map((_, index) => read(results, index)),
    });
    assert.ok(error instanceof MapError);
    assert.deepEqual([error.full, error.crowded], [[1], [2]]);
    assert.throws(() => decodeResults(Buffer.of(0, 0), 1), /2 bytes are not the results of 1/);
  });
});
