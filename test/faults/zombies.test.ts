import assert from 'node:assert/strict';
import type { Session } from '@dpr/client';
import { EXIT } from '@dpr/runtime';
import { freePort, type Child } from '../runtime/cluster.ts';
import { amounts, batch, greet } from '../runtime/peer.ts';
import { cleanUp, metric, startSite, until, within } from './harness.ts';

/** Adds to both counters, one round after the other, until it is told to stop. */
function incrementing(session: Session) {
  let rounds = 0;
  let going = true;
  const done = (async () => {
    for (; going; rounds++) await Promise.all([session.counter(0).add(300), session.counter(1).add(300)]);
    await session.commit();
  })();
  return {
    /** Wait until so many more rounds are done. */
    async more(count: number): Promise<void> {
      const wanted = rounds + count;
      await Promise.race([until(`${count} more rounds`, () => rounds >= wanted), done]);
    },
    /** @returns what each counter must have */
    async stop(): Promise<number> {
      going = false;
      await within('the last rounds', done);
      return rounds * 300;
    },
  };
}

describe('processes that stand still and wake up', () => {
  afterEach(cleanUp);

  it('a worker whose successor has joined is fenced and executes nothing beside it', async () => {
    const site = await startSite();
    const [zombie] = site.workers;
    assert.ok(zombie);
    const client = await site.client();
    const session = client.session({ replay: true });
    const work = incrementing(session);
    await work.more(20);
    const peer = await greet(site.workerPort(0));

    zombie.process.kill('SIGSTOP');
    const port = await freePort();
    const admin = await freePort();
    const successor = site.startWorker(0, { DPR_PORT: String(port), DPR_ADMIN_PORT: String(admin) });
    assert.equal((await successor.event('serving')).worldLine, 2);
    await work.more(20);
    // What waits for the zombie when it wakes up: work of its own world-line, and of its successor's.
    for (const worldLine of [1, 2]) {
      const fields = { session: `${worldLine}`.repeat(32), sequence: 1, worldLine, operations: amounts(1_000_000) };
      peer.send(batch(fields));
    }
    zombie.process.kill('SIGCONT');
    assert.equal(await within('its end', zombie.exit), EXIT.fenced);
    // It hears of it from the Finder, from a decision, or from its volume, whichever comes first.
    assert.match(
      zombie.lines.flatMap(({ event, reason }) => (event === 'stop' ? [String(reason)] : [])).join('; '),
      /^(incarnation 2 of worker 0 took over|world-line 2 goes on with incarnation 2 of this worker|incarnation 2 has taken over [^;]+)$/,
    );
    await peer.closed;
    const answered = peer.received.flatMap((message) => (message.kind === 'reply' ? [message.worldLine] : []));
    assert.ok(!answered.includes(2), 'it executed nothing of the new world-line');
    await work.more(20);

    // Nothing that the zombie wrote counts for the process that reads the volume next.
    await successor.end('SIGKILL');
    await site.restartWorker(0);
    await work.more(20);
    const expected = await work.stop();
    assert.deepEqual(await site.counters(), [expected, expected]);
  });

  it('a Finder stops commits and nothing else, and then everything commits', async () => {
    const site = await startSite();
    const client = await site.client();
    const session = client.session();
    await session.counter(0).add(0).committed;
    const work = incrementing(session);
    await work.more(20);
    site.finder.process.kill('SIGSTOP');
    const dialed = (event: unknown) => event === 'connected' || event === 'disconnected';
    const isAway = ({ lines }: Child) => lines.findLast(({ event }) => dialed(event))?.event === 'disconnected';
    await until('the workers found out that the Finder is silent', () => site.workers.every(isAway));
    const committed = () =>
      Promise.all([0, 1].map((id) => metric(site.workerAdminPort(id), 'dpr_worker_committed_version')));
    const before = await committed();
    await work.more(50);
    assert.deepEqual(await committed(), before, 'nothing commits');
    site.finder.process.kill('SIGCONT');
    const expected = await work.stop();
    assert.deepEqual(await site.counters(), [expected, expected]);
    assert.equal(session.worldLine, 1, 'no worker rolled back');
  });
});
