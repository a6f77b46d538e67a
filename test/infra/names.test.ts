import assert from 'node:assert/strict';
import { FINDER_NAME, INGRESS_NAME, PODS_NAME, workerName, workerNamed } from '@dpr/infra/plan';
import fc from 'fast-check';

describe("a worker's name", () => {
  it('tells the worker again, with any name of its type', () => {
    const someType = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/);
    const property = fc.property(someType, fc.nat({ max: 65_535 }), (type, id) =>
      assert.deepEqual(workerNamed(workerName({ type, id })), { type, id }),
    );
    fc.assert(property);
    assert.deepEqual(workerNamed('kv-2-10'), { type: 'kv-2', id: 10 });
  });

  it('is none of the names that everything else has', () => {
    for (const name of [FINDER_NAME, INGRESS_NAME, PODS_NAME]) assert.equal(workerNamed(name), undefined);
  });
});
