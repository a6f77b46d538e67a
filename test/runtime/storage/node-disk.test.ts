import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Disk,
  INLINE_LIMIT_BYTES,
  claimVolume,
  nodeDisk,
  openTwoSlotFile,
  prepareDirectory,
  surveyVolume,
  systemCode,
} from '../../../services/runtime/storage/index.ts';
import { readBack } from './checkpoint-fixtures.ts';

const IDENTITY = { cluster: '0123456789abcdef0123456789abcdef', worker: 0, generation: 1 };

describe('real disk', () => {
  let parent: string;
  let directory: string;
  let disk: Disk;

  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'dpr-disk-'));
    directory = path.join(parent, 'made', 'volume');
    await prepareDirectory(directory);
    disk = nodeDisk(directory);
  });

  afterEach(() => rm(parent, { recursive: true, force: true }));

  it('reads and writes at any place, and reads less only at the end', async () => {
    const file = await disk.open('file', 'create');
    await file.writeAt(3, Buffer.from('defg'));
    await file.writeAt(0, Buffer.from('abc'));
    await file.datasync();
    await disk.syncDirectory();
    assert.equal(await file.size(), 7);
    assert.equal((await file.read(2, 3)).toString(), 'cde');
    assert.equal((await file.read(5, 100)).toString(), 'fg');
    assert.equal((await file.read(100, 5)).length, 0);
    await file.close();
    await disk.rename('file', 'other');
    assert.deepEqual(await disk.list(), ['other']);
    const again = await disk.open('other', 'write');
    await again.writeAt(0, Buffer.from('x'));
    await again.close();
    assert.equal(await readFile(path.join(directory, 'other'), 'utf8'), 'xbcdefg');
    await (await disk.open('other', 'create')).close();
    assert.equal((await stat(path.join(directory, 'other'))).size, 0);
    await disk.unlink('other');
    assert.deepEqual(await disk.list(), []);
  });

  it('names the file in every error, and keeps the code', async () => {
    const named = (code: string, name: string) => (error: Error & { code?: string }) =>
      error.code === code && error.message.includes(path.join(directory, name));
    await assert.rejects(disk.open('absent', 'read'), named('ENOENT', 'absent'));
    await assert.rejects(disk.open('absent', 'write'), named('ENOENT', 'absent'));
    await assert.rejects(disk.unlink('absent'), named('ENOENT', 'absent'));
    await assert.rejects(disk.rename('absent', 'other'), named('ENOENT', 'absent'));
    await writeFile(path.join(directory, 'file'), 'abc');
    const file = await disk.open('file', 'read');
    await assert.rejects(file.writeAt(0, Buffer.from('x')), named('EBADF', 'file'));
    await file.close();
  });

  it('tells failures of the system from defects', async () => {
    const failure: unknown = await disk.open('absent', 'read').catch((error: unknown) => error);
    assert.equal(systemCode(failure), 'ENOENT');
    for (const defect of [
      new assert.AssertionError({ message: 'defect' }),
      new RangeError('defect'),
      'ENOENT',
      undefined,
    ]) {
      assert.equal(systemCode(defect), undefined);
    }
  });

  it('says which directory cannot be used, and why', async () => {
    const file = path.join(parent, 'a-file');
    await writeFile(file, '');
    const below = path.join(file, 'volume');
    await assert.rejects(prepareDirectory(below), (error: Error) =>
      error.message.startsWith(`the data directory '${below}'`),
    );
    await prepareDirectory(directory);
    assert.deepEqual(await readdir(directory), []);
  });

  it('says so also where no directory can be made at all, and of what is a file or leads nowhere', async () => {
    const file = path.join(parent, 'a-file');
    await writeFile(file, '');
    const link = path.join(parent, 'a-link');
    await symlink(path.join(parent, 'nowhere'), link);
    for (const unusable of ['/proc/nothing-here', '/proc/nothing-here/data', file, link, path.join(link, 'data')]) {
      await assert.rejects(prepareDirectory(unusable), (error: Error) =>
        error.message.startsWith(`the data directory '${unusable}' cannot be used: E`),
      );
    }
  });

  it('makes a directory that several want at the same time', async () => {
    const wanted = path.join(parent, 'one', 'two', 'three');
    await Promise.all(Array.from({ length: 8 }, () => prepareDirectory(wanted)));
    assert.deepEqual(await readdir(wanted), []);
  });

  it('holds a record in two slots', async () => {
    const file = await openTwoSlotFile(disk, 'record');
    assert.equal(file.recovered, undefined);
    for (const text of ['a', 'bb', 'c']) await file.write(Buffer.from(text));
    await file.close();
    const again = await openTwoSlotFile(disk, 'record');
    assert.equal(again.recovered?.record.toString(), 'c');
    assert.equal(await again.write(Buffer.from('d')), 4);
    await again.close();
    assert.deepEqual(await disk.list(), ['record-0', 'record-1']);
  });

  it('holds a volume from claim to claim', async () => {
    const state = Buffer.alloc(3 * INLINE_LIMIT_BYTES, 'state');
    const first = await claimVolume(disk, { identity: IDENTITY, incarnation: 1 });
    for (let version = 1; version <= 20; version++) {
      await first.store.append({
        ...{ worldLine: 1, version, predecessor: version - 1, dependencies: new Map() },
        stamp: { start: '0000000000000001', counter: version },
        state: { since: version, chunks: [version % 2 === 0 ? state : Buffer.from(`state ${version}`)] },
        sessions: { since: 1, bytes: Buffer.from(`sessions ${version}`) },
      });
      if (version > 3) await first.store.prune(version - 3);
    }
    await first.store.close();
    assert.equal((await surveyVolume(disk)).incarnation, 1);

    const second = await claimVolume(disk, { identity: IDENTITY, incarnation: 2 });
    assert.deepEqual(
      second.checkpoints.map((one) => one.version),
      [17, 18, 19, 20],
    );
    const restored = await readBack(second.store, 20);
    assert.deepEqual(restored.states, [state]);
    assert.equal(restored.sessions.length, 20);
    await second.store.prune(20);
    assert.deepEqual(await disk.list(), ['identity', 'manifest-2', 'segment-1-0']);
    await second.store.close();
  });
});
