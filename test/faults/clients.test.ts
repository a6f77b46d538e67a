import assert from 'node:assert/strict';
import { UnknownWorkerError, WorkerRemovedError, WrongTypeError } from '@dpr/client';
import { EXIT } from '@dpr/runtime';
import { cleanUp, startSite, until, within } from './harness.ts';

describe('sessions and workers that are not there any more, or not as expected', () => {
  afterEach(cleanUp);

  it('a worker that is removed while it is used commits what it answered, and takes nothing more', async () => {
    const site = await startSite();
    const client = await site.client();
    const session = client.session();
    const commits: Promise<bigint>[] = [];
    let failure: unknown;
    const work = (async () => {
      try {
        for (;;) {
          const outcome = session.counter(0).add(1);
          outcome.committed.catch(() => undefined);
          await outcome;
          commits.push(outcome.committed);
        }
      } catch (error) {
        failure = error;
      }
    })();
    await until('some work', () => commits.length > 20);
    const operator = await site.operator();
    await operator.deleteWorker(0);
    assert.equal(await within('its end', site.workers[0]?.exit ?? Promise.resolve(null)), EXIT.left);
    await within('the refusal', work);
    assert.ok(failure instanceof WorkerRemovedError);
    const values = await within('the commits', Promise.all(commits));
    assert.equal(values.at(-1), BigInt(commits.length), 'everything that was answered is committed');
    assert.deepEqual(await operator.deleteWorker(0), { state: 'left', waitingFor: '' });

    await assert.rejects(within('the refusal', Promise.resolve(session.counter(0).add(1))), {
      name: 'WorkerRemovedError',
      outcome: 'notExecuted',
      message: 'worker 0 was removed from the cluster; this was not executed. Use another worker',
    });
    const other = client.session();
    assert.equal(await within('the other worker', other.counter(1).add(5).committed), 5n);
  });

  it('what a worker did not answer before it was removed by force is of unknown outcome', async () => {
    const site = await startSite();
    const client = await site.client();
    const session = client.session({ replay: true });
    await session.counter(0).add(300).committed;
    await session.counter(1).add(300).committed;
    site.workers[0]?.process.kill('SIGSTOP');
    const unanswered = session.counter(0).add(1);
    const operator = await site.operator();
    assert.equal((await operator.deleteWorker(0, { force: true })).state, 'left');
    await assert.rejects(within('the refusal', Promise.resolve(unanswered)), {
      name: 'WorkerRemovedError',
      outcome: 'unknown',
      message: 'worker 0 was removed from the cluster; whether this executed before is unknown. Use another worker',
    });
    const other = client.session({ replay: true }); // the rollback may still be under way
    assert.equal(await within('the other worker', other.counter(1).add(5).committed), 305n);
    site.workers[0]?.process.kill('SIGCONT');
    assert.equal(await within('its end', site.workers[0]?.exit ?? Promise.resolve(null)), EXIT.left);
  });

  it('a worker of another type, and one that never was, are named', async () => {
    const site = await startSite({ workers: 1 });
    const client = await site.client();
    const session = client.session();
    await assert.rejects(Promise.resolve(session.worker(0, 'kv').call(Buffer.alloc(8), 1)), (error) => {
      assert.ok(error instanceof WrongTypeError);
      assert.equal(error.message, "worker 0 is of type 'counter', not 'kv'");
      return true;
    });
    await assert.rejects(Promise.resolve(session.counter(7).add(1)), (error) => {
      assert.ok(error instanceof UnknownWorkerError);
      assert.equal(error.message, 'no worker has the id 7; the cluster has workers 0');
      return true;
    });
    assert.equal(await session.counter(0).add(1), 1n, 'the session goes on');
  });
});
