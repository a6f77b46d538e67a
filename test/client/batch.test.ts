import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { appended, complete, createBatch, isComplete, onCompleted } from '../../services/client/batch.ts';

describe('a batch', () => {
  const first = Uint8Array.of(1);
  const second = Uint8Array.of(2);

  it('leaves its results to its calls once there can be no others', () => {
    const batch = createBatch(0, 'counter', 0);
    const { answer } = appended(batch, 1, 1, 8);
    complete(batch, first, false);
    assert.equal(batch.answer, answer);
    complete(batch, second, true);
    assert.notEqual(batch.answer, answer);
    assert.ok(isComplete(batch));
    assert.deepEqual(answer, { results: first, finalResults: second, completion: undefined });
  });

  it('tells whoever asks, before and after', () => {
    const batch = createBatch(0, 'counter', 0);
    const part = appended(batch, 1, 1, 8);
    const told: (string | undefined)[] = [];
    for (let asked = 0; asked < 3; asked++) onCompleted(part, (error) => told.push(error?.message));
    assert.equal(told.length, 0);
    complete(batch, first, true);
    onCompleted(part, (error) => told.push(error?.message));
    assert.deepEqual(told, [undefined, undefined, undefined, undefined]);
  });
});
