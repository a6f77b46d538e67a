import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MAX_UNWRITTEN_VERSIONS } from '@dpr/protocol';
import { EXIT } from '@dpr/runtime';
import { allowWriting, forbidWriting, underRights, waysToFill } from './disk.ts';
import { cleanUp, endsSaying, makeSite, metric, said, startSite, until, within } from './harness.ts';

/** The system's words for a write that found no room. */
const NO_ROOM = /ENOSPC: no space left on device|EFBIG: file too large/;

describe('disks that are full', () => {
  afterEach(cleanUp);

  for (const way of waysToFill()) {
    it(`(${way.name}) let a worker answer up to its bounds and commit nothing, and it goes on by itself`, async () => {
      const scarce = way.make();
      const data = path.join(scarce.directory, 'data');
      const site = await startSite({ worker: (id): Record<string, string> => (id === 0 ? { DPR_DATA: data } : {}) });
      const [worker] = site.workers;
      assert.ok(worker);
      const admin = site.workerAdminPort(0);
      const client = await site.client();
      const [session, other] = [client.session(), client.session()];
      await session.counter(0).add(300).committed;

      scarce.fill(worker);
      let [added, adding] = [0, true];
      const additions = (async () => {
        for (; adding; added++) await session.counter(0).add(1);
      })();
      await until(
        'as many versions as may be unwritten',
        async () => (await metric(admin, 'dpr_worker_unwritten_versions')) === MAX_UNWRITTEN_VERSIONS,
      );
      await until('a batch that waits', async () => (await metric(admin, 'dpr_worker_waiting_batches')) > 0);
      assert.ok(added >= MAX_UNWRITTEN_VERSIONS - 1, 'it answered until then');
      const failure = await said(worker, 'the failure', ({ event }) => event === 'writeFailed');
      assert.match(String(failure.reason), NO_ROOM);
      assert.ok(String(failure.reason).includes(data), 'names the file');
      assert.ok((await metric(admin, 'dpr_worker_checkpoint_write_failures_total')) > 0);
      await within('a commit by the other worker', other.counter(1).add(300).committed);

      scarce.free(worker);
      adding = false;
      await within('the answers', additions);
      await within('the commit', session.commit());
      assert.deepEqual(await site.counters(), [300 + added, 300]);
      assert.deepEqual(
        [session.worldLine, worker.process.exitCode],
        [1, null],
        'nothing had to be started or taken back',
      );
    });

    it(`(${way.name}) lose nothing that was committed when a worker is killed and started on one`, async () => {
      const scarce = way.make();
      const data = { DPR_DATA: path.join(scarce.directory, 'data') };
      const site = await startSite({ workers: 1, worker: () => data });
      const client = await site.client();
      const session = client.session({ replay: true });
      await session.counter(0).add(300).committed;
      assert.ok(site.workers[0]);
      scarce.fill(site.workers[0]);
      await session.counter(0).add(20);
      await site.workers[0].end('SIGKILL');
      const full = site.startWorker(0, data, scarce.through());
      const failure = await said(full, 'the failure', ({ event }) => event === 'writeFailed');
      assert.match(String(failure.reason), NO_ROOM);
      assert.ok(String(failure.reason).includes(data.DPR_DATA), 'names the file');
      scarce.free(full);
      await within('it serves', full.event('serving'));
      await within('the commit', session.commit());
      assert.deepEqual(await site.counters(), [320]);
    });
  }

  const [limited] = waysToFill().slice(-1);
  const [disk] = waysToFill().slice(0, -1);

  it('let nothing commit while the Finder cannot write, execution goes on, and then everything commits', async () => {
    const scarce = limited?.make();
    assert.ok(scarce);
    const site = await startSite({ finder: { DPR_DATA: path.join(scarce.directory, 'finder') } });
    const client = await site.client();
    const session = client.session();
    await session.counter(0).add(300).committed;
    scarce.fill(site.finder);
    const results = [session.counter(0).add(1), session.counter(1).add(1)];
    await within('the answers', Promise.all(results));
    const failure = await said(site.finder, 'the failure', ({ event }) => event === 'writeFailed');
    assert.match(String(failure.reason), NO_ROOM);
    assert.ok(String(failure.reason).includes(scarce.directory), 'names the file');
    assert.ok((await metric(site.ports.admin, 'dpr_finder_record_write_failures_total')) > 0);
    await session.counter(0).add(1);
    assert.equal(session.uncommitted.operations, 3, 'nothing was committed');
    scarce.free(site.finder);
    await within('the commit', session.commit());
    assert.deepEqual([await site.counters(), session.worldLine], [[302, 1], 1]);
  });

  if (disk !== undefined) {
    it('do not keep the Finder from committing, since it replaces its record in place', async () => {
      const scarce = disk.make();
      const site = await startSite({ finder: { DPR_DATA: path.join(scarce.directory, 'finder') } });
      const client = await site.client();
      const session = client.session();
      await session.counter(0).add(300).committed;
      scarce.fill(site.finder);
      for (let round = 0; round < 3; round++) {
        void session.counter(0).add(1);
        void session.counter(1).add(1);
        await within('the commit', session.commit());
      }
      await site.finder.end('SIGKILL');
      await within('the start on a full disk', site.restartFinder());
      assert.deepEqual(await site.counters(), [303, 3]);
    });

    it('keep a new Finder from serving until there is room', async () => {
      const scarce = disk.make();
      const site = await makeSite(0);
      scarce.fill();
      const finder = site.startFinder({ DPR_DATA: scarce.directory });
      const failure = await said(finder, 'the failure', ({ event }) => event === 'writeFailed' || event === 'failed');
      assert.match(String(failure.reason), NO_ROOM);
      scarce.free();
      await within('it serves', finder.event('serving'));
    });
  }
});

describe('directories that may not be written', () => {
  afterEach(cleanUp);

  it('stop the Finder and workers before they do anything, with an error that names them', async () => {
    const site = await makeSite(1);
    const closed = path.join(site.directory, 'closed');
    await mkdir(closed);
    forbidWriting(closed);
    for (const data of [closed, path.join(closed, 'new')]) {
      for (const child of [
        site.startFinder({ DPR_DATA: data }, underRights()),
        site.startWorker(0, { DPR_DATA: data }, underRights()),
      ]) {
        const reason = await endsSaying(child, EXIT.config, 'failed');
        assert.ok(reason.startsWith(`the data directory '${data}' cannot be used: EACCES: permission denied`), reason);
        assert.match(
          reason,
          /Choose another one, or give the user that runs this process the right to read and write it$/,
        );
      }
    }
  });

  it('lose nothing of what is in them', async () => {
    const site = await startSite();
    const client = await site.client();
    const session = client.session({ replay: true });
    await session.counter(0).add(300).committed;
    await site.workers[0]?.end('SIGTERM');
    const volume = path.join(site.directory, 'counter-0', 'generation-1');
    forbidWriting(volume);
    const reason = await endsSaying(site.startWorker(0, {}, underRights()), EXIT.refused, 'failed');
    assert.ok(reason.includes(volume), reason);
    allowWriting(volume);
    await site.restartWorker(0);
    assert.deepEqual(await site.counters(), [300, 0]);
  });
});
