import assert from 'node:assert/strict';
import { RefusedError, type Operator } from '@dpr/client';
import { actionsOf, type ActionOptions } from '../../services/console/actions.ts';
import { PATHS, type FaultRequest } from '../../services/console/messages.ts';

describe('what a page may ask for', () => {
  const ask = (path: string, body: unknown, more: Partial<ActionOptions> = {}) => {
    const can = { remove: true, injectFaults: more.injectFault !== undefined };
    const given = { operator: () => undefined, injectFault: undefined, can, ...more };
    return actionsOf(given)[path]?.(body);
  };
  const operatorThat = (deleteWorker: Operator['deleteWorker']) => () => ({ deleteWorker }) as Operator;

  it('is to remove a worker in the generation that it shows', async () => {
    const asked: unknown[] = [];
    const operator = operatorThat((id, options) => {
      asked.push([id, options?.generation]);
      return Promise.resolve({ state: 'leaving', waitingFor: 'worker 3' });
    });
    const done = await ask(PATHS.remove, { worker: 1, generation: 2 }, { operator });
    assert.deepEqual(done, { status: 200, text: 'Worker 1 is leaving; it waits for worker 3.' });
    assert.deepEqual(asked, [[1, 2]]);
    for (const body of [undefined, null, {}, { worker: '1', generation: 1 }, { worker: 1, generation: 0 }]) {
      assert.equal((await ask(PATHS.remove, body, { operator }))?.status, 400);
    }
    assert.equal(asked.length, 1);
  });

  it('fails with the reason', async () => {
    const body = { worker: 1, generation: 2 };
    assert.equal((await ask(PATHS.remove, body))?.status, 503);
    const failing = (error: Error) => ask(PATHS.remove, body, { operator: operatorThat(() => Promise.reject(error)) });
    assert.deepEqual(await failing(new RefusedError('not now')), { status: 409, text: 'not now' });
    assert.deepEqual(await failing(new RangeError('no such id')), { status: 400, text: 'no such id' });
    assert.equal((await failing(new DOMException('late', 'TimeoutError')))?.status, 504);
    const mayNot = { remove: false, injectFaults: false };
    assert.equal((await ask(PATHS.remove, body, { can: mayNot }))?.status, 403);
  });

  it('is to do something bad to a process of this machine, where that may be', async () => {
    const body: FaultRequest = { process: 'counter-0', fault: 'kill' };
    assert.equal((await ask(PATHS.fault, body))?.status, 403);
    const injectFault = ({ process }: FaultRequest) => (process === 'counter-0' ? 'It is killed.' : undefined);
    assert.deepEqual(await ask(PATHS.fault, body, { injectFault }), { status: 200, text: 'It is killed.' });
    assert.equal((await ask(PATHS.fault, { ...body, process: 'other' }, { injectFault }))?.status, 404);
    assert.equal((await ask(PATHS.fault, { ...body, fault: 'burn' }, { injectFault }))?.status, 400);
  });
});
