import assert from 'node:assert/strict';
import {
  appended,
  complete,
  fail,
  isUnanswered,
  whenCompleted,
  type Batch,
  type Cargo,
} from '../../services/client/session/batch.ts';
import { Queue } from '@dpr/core';
import { Collector } from '../../services/client/session/collector.ts';

/** A batch of one operation that is on its way. */
function travelling(): { batch: Batch; cargo: Cargo } {
  const collector = new Collector('strict');
  const { cargo } = appended(collector.open(0, { name: 'counter' }, 8), collector.number(1), 1, 8);
  const batches = new Queue<Batch>();
  collector.take(batches);
  const batch = batches.shift();
  assert.ok(batch);
  return { batch, cargo };
}

describe('a batch', () => {
  const first = Uint8Array.of(1);
  const second = Uint8Array.of(2);

  it('leaves its results to its calls once there can be no others', () => {
    const { batch, cargo } = travelling();
    assert.ok(isUnanswered(batch));
    complete(batch, first, false);
    assert.ok(!isUnanswered(batch));
    assert.equal(batch.cargo, cargo);
    complete(batch, second, true);
    assert.ok(!isUnanswered(batch));
    assert.equal(batch.cargo, undefined);
    assert.deepEqual([cargo.results, cargo.finalResults], [first, second]);
  });

  it('tells each caller that asks, before and after', async () => {
    const { batch, cargo } = travelling();
    const before = [whenCompleted(cargo), whenCompleted(cargo)];
    complete(batch, first, true);
    await Promise.all([...before, whenCompleted(cargo)]);
    const late = travelling();
    complete(late.batch, first, true);
    await whenCompleted(late.cargo);
  });

  it('tells each caller why there will be no results', async () => {
    const { batch, cargo } = travelling();
    const before = whenCompleted(cargo);
    const error = new Error('lost');
    fail(batch, error);
    await assert.rejects(before, error);
    await assert.rejects(whenCompleted(cargo), error);
    const late = travelling();
    fail(late.batch, error);
    await assert.rejects(whenCompleted(late.cargo), error);
  });
});
