import assert from 'node:assert/strict';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { LogEntry } from '@dpr/client';
import { EXIT } from '@dpr/runtime';
import { cleanUp, endsSaying, metric, probe, said, startSite, until, within, type Site } from './harness.ts';

const OTHER_CLUSTER =
  /^this Finder serves cluster [0-9a-f]{32}, and the peer belongs to cluster [0-9a-f]{32}\. If the Finder's volume was emptied or swapped, put the right one back; if the peer's was, the same$/;
const OLD_RECORD =
  /^a worker has seen record \d+ of this Finder's start [0-9a-f]{16}, and the record on its volume does not include that: the volume lost writes or an older one was restored\. Bring back the newest volume of the Finder; nothing was changed$/;

describe('volumes that are not as they were left', () => {
  const workerVolume = (site: Site, id: number): string => path.join(site.directory, `counter-${id}`);
  const finderVolume = (site: Site): string => path.join(site.directory, 'finder');

  /** Both counters at 300 for certain, and more that may or may not be. */
  async function workedSite(): Promise<Site> {
    const site = await startSite();
    const client = await site.client();
    const session = client.session();
    for (const id of [0, 1]) void session.counter(id).add(300);
    await session.commit();
    await client.close();
    return site;
  }

  async function stopWorker(site: Site, id: number): Promise<void> {
    await site.workers[id]?.end('SIGTERM');
  }

  async function stopAll(site: Site): Promise<void> {
    await Promise.all([...site.workers, site.finder].map((child) => child.end('SIGTERM')));
  }

  async function copy(from: string, to: string): Promise<void> {
    await cp(from, to, { recursive: true, filter: (name) => !path.basename(name).startsWith('lock-') });
  }

  async function replace(volume: string, by: string): Promise<void> {
    await rm(volume, { recursive: true });
    await rename(by, volume);
  }

  async function newestManifest(volume: string): Promise<string> {
    const directory = path.join(volume, 'generation-1');
    const incarnations = (await readdir(directory)).flatMap((name) => /^manifest-(\d+)$/.exec(name)?.[1] ?? []);
    return path.join(directory, `manifest-${Math.max(...incarnations.map(Number))}`);
  }

  async function flip(file: string, where: (bytes: Buffer) => number): Promise<void> {
    const bytes = await readFile(file);
    const at = where(bytes);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
    await writeFile(file, bytes);
  }

  /** The other worker was not fenced, rolled back or disturbed, and goes on committing. */
  async function othersServe(site: Site, id: number): Promise<void> {
    const client = await site.client();
    const session = client.session();
    await within('a commit by the other worker', session.counter(id).add(0).committed);
    assert.equal(session.worldLine, 1, 'no worker rolled back');
    await client.close();
  }

  /** What is committed is there after all. */
  async function allIsBack(site: Site): Promise<void> {
    assert.deepEqual(await within('the counters', site.counters()), [300, 300]);
  }

  describe('of a worker', () => {
    let site: Site;
    let volume: string;
    before(async () => {
      site = await workedSite();
      volume = workerVolume(site, 0);
    });
    after(cleanUp);

    /** Worker 0 was started on what is not its volume, or is damaged: others serve on, and so does it once all is put right. */
    async function putRight(): Promise<void> {
      await othersServe(site, 1);
      await rm(volume, { recursive: true, force: true });
      await rename(`${volume}-right`, volume);
      await site.restartWorker(0);
      await allIsBack(site);
      assert.equal(incarnation(), stoppedIncarnation + 1, 'no process but the right one fenced another');
    }

    const incarnation = (): number =>
      Number(site.finder.lines.findLast(({ event, worker }) => event === 'claimed' && worker === 0)?.incarnation);
    let stoppedIncarnation = 0;

    async function stopIt(): Promise<void> {
      await stopWorker(site, 0);
      stoppedIncarnation = incarnation();
    }

    beforeEach(stopIt);

    it('is refused when it was emptied', async () => {
      await rename(volume, `${volume}-right`);
      assert.match(
        await endsSaying(site.startWorker(0), EXIT.refused, 'stop'),
        /^version \d+ of worker 0 is committed, and its volume does not hold that checkpoint: the volume was lost, damaged, swapped, or restored from too old a copy\. Bring back the right volume, or remove the worker by force \(dpr remove-worker 0 --force\), which loses its state, and add it again$/,
      );
      await putRight();
    });

    it("is refused when it is another worker's, also if that has much in common with it", async () => {
      await rename(volume, `${volume}-right`);
      await copy(workerVolume(site, 1), volume);
      assert.equal(
        await endsSaying(site.startWorker(0), EXIT.refused, 'failed'),
        `${volume} should hold generation 1 of worker 0, and holds generation 1 of worker 1. Bring back the right directory`,
      );
      await putRight();
    });

    it('is refused when it was restored from a too old copy', async () => {
      await copy(volume, `${volume}-old`);
      await site.restartWorker(0);
      const client = await site.client();
      for (const amount of [5, -5]) await client.session().counter(0).add(amount).committed;
      await client.close();
      await stopIt();
      await rename(volume, `${volume}-right`);
      await rename(`${volume}-old`, volume);
      assert.match(
        await endsSaying(site.startWorker(0), EXIT.refused, 'stop'),
        /^version \d+ of worker 0 is committed, .* restored from too old a copy\. Bring back/,
      );
      await putRight();
    });

    it("is refused when it is another cluster's", async () => {
      const other = await startSite({ workers: 1 });
      const client = await other.client();
      await client.session().counter(0).add(7).committed;
      await client.close();
      await other.workers[0]?.end('SIGTERM');
      await rename(volume, `${volume}-right`);
      await copy(workerVolume(other, 0), volume);
      assert.match(await endsSaying(site.startWorker(0), EXIT.refused, 'stop'), OTHER_CLUSTER);
      await putRight();
    });

    it('is refused when its identity is damaged or gone, and not taken for an empty one', async () => {
      await copy(volume, `${volume}-right`);
      const identity = path.join(volume, 'generation-1', 'identity');
      await flip(identity, () => 60);
      assert.equal(
        await endsSaying(site.startWorker(0), EXIT.refused, 'failed'),
        `${identity} is damaged, so it is not known which worker's data this is. Restore it from a backup of this directory`,
      );
      await rm(identity);
      assert.equal(
        await endsSaying(site.startWorker(0), EXIT.refused, 'failed'),
        `${identity} is missing beside checkpoints, so it is not known which worker's data this is. Restore it from a backup of this directory`,
      );
      await putRight();
    });

    const PLACES: Readonly<Record<string, (bytes: Buffer) => number>> = {
      'the beginning of the manifest': () => 10,
      'the description of a checkpoint': (bytes) => bytes.lastIndexOf('"predecessor"'),
      'the content of a checkpoint': (bytes) => {
        const rest = '"clean":null}';
        return bytes.indexOf(rest, bytes.lastIndexOf('"predecessor"')) + rest.length;
      },
    };
    for (const [what, where] of Object.entries(PLACES)) {
      it(`is refused when ${what} is damaged`, async () => {
        await copy(volume, `${volume}-right`);
        const manifest = await newestManifest(volume);
        await flip(manifest, where);
        assert.match(
          await endsSaying(site.startWorker(0), EXIT.refused, 'failed'),
          new RegExp(
            `^${manifest} is damaged at byte \\d+, and what follows there was written later, so this is not the trace of a crash\\. ` +
              'Restore the directory from a backup, or remove the worker by force and add it again with state: empty in its entry, which loses what it held$',
          ),
        );
        await putRight();
      });
    }
  });

  describe('of the Finder', () => {
    afterEach(cleanUp);

    /** How many workers listed their graphs to the Finder that runs. */
    const met = (site: Site): Promise<number> => metric(site.ports.admin, 'dpr_finder_members{state="connected"}');
    const metBoth = (site: Site): Promise<unknown> =>
      until('both workers at the Finder', async () => (await met(site)) === 2);

    /** What a client is told that tries to connect to a Finder that serves no peer. */
    const clientRefused = (site: Site): Promise<string> =>
      new Promise((resolve, reject) => {
        const enough = new AbortController();
        const log = ({ message }: LogEntry): void => {
          if (!message.includes('does not serve now')) return; // it was not there yet
          resolve(message);
          enough.abort();
        };
        site.client({ signal: enough.signal, log }).then(() => reject(new Error('it is connected')), reject);
      });

    it('falls back to the other slot when one is torn, and loses nothing', async () => {
      const site = await workedSite();
      await stopAll(site);
      for (const slot of ['finder-0', 'finder-1']) {
        await copy(finderVolume(site), `${finderVolume(site)}-right`);
        await flip(path.join(finderVolume(site), slot), (bytes) => bytes.length - 1);
        const finder = site.startFinder();
        await finder.event('serving');
        const torn = await said(finder, 'the torn slot', ({ event }) => event === 'slotDistrusted');
        assert.equal(torn.file, path.join(finderVolume(site), slot));
        assert.equal(torn.reason, 'torn or damaged; the other slot is used');
        await finder.end('SIGTERM');
        await replace(finderVolume(site), `${finderVolume(site)}-right`);
      }
    });

    it('stops the Finder when both slots are torn, says so, and is not replaced by an empty one', async () => {
      const site = await workedSite();
      await stopAll(site);
      const volume = finderVolume(site);
      await copy(volume, `${volume}-right`);
      for (const slot of ['finder-0', 'finder-1']) await flip(path.join(volume, slot), (bytes) => bytes.length - 1);
      for (const attempt of [1, 2]) {
        const reason = await endsSaying(site.startFinder(), EXIT.damaged, 'failed');
        const invalid = [0, 1].map((slot) => `${path.join(volume, `finder-${slot}`)} is not valid`).join(' and ');
        assert.equal(
          reason,
          `${invalid}: a crash cannot do this, so the disk or a program damaged the files. Restore both from a ` +
            'backup of this directory. To start with nothing instead, and lose what was recorded, remove both',
          `attempt ${attempt}`,
        );
      }
      await replace(volume, `${volume}-right`);
      await Promise.all([site.restartFinder(), site.restartWorker(0), site.restartWorker(1)]);
      await allIsBack(site);
    });

    it('is not believed when it was emptied while workers know the cluster, and the right one is taken back', async () => {
      const site = await workedSite();
      await site.finder.end('SIGKILL');
      const volume = finderVolume(site);
      await rename(volume, `${volume}-right`);
      const empty = await site.restartFinder();
      for (const [child, event] of [
        [empty, 'refused'],
        ...site.workers.map((worker) => [worker, 'finderRefused'] as const),
      ] as const) {
        const told = await said(child, 'the refusal', (line) => line.event === event && line.code !== 'notServing');
        assert.match(String(told.reason), OTHER_CLUSTER);
      }
      // A worker that is started now must not join the empty cluster either.
      await stopWorker(site, 1);
      assert.match(await endsSaying(site.startWorker(1), EXIT.refused, 'stop'), OTHER_CLUSTER);
      await empty.end('SIGKILL');
      await replace(volume, `${volume}-right`);
      await Promise.all([site.restartFinder(), site.restartWorker(1)]);
      await allIsBack(site);
    });

    for (const [when, isLate] of [
      ['', false],
      [', also when a worker comes first that knows no better', true],
    ] as const) {
      it(`is not believed when it was restored from an older copy${when}, nothing is changed, and the newest one is taken back`, async () => {
        const site = await workedSite();
        const volume = finderVolume(site);
        const [, other] = site.workers;
        assert.ok(other);
        await site.finder.end('SIGKILL');
        await copy(volume, `${volume}-old`);
        if (isLate) other.process.kill('SIGSTOP');
        const newest = await site.restartFinder();
        const client = await site.client();
        await client.session().counter(0).add(0).committed;
        await client.close();
        if (!isLate) await metBoth(site);
        await newest.end('SIGKILL');
        await rename(volume, `${volume}-right`);
        await rename(`${volume}-old`, volume);
        if (isLate) site.workers[0]?.process.kill('SIGSTOP');
        const old = site.startFinder();
        if (isLate) {
          await old.event('serving');
          other.process.kill('SIGCONT');
          await until('the worker that knows no better', async () => (await met(site)) === 1);
          assert.ok(old.lines.every(({ event }) => event !== 'refusing'));
          site.workers[0]?.process.kill('SIGCONT');
        }
        const refusing = await said(old, 'the refusal', ({ event }) => event === 'refusing');
        assert.match(String(refusing.reason), OLD_RECORD);
        assert.match((await probe(site.ports.admin, 'ready')).reason ?? '', OLD_RECORD);
        for (const worker of site.workers) {
          const told = await said(worker, 'the refusal', ({ code }) => code === 'staleFinder');
          assert.match(String(told.reason), OLD_RECORD);
        }
        const refusal = await within('the refusal of a client', clientRefused(site));
        assert.match(refusal, /does not serve now \(staleFinder\): a worker has seen/);
        await old.end('SIGKILL');
        await replace(volume, `${volume}-right`);
        await site.restartFinder();
        await allIsBack(site);
        assert.equal((await site.operator().then((operator) => operator.status())).worldLine, 1);
      });
    }

    it('goes on from an older copy while all who know better are away, and what that costs is as documented', async () => {
      const site = await workedSite();
      const volume = finderVolume(site);
      await site.finder.end('SIGKILL');
      await copy(volume, `${volume}-old`);
      const newest = await site.restartFinder();
      await metBoth(site);
      await stopWorker(site, 1);
      const client = await site.client();
      await client.session().counter(0).add(0).committed;
      await newest.end('SIGKILL');
      await rename(volume, `${volume}-right`);
      await rename(`${volume}-old`, volume);
      site.workers[0]?.process.kill('SIGSTOP');
      const old = await site.restartFinder();
      await site.restartWorker(1);
      const unheard = await said(old, 'the members without which it goes on', ({ event }) => event === 'unheard');
      assert.deepEqual(unheard.workers, [0]);
      await within('a commit by the other worker', client.session().counter(1).add(5).committed);
      await client.close();
      site.workers[0]?.process.kill('SIGCONT');
      const refusing = await said(old, 'the refusal', ({ event }) => event === 'refusing');
      assert.match(
        String(refusing.reason),
        /; this one was in use before that was known, by workers 1\. If the newest one/,
      );
      // As it says, and OPERATIONS.md.
      await site.workers[1]?.end('SIGKILL');
      await old.end('SIGKILL');
      await replace(volume, `${volume}-right`);
      const right = await site.restartFinder();
      const forked = site.startWorker(1);
      await said(right, 'the refusal', ({ event }) => event === 'refusing');
      await forked.end('SIGKILL');
      await right.end('SIGKILL');
      await site.restartFinder();
      const operator = await site.operator();
      await within('the removal', operator.deleteWorker(1, { force: true }));
      await rm(workerVolume(site, 1), { recursive: true });
      await site.restartWorker(1);
      assert.deepEqual(await within('the counters', site.counters()), [300, 0]);
    });
  });
});
