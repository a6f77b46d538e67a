import assert from 'node:assert/strict';
import {
  appended,
  complete,
  isUnanswered,
  onCompleted,
  type Batch,
  type Cargo,
} from '../../services/client/session/batch.ts';
import { createCollector } from '../../services/client/session/collector.ts';

/** A batch of one operation that is on its way. */
function travelling(): { batch: Batch; cargo: Cargo } {
  const collector = createCollector('strict');
  const { cargo } = appended(collector.open(0, { name: 'counter' }, 8), collector.number(1), 1, 8);
  const [batch] = collector.take();
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

  it('tells each caller that asks, before and after', () => {
    const { batch, cargo } = travelling();
    const told: (string | undefined)[] = [];
    for (let asked = 0; asked < 3; asked++) onCompleted(cargo, (error) => told.push(error?.message));
    assert.equal(told.length, 0);
    complete(batch, first, true);
    onCompleted(cargo, (error) => told.push(error?.message));
    assert.deepEqual(told, [undefined, undefined, undefined, undefined]);
  });
});
