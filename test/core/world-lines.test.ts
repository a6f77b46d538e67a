import assert from 'node:assert/strict';
import { decisionsAfter, survivingVersion } from '@dpr/core';
import { MAX_DECISION_ENTRIES, MAX_DECISIONS, type Decision } from '@dpr/protocol';
import { pruneDecisions } from '../../services/core/world-lines.ts';

function decision(worldLine: number, prefix: Record<number, number> = {}): Decision {
  const versions = Object.entries(prefix).map(([worker, version]) => [Number(worker), version] as const);
  return { worldLine, prefix: new Map(versions), entitled: new Map() };
}

describe('world-lines', () => {
  const history = [decision(2, { 0: 10, 1: 4 }), decision(3, { 0: 7, 1: 9 }), decision(4, { 0: 20, 1: 9 })];

  it('keep of a version what every later decision kept, not only the last', () => {
    assert.equal(survivingVersion(history, 0, 1), 7);
    assert.equal(survivingVersion(history, 1, 1), 4);
    assert.equal(survivingVersion(history, 1, 2), 9);
    assert.equal(survivingVersion(history, 0, 3), 20);
    assert.equal(survivingVersion(history, 0, 4), Infinity);
    assert.equal(survivingVersion(history, 5, 1), 0, 'a worker that the prefix does not name had nothing');
  });

  it('are told from one to another only if none is missing between', () => {
    assert.deepEqual(decisionsAfter(history, 1, 4), history);
    assert.deepEqual(decisionsAfter(history, 3, 4), history.slice(2));
    assert.deepEqual(decisionsAfter(history, 4, 4), []);
    assert.equal(decisionsAfter(history, 0, 4), undefined);
    assert.equal(decisionsAfter([decision(2), decision(4)], 1, 4), undefined);
  });

  it('are remembered up to the limits, the newest always', () => {
    const many = Array.from({ length: MAX_DECISIONS + 5 }, (_, at) => decision(at + 2));
    assert.deepEqual(pruneDecisions(many), many.slice(5));
    const wide = Object.fromEntries(Array.from({ length: MAX_DECISION_ENTRIES + 1 }, (_, worker) => [worker, 1]));
    const last = decision(3, wide);
    assert.deepEqual(pruneDecisions([decision(2), last]), [last]);
    assert.deepEqual(pruneDecisions([]), []);
  });
});
