import { RollbackError, WorkerRemovedError, type Cluster, type RollbackReport, type Session } from '@dpr/client';
import assert from 'node:assert/strict';
import { clientOf, makePlace, tearDown, until, type Place } from './harness.ts';

const INTERVAL_MS = 60_000;
/** Once a minute: what completes in between is not durable. */
const RARE_CHECKPOINTS = { options: ['--checkpoint-interval', String(INTERVAL_MS)] };

/**
 * Do it again if the clock passed a minute meanwhile: then something else was lost than expected. Each time with a cluster of
 * its own, whose workers are behind the clock and so catch up at once.
 */
async function betweenCheckpoints(attempt: (place: Place, cluster: Cluster) => Promise<() => void>): Promise<void> {
  const minute = (): number => Math.floor(Date.now() / INTERVAL_MS);
  const place = await makePlace();
  await place.start(RARE_CHECKPOINTS);
  const before = minute();
  const check = await attempt(place, await clientOf(place));
  if (minute() === before) check();
  else await betweenCheckpoints(attempt);
}

/** Let both workers catch up with the clock, so that neither takes a checkpoint before the next minute. @returns the values */
async function catchUp(session: Session): Promise<readonly [bigint, bigint]> {
  return [await session.counter(0).add(1).committed, await session.counter(1).add(10).committed];
}

describe('a client of real processes', () => {
  afterEach(tearDown);

  it('adds, reads and commits over several workers', async () => {
    const place = await makePlace();
    await place.start();
    const session = (await clientOf(place)).session();
    const results = [session.counter(0).add(300), session.counter(1).add(-5n), session.counter(0).get()];
    assert.deepEqual(await Promise.all(results), [300n, -5n, 300n]);
    await session.commit();
    assert.deepEqual(session.uncommitted, { operations: 0, bytes: 0 });
    assert.deepEqual(await session.counter(1).addAll([1, 2, 3]), BigInt64Array.of(-4n, -2n, 1n));
    await assert.rejects(session.counter(0).add(2n ** 63n - 1n), { code: 'overflow' });
    assert.equal(await session.counter(0).get(), 300n);
    const other = (await clientOf(place)).session({ mode: 'relaxed' });
    assert.deepEqual(await Promise.all([other.counter(0).get(), other.counter(1).get()]), [300n, 1n]);
  });

  it('issues again by itself what a killed worker lost', async () => {
    await betweenCheckpoints(async (place, cluster) => {
      const reports: RollbackReport[] = [];
      const session = cluster.session({ replay: true, onRollback: (report) => reports.push(report) });
      const [at0, at1] = await catchUp(session);
      const lost = [session.counter(0).add(2), session.counter(1).add(20), session.counter(0).add(3)];
      const completed = await Promise.all(lost);
      assert.deepEqual(completed, [at0 + 2n, at1 + 20n, at0 + 5n]);
      place.kill('counter-0');
      assert.equal(await session.counter(0).add(4), at0 + 9n);
      await session.commit();
      assert.deepEqual(await Promise.all(lost.map(({ committed }) => committed)), completed);
      assert.deepEqual([await session.counter(0).get(), await session.counter(1).get()], [at0 + 9n, at1 + 20n]);
      return () => {
        const [report, ...others] = reports;
        assert.deepEqual(others, []);
        assert.equal(report?.lastSurvivor, 2);
        assert.ok(report.replaying);
      };
    });
  });

  it('is told exactly what a killed worker lost, and goes on from there', async () => {
    await betweenCheckpoints(async (place, cluster) => {
      const session = cluster.session();
      const before = await catchUp(session);
      const third = session.counter(1).add(20);
      await third;
      const fourth = session.counter(0).add(2);
      await fourth;
      place.kill('counter-0');
      // Asking for a commit would save the third one, since its worker lives.
      const results = await Promise.allSettled([third.committed, fourth.committed]);
      const error = session.broken;
      session.resume();
      const after = [await session.counter(0).get(), await session.counter(1).get()];
      return () => {
        assert.ok(error instanceof RollbackError);
        assert.deepEqual(
          results.map((result) => result.status === 'rejected' && (result.reason as unknown)),
          [error, error],
        );
        assert.equal(error.lastSurvivor, 2);
        assert.deepEqual(error.exceptions, []);
        assert.deepEqual(error.lost, [
          { worker: 1, first: 3, count: 1 },
          { worker: 0, first: 4, count: 1 },
        ]);
        assert.deepEqual(after, before);
      };
    });
  });

  it('goes on executing while the Finder is away, and commits once it is back', async () => {
    const place = await makePlace();
    await place.start();
    const session = (await clientOf(place)).session();
    await session.counter(0).add(1);
    await session.commit();
    place.kill('dpr-finder', 'SIGSTOP');
    const results = [session.counter(0).add(1), session.counter(1).add(5)];
    assert.deepEqual(await Promise.all(results), [2n, 5n]);
    place.kill('dpr-finder');
    await session.commit();
    assert.deepEqual(await Promise.all(results.map(({ committed }) => committed)), [2n, 5n]);
  });

  it('is told of a worker that was removed, and uses one that was added', async () => {
    const place = await makePlace();
    await place.start();
    const session = (await clientOf(place)).session();
    await session.counter(1).add(7);
    place.edit({ workers: [{ id: 0 }, { id: 2 }] });
    await until('the end of worker 1', async () => {
      const error = await session
        .counter(1)
        .add(1)
        .then(
          () => undefined,
          (reason: unknown) => reason,
        );
      return error instanceof WorkerRemovedError;
    });
    await until('worker 2', () =>
      session
        .counter(2)
        .add(3)
        .then(
          (value) => value === 3n,
          () => false,
        ),
    );
    assert.equal(await session.counter(0).add(1), 1n);
  });

  it('loses nothing and doubles nothing, strict or relaxed, whichever process is killed', async () => {
    const place = await makePlace({ workers: [{ id: 0 }, { id: 1 }, { id: 2 }] });
    await place.start();
    const cluster = await clientOf(place);
    const sessions = [
      cluster.session({ mode: 'strict', replay: true }),
      cluster.session({ mode: 'relaxed', replay: true }),
    ];
    const rounds = 40;
    const work = sessions.map(async (session) => {
      for (let round = 0; round < rounds; round++) {
        const calls = [0, 1, 2].map((id) => session.counter(id).addAll([1, 1]));
        await Promise.all(calls);
        if (round % 10 === 9) await session.commit();
      }
    });
    for (const name of ['counter-1', 'dpr-finder', 'counter-0', 'counter-2']) {
      const killed = place.kill(name);
      await place.processIs(name, ({ phase, pid }) => phase === 'serving' && pid !== killed);
    }
    await Promise.all(work);
    const reader = cluster.session();
    const expected = BigInt(sessions.length * rounds * 2);
    for (const id of [0, 1, 2]) assert.equal(await reader.counter(id).get(), expected);
  });
});
