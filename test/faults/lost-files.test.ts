import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { EXIT } from '@dpr/runtime';
import { cleanUp, endsSaying, startSite, within, type Site } from './harness.ts';
import type { Child } from '../runtime/cluster.ts';

/** A way to take files from a process that runs, and what brings them back, where they still exist. */
type Way = (directory: string) => Promise<(() => Promise<void>) | undefined>;

const away = (directory: string): string => `${directory}-away`;

const removed: Way = async (directory) => {
  await rm(directory, { recursive: true });
  return undefined;
};
const moved: Way = async (directory) => {
  await rename(directory, away(directory));
  return async () => {
    await rm(directory, { recursive: true, force: true });
    await rename(away(directory), directory);
  };
};
const emptied: Way = async (directory) => {
  for (const name of await readdir(directory)) await rm(path.join(directory, name), { recursive: true });
  return undefined;
};
const contentsMoved: Way = async (directory) => {
  await mkdir(away(directory));
  const names = await readdir(directory);
  for (const name of names) await rename(path.join(directory, name), path.join(away(directory), name));
  return async () => {
    await rm(directory, { recursive: true });
    await rename(away(directory), directory);
  };
};
const replaced: Way = async (directory) => {
  const back = await moved(directory);
  await mkdir(directory);
  return back;
};

const DIRECTORIES: Readonly<Record<string, Way>> = {
  'its directory is removed': removed,
  'its directory is moved': moved,
  'its directory is moved and an empty one made': replaced,
  'the contents of its directory are removed': emptied,
  'the contents of its directory are moved': contentsMoved,
};

/** A file by the beginning of its name, and what happens to it. */
function single(name: string, how: (file: string) => Promise<void>): Way {
  return async (directory) => {
    const names = (await readdir(directory)).filter((one) => one.startsWith(name));
    assert.notEqual(names.length, 0);
    for (const one of names) await how(path.join(directory, one));
    return undefined;
  };
}

describe('processes whose files are taken away while they run', () => {
  let site: Site;
  beforeEach(async () => {
    site = await startSite();
  });
  afterEach(cleanUp);

  const SAYS = /was removed, moved, replaced or shortened while this process used it.* Bring back the directory/;

  /** Commit in each worker; then take files away, and end saying so, having reported no commit since. */
  async function losesIts(child: Child, take: () => ReturnType<Way>, work: boolean): ReturnType<Way> {
    const client = await site.client();
    const session = client.session();
    for (const id of [0, 1]) void session.counter(id).add(300);
    await within('the commit', session.commit());
    const back = await take();
    let committed = 0;
    const late = client.session({ replay: true });
    const additions = work ? [0, 1].map((id) => late.counter(id).add(0)) : [];
    for (const addition of additions) addition.committed.then(() => committed++).catch(() => undefined);
    for (const addition of additions) addition.catch(() => undefined);
    assert.match(await endsSaying(child, EXIT.volumeLost, 'failed'), SAYS);
    const other = child === site.finder ? 0 : 1;
    assert.ok(committed <= other, 'what the process was asked to make durable was not reported');
    await client.close();
    return back;
  }

  for (const [how, way] of Object.entries(DIRECTORIES)) {
    it(`a worker ends and says so when ${how}, and is served again when that is brought back`, async () => {
      const [worker] = site.workers;
      assert.ok(worker);
      const volume = path.join(site.directory, 'counter-0');
      const back = await losesIts(worker, () => way(volume), true);
      const refusal = await endsSaying(site.startWorker(0), EXIT.refused, 'stop');
      assert.match(refusal, /^version \d+ of worker 0 is committed, and its volume does not hold that checkpoint/);
      if (back === undefined) return;
      await back();
      await site.restartWorker(0);
      assert.deepEqual(await within('the counters', site.counters()), [300, 300]);
    });

    it(`the Finder ends and says so when ${how}, and goes on when that is brought back`, async () => {
      const back = await losesIts(site.finder, () => way(path.join(site.directory, 'finder')), true);
      if (back === undefined) return;
      await back();
      await site.restartFinder();
      assert.deepEqual(await within('the counters', site.counters()), [300, 300]);
    });
  }

  for (const [what, way] of Object.entries({
    'the manifest is removed': single('manifest-', rm),
    'the manifest is shortened': single('manifest-', (file) => truncate(file)),
    'the manifest is moved': single('manifest-', (file) => rename(file, `${file}-moved`)),
    'the file that says whose it is is removed': single('identity', rm),
  })) {
    it(`a worker ends and says so when ${what}, and nothing was written`, async () => {
      const [worker] = site.workers;
      assert.ok(worker);
      await losesIts(worker, () => way(path.join(site.directory, 'counter-0', 'generation-1')), false);
    });
  }

  for (const [what, way] of Object.entries({
    'a slot of its record is removed': single('finder-0', rm),
    'the other slot of its record is removed': single('finder-1', rm),
    'its record is moved': single('finder-', (file) => rename(file, `${file}-moved`)),
    'its record is emptied': single('finder-', (file) => truncate(file)),
  })) {
    it(`the Finder ends and says so when ${what}, and nothing was written`, async () => {
      await losesIts(site.finder, () => way(path.join(site.directory, 'finder')), false);
    });
  }
});
