import assert from 'node:assert/strict';
import { parseConfig } from '@dpr/infra/config';
import { type LocalPlan, type LocalWorker, planLocal } from '@dpr/infra/plan';
import fc from 'fast-check';
import { type Action, describeAction, diffPlans } from '../../services/local/diff-plans.ts';

const OPTIONS = { dataDirectory: '/data', programDirectory: '/dist', node: '/bin/node', host: '127.0.0.1' };

function plan(workers: readonly object[], basePort = 6379): LocalPlan {
  return planLocal(parseConfig({ workers, basePort, commands: { kv: 'kv-server' } }, 'local'), OPTIONS);
}

const entry = fc.record(
  {
    id: fc.integer({ min: 0, max: 5 }),
    type: fc.constantFrom('counter', 'kv'),
    checkpointIntervalMs: fc.constantFrom(10, 100),
  },
  { requiredKeys: ['id'] },
);
const plans = fc
  .tuple(fc.uniqueArray(entry, { selector: ({ id }) => id }), fc.constantFrom(6379, 7000))
  .map(([workers, basePort]) => plan(workers, basePort));

/** What runs after the actions. */
function carryOut(before: LocalPlan, actions: readonly Action[]): LocalPlan {
  const workers = new Map(before.workers.map((worker) => [worker.id, worker]));
  let { finder } = before;
  for (const action of actions) {
    if (action.kind === 'restartFinder') finder = action.finder;
    else if (action.kind === 'remove') workers.delete(action.worker.id);
    else workers.set(action.worker.id, action.worker);
  }
  return { finder, workers: [...workers.values()] };
}

function inOrder({ finder, workers }: LocalPlan): [LocalPlan['finder'], LocalWorker[]] {
  return [finder, workers.toSorted((a, b) => a.id - b.id)];
}

describe('the difference of two plans', () => {
  it('leads from the one to the other', () => {
    fc.assert(
      fc.property(plans, plans, (before, after) => {
        assert.deepEqual(inOrder(carryOut(before, diffPlans(before, after))), inOrder(after));
      }),
    );
  });

  it('is nothing between a plan and itself in another order', () => {
    const shuffled = plans.chain((one) =>
      fc.tuple(fc.constant(one), fc.shuffledSubarray([...one.workers], { minLength: one.workers.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, workers]) => {
        assert.deepEqual(diffPlans(one, { ...one, workers }), []);
      }),
    );
  });

  it('names each process once at most, and none that stays as it is', () => {
    fc.assert(
      fc.property(plans, plans, (before, after) => {
        const ids = diffPlans(before, after).map((action) =>
          action.kind === 'restartFinder' ? 'finder' : action.worker.id,
        );
        assert.equal(new Set(ids).size, ids.length);
        const same = after.workers.filter((worker) =>
          before.workers.some((other) => JSON.stringify(other) === JSON.stringify(worker)),
        );
        for (const { id } of same) assert.ok(!ids.includes(id));
      }),
    );
  });

  it('tells an administrator what happens', () => {
    const before = plan([{ id: 0 }, { id: 1 }, { id: 2 }]);
    const after = plan([{ id: 1, checkpointIntervalMs: 5 }, { id: 2, type: 'kv' }, { id: 3 }]);
    assert.deepEqual(diffPlans(before, after).map(describeAction).sort(), [
      'worker 0 is removed',
      'worker 1 restarts with new settings',
      'worker 2 becomes a kv, once the counter has left',
      'worker 3 is added',
    ]);
    const moved = diffPlans(before, plan([{ id: 0 }, { id: 1 }, { id: 2 }], 7000)).map(describeAction);
    assert.ok(moved.includes('the Finder restarts with new settings'));
    assert.equal(moved.length, 4);
  });
});
