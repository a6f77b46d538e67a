import { limits, type Cluster } from '@dpr/client';
import assert from 'node:assert/strict';
import { clientOf, makePlace, tearDown } from './harness.ts';

/** Far above what these take, and far below what keeps a connection that stands still. */
const PATIENCE_MS = 60_000;

describe('a client and a worker with as much to tell each other as they may', function () {
  this.timeout(PATIENCE_MS);
  let cluster: Cluster;
  beforeEach(async () => {
    const place = await makePlace();
    await place.start();
    cluster = await clientOf(place);
  });
  afterEach(tearDown);

  it(`adds ${limits.MAX_WAITING_OPERATIONS} amounts in one call`, async () => {
    const session = cluster.session();
    const values = await session.counter(1).addAll(new BigInt64Array(limits.MAX_WAITING_OPERATIONS).fill(1n));
    assert.equal(values.at(-1), BigInt(limits.MAX_WAITING_OPERATIONS));
    await session.commit();
  });

  it('adds 400,000 amounts in each of six sessions', async () => {
    const sessions = Array.from({ length: 6 }, () => cluster.session());
    await Promise.all(sessions.map((session) => session.counter(1).addAll(new BigInt64Array(400_000).fill(1n))));
    await Promise.all(sessions.map((session) => session.commit()));
    assert.equal(await cluster.session().counter(1).get(), 2_400_000n);
  });

  it('adds 20,000 times one in each of a hundred sessions, in one tick', async () => {
    const sessions = Array.from({ length: 100 }, () => cluster.session());
    for (const session of sessions) for (let i = 0; i < 20_000; i++) void session.counter(1).add(1);
    await Promise.all(sessions.map((session) => session.commit()));
    assert.equal(await cluster.session().counter(1).get(), 2_000_000n);
  });

  for (const mode of ['strict', 'relaxed'] as const) {
    it(`makes 150,000 calls, each a batch of its own, of a worker that it has not met, when it is ${mode}`, async () => {
      const session = cluster.session({ mode });
      const one = Buffer.alloc(8, 0).fill(1, 0, 1);
      const handle = session.worker(1, 'counter');
      for (let i = 0; i < 150_000; i++) void handle.call(one, 1);
      await session.commit();
      assert.equal(await session.counter(1).get(), 150_000n);
    });
  }

  it('does what one session asks for before most of what eight others have asked for before it', async () => {
    const large = Array.from({ length: 8 }, () => cluster.session().counter(1));
    await large[0]?.add(0);
    let done = 0;
    const amounts = new BigInt64Array(limits.MAX_WAITING_OPERATIONS / 8).fill(1n);
    const parts = large.flatMap((counter) =>
      Array.from({ length: 8 }, () => counter.addAll(amounts).then(() => done++)),
    );
    await new Promise((resolve) => process.nextTick(resolve));
    await cluster.session().counter(1).add(1);
    assert.ok(done < parts.length / 2, `${done} of ${parts.length} came first`);
    await Promise.all(parts);
  });
});
