import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLog, EXIT, type Running, type WorkerSettings } from '@dpr/runtime';
import { startUnlessLeft } from '../../services/runtime/worker/departure.ts';

describe('a worker in a pod', () => {
  let directory = '';
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'dpr-'))));
  afterEach(() => rm(directory, { recursive: true }));

  const log = createLog('silent', {});
  const note = () => `${path.join(directory, 'state')}.left`;
  let started = 0;
  /** @param code how the worker ends, at once */
  function start(pod: string | undefined, code: number): Promise<Running> {
    started = 0;
    const settings = { data: path.join(directory, 'state'), host: '127.0.0.1', adminPort: 0 } as WorkerSettings;
    return startUnlessLeft(settings, pod, log, () => {
      started++;
      return Promise.resolve({ ended: Promise.resolve(code), stop: () => undefined });
    });
  }

  it('that left stays idle when it is started again, until it is stopped', async () => {
    assert.equal(await (await start('pod-a', EXIT.left)).ended, EXIT.left);
    const idle = await start('pod-a', EXIT.left);
    assert.equal(started, 0);
    idle.stop();
    assert.equal(await idle.ended, EXIT.ok);
  });

  it('joins in a new pod, and forgets the old one', async () => {
    await (
      await start('pod-a', EXIT.left)
    ).ended;
    await (
      await start('pod-b', EXIT.ok)
    ).ended;
    assert.equal(started, 1);
    await assert.rejects(readFile(note()), { code: 'ENOENT' });
  });

  it('that ended in any other way is started again', async () => {
    await (
      await start('pod-a', EXIT.fenced)
    ).ended;
    await (
      await start('pod-a', EXIT.ok)
    ).ended;
    assert.equal(started, 1);
  });

  it('takes no notice of notes where there is no pod', async () => {
    await writeFile(note(), '');
    await (
      await start(undefined, EXIT.left)
    ).ended;
    assert.equal(started, 1);
    assert.equal(await readFile(note(), 'utf8'), '');
  });
});
