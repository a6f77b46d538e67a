import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodeDisk, prepareDirectory } from '@dpr/runtime/storage';
import { claimGeneration, keepEarlier } from '../../../services/runtime/worker/generations.ts';
import { freePort } from '../../runtime/cluster.ts';
import { statusOf } from '../fake-status.ts';
import { dpr, fakeClusters } from './dpr.ts';

const CLUSTER = 'c'.repeat(32);

describe('dpr volumes', () => {
  const { withControl } = fakeClusters();
  let data = '';
  beforeEach(async () => (data = await mkdtemp(path.join(tmpdir(), 'dpr-volumes-'))));
  afterEach(() => rm(data, { recursive: true }));

  /** Generations of a worker, each with or without a checkpoint. */
  async function makeVolumes(name: string, worker: number, generations: Readonly<Record<number, boolean>>) {
    const directory = path.join(data, name);
    await prepareDirectory(directory);
    const disk = nodeDisk(directory);
    for (const [text, isUsed] of Object.entries(generations)) {
      const generation = Number(text);
      const identity = { cluster: CLUSTER, worker, generation };
      const { store } = await claimGeneration(disk, identity, generation);
      if (isUsed) {
        await store.append({
          ...{ worldLine: 1, version: generation, predecessor: 0, dependencies: new Map() },
          stamp: { start: '0'.repeat(16), counter: 1 },
          state: { since: generation, chunks: [Buffer.from('state')] },
          sessions: { since: generation, bytes: Buffer.alloc(0) },
        });
      }
      await keepEarlier(disk, generation);
      await store.close();
    }
  }

  async function dprVolumes(words: readonly string[], members?: Parameters<typeof statusOf>[0]) {
    const address = members === undefined ? `ws://127.0.0.1:${await freePort()}` : await finderWith(members);
    const args = ['--cluster', address, '--timeout', '1', 'volumes', ...words, '--data', data];
    const run = dpr(args, {}, { directory: data });
    const exitCode = await run.exitCode;
    return { exitCode, text: [...run.said, ...run.printed].join('\n') };
  }

  async function finderWith(members: Parameters<typeof statusOf>[0]): Promise<string> {
    const { control, variables } = await withControl();
    void control.accept().then(async (peer) => {
      await peer.next('status');
      peer.send(statusOf(members));
    });
    return variables.DPR_CLUSTER;
  }

  it('lists every generation, and whether it can be brought back', async () => {
    await makeVolumes('counter-1', 1, { 1: true, 3: false, 4: true });
    await makeVolumes('my-kv-1', 1, { 2: true });
    await makeVolumes('counter-0', 0, { 1: true });
    const listed = await dprVolumes(['--json'], [{ id: 1, generation: 4 }]);
    const volumes = JSON.parse(listed.text) as Record<string, unknown>[];
    assert.deepEqual(
      volumes.map(({ worker, type, generation, use, canBeBroughtBack }) =>
        [worker, type, generation, use, canBeBroughtBack].join(' '),
      ),
      [
        '0 counter 1 removed true',
        '1 counter 4 inUse false',
        '1 counter 3 kept false',
        '1 my-kv 2 removed true',
        '1 counter 1 kept true',
      ],
    );
    assert.ok(volumes.every(({ bytes, writtenAt }) => Number(bytes) > 0 && Number(writtenAt) > 1.7e12));
    const { text } = await dprVolumes([]);
    assert.match(text, /^WORKER {2}TYPE +GEN +SIZE +WRITTEN \(UTC\) +STATE +CAN BE BROUGHT BACK\n/);
    assert.match(text, /\n +1 {2}counter +4 +\d.* k?B +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}in use or removed {2}yes\n/);
  });

  it('deletes one that is kept, once told so twice', async () => {
    await makeVolumes('counter-1', 1, { 1: true, 2: true });
    const asks = await dprVolumes(['delete', '1', '1'], [{ id: 1, generation: 2 }]);
    assert.equal(asks.exitCode, 2);
    assert.match(asks.text, /would delete generation 1 of worker 1 \(counter, .* nothing brings it back; --yes/);
    const done = await dprVolumes(['delete', '1', '1', '--yes'], [{ id: 1, generation: 2 }]);
    assert.equal(done.exitCode, 0, done.text);
    assert.deepEqual(await readdir(path.join(data, 'counter-1')), ['generation-2']);
  });

  it('deletes that of a removed worker, and nothing that is in use or may be', async () => {
    await makeVolumes('counter-1', 1, { 1: true });
    const member = [{ id: 1, generation: 1 }];
    assert.match((await dprVolumes(['delete', '1', '1', '--yes'], member)).text, /is in use: remove the worker first/);
    assert.match(
      (await dprVolumes(['delete', '1', '1', '--yes'])).text,
      /may be in use, and the Finder does not answer/,
    );
    assert.match(
      (await dprVolumes(['delete', '1', '7', '--yes'], member)).text,
      /there is no generation 7 of worker 1/,
    );
    assert.deepEqual(await readdir(path.join(data, 'counter-1')), ['generation-1']);
    const done = await dprVolumes(['delete', '1', '1', '--yes'], []);
    assert.equal(done.exitCode, 0, done.text);
    assert.deepEqual(await readdir(path.join(data, 'counter-1')), []);
  });

  it('does not delete what a later generation may be about to begin with', async () => {
    await makeVolumes('counter-1', 1, { 1: true, 2: false });
    const refused = await dprVolumes(['delete', '1', '1', '--yes'], [{ id: 1, generation: 2 }]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.text, /generation 2 of worker 1 has no checkpoint yet, and may be about to begin with/);
  });

  it('says where it looked for what is not there', async () => {
    data = path.join(data, 'none');
    const { exitCode, text } = await dprVolumes([]);
    data = path.dirname(data);
    assert.equal(exitCode, 2);
    assert.match(text, /none cannot be read: .*--data names the directory of the cluster/);
  });
});
