import { createEngine } from '@dpr/store/engine';
import assert from 'node:assert/strict';
import { createRandom } from '../../simulation/random.ts';
import { driver, OPTIONS } from './driver.ts';

/** A chunk with three records, one of which has a deadline and one is removed. */
function chunkOfThree(): Uint8Array {
  const tried = driver();
  tried.advance(1_000);
  tried.set('a', 'first');
  tried.set('with a deadline', 'second', 5_000);
  tried.set('c', 'third');
  tried.remove('c');
  const chunk = tried.engine.seal(1).next(1_000);
  assert.ok(chunk !== undefined);
  return chunk;
}

function take(chunk: Uint8Array): ReturnType<typeof driver> {
  const engine = createEngine(OPTIONS);
  const loader = engine.load();
  loader.take(chunk);
  loader.end(1);
  return driver(engine);
}

describe('a chunk of a checkpoint', () => {
  it('is read wherever it lies in its buffer', () => {
    const chunk = chunkOfThree();
    for (let offset = 0; offset < 9; offset++) {
      const buffer = Buffer.alloc(chunk.length + offset + 3, 0xee);
      buffer.set(chunk, offset);
      const tried = take(buffer.subarray(offset, offset + chunk.length));
      assert.equal(tried.get('a'), 'first');
      assert.equal(tried.get('with a deadline'), 'second');
      assert.equal(tried.get('c'), undefined);
      assert.equal(tried.engine.keyspace.keys, 2);
      assert.equal(tried.engine.keyspace.progress.clock, 1_000);
    }
  });

  it('is refused when it is cut off anywhere but between two records, or is none at all', () => {
    const chunk = chunkOfThree();
    const accepted = Array.from({ length: chunk.length + 1 }, (_, length) => length).filter((length) => {
      try {
        take(chunk.subarray(0, length));
        return true;
      } catch (error) {
        assert.match(String(error), /a chunk of the checkpoint is not one of a store/);
        return false;
      }
    });
    const head = 20;
    const first = head + 12 + 1 + 5;
    const second = first + 12 + 8 + 15 + 6;
    assert.deepEqual(accepted, [0, head, first, second, chunk.length]);
    assert.throws(() => take(Buffer.alloc(40)), /not one of a store/);
    assert.throws(() => take(Buffer.alloc(40, 0xff)), /not one of a store/);
  });

  it('with any byte changed is refused, or says something else of its keys: nothing worse', () => {
    const chunk = chunkOfThree();
    const random = createRandom(9);
    for (let at = 0; at < chunk.length; at++) {
      const changed = Uint8Array.from(chunk);
      changed[at] = (chunk[at] ?? 0) ^ random.int(1, 255);
      try {
        assert.ok(take(changed).engine.keyspace.keys <= 3);
      } catch (error) {
        assert.match(String(error), /a chunk of the checkpoint is not one of a store/);
      }
    }
  });
});
