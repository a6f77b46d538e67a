import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VolumeLockedError, isLocked, volumeLock } from '../../../services/runtime/storage/index.ts';

const LONGER_THAN_AN_ANSWER_MS = 1_200;
const HOLDER = fileURLToPath(new URL('lock-holder.ts', import.meta.url));

describe('volume lock', () => {
  let directory: string;
  const holders: ChildProcess[] = [];

  async function holder(...how: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['--import', 'tsx', HOLDER, directory, ...how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    holders.push(child);
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(said.toString(), 'held');
    return child;
  }

  async function kill(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  const heldBy = (pid: number | undefined) => (error: Error) =>
    error instanceof VolumeLockedError && error.message.startsWith(`process ${String(pid)} uses ${directory}`);

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'dpr-lock-'));
  });

  afterEach(async () => {
    for (const child of holders.splice(0)) if (child.exitCode === null && child.signalCode === null) await kill(child);
    await rm(directory, { recursive: true, force: true });
  });

  it('keeps others out until it is released, and leaves nothing behind', async () => {
    const first = await volumeLock(directory);
    assert.equal(await first.stillHeld(), true);
    await assert.rejects(volumeLock(directory), heldBy(process.pid));
    assert.equal(await first.stillHeld(), true);
    await first.release();
    assert.equal(await first.stillHeld(), false);
    assert.deepEqual(await readdir(directory), []);
    const second = await volumeLock(directory);
    await second.release();
  });

  it('is free at once when its holder is killed', async () => {
    const child = await holder();
    await assert.rejects(volumeLock(directory), heldBy(child.pid));
    await kill(child);
    const lock = await volumeLock(directory);
    assert.equal((await readdir(directory)).length, 1);
    await lock.release();
  });

  it('is seen by others, which keep no process out by looking', async () => {
    assert.equal(await isLocked(directory), false);
    const child = await holder();
    assert.equal(await isLocked(directory), true);
    await kill(child);
    assert.equal(await isLocked(directory), false, 'its socket is still there');
    const lock = await volumeLock(directory);
    assert.equal(await isLocked(directory), true);
    await lock.release();
  });

  it('belongs to a stopped process too', async () => {
    const child = await holder();
    child.kill('SIGSTOP');
    await assert.rejects(volumeLock(directory), heldBy(child.pid));
    await kill(child);
    await (await volumeLock(directory)).release();
  });

  it('goes to exactly one of many who come at the same time', async () => {
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => volumeLock(directory)));
      const held = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      assert.equal(held.length, 1);
      for (const error of refused) assert(error instanceof VolumeLockedError, String(error));
      for (const lock of held) await lock.release();
    }
  });

  it('goes to one of them, too, when they stood still while they asked each other', async () => {
    const outcomes = Promise.allSettled(Array.from({ length: 4 }, () => volumeLock(directory)));
    const announced = async () => (await readdir(directory)).filter((name) => name.startsWith('lock-')).length;
    for (let look = 0; look < 1_000 && (await announced()) < 4; look++);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONGER_THAN_AN_ANSWER_MS);
    const held = (await outcomes).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.equal(held.length, 1);
    for (const lock of held) await lock.release();
  });

  it('is lost when its socket is removed, or the directory replaced', async () => {
    const lock = await volumeLock(directory);
    const [name = ''] = await readdir(directory);
    await rm(path.join(directory, name));
    assert.equal(await lock.stillHeld(), false);
    await lock.release();

    const other = await volumeLock(directory);
    await rename(directory, `${directory}-moved`);
    assert.equal(await other.stillHeld(), false);
    await mkdir(directory);
    assert.equal(await other.stillHeld(), false);
    await other.release();
    await rm(`${directory}-moved`, { recursive: true });
  });

  it('works where the path is longer than a socket may have', async () => {
    const deep = path.join(directory, ...Array.from({ length: 8 }, () => 'a-rather-long-name'));
    await mkdir(deep, { recursive: true });
    const lock = await volumeLock(deep);
    await assert.rejects(volumeLock(deep), VolumeLockedError);
    assert.equal(await lock.stillHeld(), true);
    await symlink(deep, path.join(directory, 'short'));
    await assert.rejects(volumeLock(path.join(directory, 'short')), VolumeLockedError);
    await lock.release();
  });

  it('names a directory that does not exist', async () => {
    await assert.rejects(volumeLock(path.join(directory, 'absent')), (error: Error) =>
      error.message.includes('absent'),
    );
  });

  describe('where the file system has no sockets', () => {
    const refusing =
      (code: string, platform: NodeJS.Platform = 'linux') =>
      (at = directory) =>
        volumeLock(at, {
          bind: () => Promise.reject(Object.assign(new Error(`listen ${code}: refused`), { code })),
          platform,
        });
    const lockThere = refusing('EOPNOTSUPP');

    it('keeps others out until it is released, by whichever path they come, and leaves nothing behind', async () => {
      for (const code of ['EOPNOTSUPP', 'EPERM', 'EACCES', 'EINVAL']) {
        const lock = await refusing(code)();
        assert.equal(await lock.stillHeld(), true);
        assert.equal(await isLocked(directory), true);
        await assert.rejects(lockThere(), heldBy(process.pid));
        await symlink(directory, `${directory}-link`);
        await assert.rejects(lockThere(`${directory}-link`), VolumeLockedError);
        await rm(`${directory}-link`);
        assert.deepEqual(await readdir(directory), []);
        await lock.release();
        assert.equal(await isLocked(directory), false);
      }
    });

    it('is another one for another directory', async () => {
      const other = path.join(directory, 'other');
      await mkdir(other);
      const locks = await Promise.all([lockThere(), lockThere(other)]);
      for (const lock of locks) await lock.release();
    });

    it('goes to exactly one of many who come at the same time', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockThere()));
      const held = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      assert.equal(held.length, 1);
      for (const lock of held) await lock.release();
    });

    it('is free at once when its holder is killed, and belongs to a stopped one', async () => {
      const child = await holder('without sockets');
      await assert.rejects(lockThere(), heldBy(child.pid));
      child.kill('SIGSTOP');
      await assert.rejects(lockThere(), VolumeLockedError);
      await kill(child);
      await (await lockThere()).release();
    });

    it('is lost when the directory is moved', async () => {
      const lock = await lockThere();
      await rename(directory, `${directory}-moved`);
      assert.equal(await lock.stillHeld(), false);
      await mkdir(directory);
      assert.equal(await lock.stillHeld(), false);
      await lock.release();
      await rm(`${directory}-moved`, { recursive: true });
    });

    it('is refused where there is no other way, with what to do', async () => {
      await assert.rejects(
        refusing('ENOTSUP', 'darwin')(),
        (error: Error) =>
          error.message.startsWith(
            `cannot lock ${directory}: its file system has no Unix sockets (listen ENOTSUP: refused). Choose`,
          ) && error.message.includes('--data'),
      );
    });

    it('is not taken for that when something else is wrong', async () => {
      await assert.rejects(refusing('EMFILE')(), { message: `cannot lock ${directory}: listen EMFILE: refused` });
    });
  });
});
