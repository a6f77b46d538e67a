import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type ClaimedVolume,
  type Disk,
  type Identity,
  INLINE_LIMIT_BYTES,
  type NewCheckpoint,
  StorageDamagedError,
  SupersededError,
  nodeDisk,
  surveyVolume,
  systemCode,
} from '../../../services/runtime/storage/index.ts';
import {
  claimGeneration,
  deleteGeneration,
  findEarlier,
  keepEarlier,
  surveyKept,
  surveyNewest,
} from '../../../services/runtime/worker/generations.ts';
import { collect } from '../../../services/runtime/storage/pieces.ts';
import { readBack } from './checkpoint-fixtures.ts';
import { type Fate, type Process, type SimDisk, healthy, mortal, seeded, simDisk } from './sim-disk.ts';

const CLUSTER = '0123456789abcdef0123456789abcdef';

function claim(disk: Disk, generation: number, incarnation: number): Promise<ClaimedVolume> {
  return claimGeneration(disk, { cluster: CLUSTER, worker: 0, generation }, incarnation);
}

function checkpoint(version: number, bytes = 10): NewCheckpoint {
  return {
    ...{ worldLine: 1, version, predecessor: version - 1, dependencies: new Map() },
    stamp: { start: '0000000000000001', counter: version },
    state: { since: version, chunks: [Buffer.alloc(bytes, version)] },
    sessions: { since: version, bytes: Buffer.from('sessions') },
  };
}

const FIRST = { cluster: CLUSTER, worker: 0, generation: 1 };

const LARGE_BYTES = INLINE_LIMIT_BYTES + 1;

/** A first generation with two checkpoints, one of them in a file of its own. */
async function begun(disk: Disk): Promise<ClaimedVolume> {
  const volume = await claim(disk, 1, 1);
  await volume.store.append(checkpoint(1, LARGE_BYTES));
  await volume.store.append(checkpoint(2));
  return volume;
}

/** What a later generation's process does, after the Finder has let it in. */
async function takeOver(disk: Disk): Promise<void> {
  const { store } = await claim(disk, 2, 2);
  await store.append(checkpoint(7));
  await keepEarlier(disk, 2);
  await store.close();
}

/** The state that a generation had at a version. */
async function readEarlier(disk: Disk, identity: Identity, version: number, maxStateBytes = LARGE_BYTES) {
  const found = await findEarlier(disk, identity, version, maxStateBytes);
  assert('bytes' in found);
  return collect(found.read());
}

async function surveyed(disk: Disk): Promise<string> {
  const { generation, checkpoints, damage } = await surveyNewest(disk);
  assert.deepEqual(damage, []);
  return `${generation}: ${checkpoints.map(({ version }) => version).join(' ')}`;
}

/** A process that stands still before its step number `last`, until it is told to go on. */
function pausing(last: number): { process: Process; paused: Promise<void>; goOn: () => void; steps: () => number } {
  let steps = 0;
  let pause: () => void = () => undefined;
  let goOn: () => void = () => undefined;
  const paused = new Promise<void>((resolve) => (pause = resolve));
  const going = new Promise<Fate>((resolve) => (goOn = () => resolve('done')));
  const process: Process = () => {
    if (steps++ !== last) return 'done';
    pause();
    return going;
  };
  return { process, paused, goOn: () => goOn(), steps: () => steps };
}

/** Runs `work` once for each of its steps, with a later generation that takes over while it stands still before that step. */
async function overtakeAtEachStep(
  prepare: (sim: SimDisk) => Promise<unknown>,
  work: (disk: Disk) => Promise<unknown>,
  check: (outcome: PromiseSettledResult<unknown>, sim: SimDisk) => Promise<void> | void,
): Promise<void> {
  for (let last = 0; ; last++) {
    const sim = simDisk(seeded(last));
    await prepare(sim);
    const { process, paused, goOn, steps } = pausing(last);
    const working = Promise.allSettled([work(sim.mount(process))]);
    await Promise.race([paused, working]);
    if (steps() <= last) break;
    await takeOver(sim.mount(healthy));
    goOn();
    const [outcome] = await working;
    await check(outcome, sim);
  }
}

function isSuperseded(outcome: PromiseSettledResult<unknown>): boolean {
  return outcome.status === 'rejected' && outcome.reason instanceof SupersededError;
}

describe('generations of a worker', () => {
  it('are kept when a later one has the directory', async () => {
    const sim = simDisk(seeded(1));
    const disk = sim.mount(healthy);
    await begun(disk);
    assert.equal(await surveyed(disk), '1: 1 2');
    await takeOver(disk);
    assert.deepEqual(sim.names(), ['generation-1.kept', 'generation-2']);
    assert.equal(await surveyed(disk), '2: 7');
    await keepEarlier(disk, 2);
    assert.deepEqual(sim.names(), ['generation-1.kept', 'generation-2']);
  });

  it('are there as a whole under one of their names, whichever step of their keeping a process dies in, with and without the power', async () => {
    for (let last = 0, steps = Infinity; last < steps; last++) {
      for (let seed = 1; seed <= 10; seed++) {
        const sim = simDisk(seeded(seed));
        await begun(sim.mount(healthy));
        const { process, steps: taken, died } = mortal(last);
        let claimed = false;
        const work = async (disk: Disk): Promise<void> => {
          const { store } = await claim(disk, 2, 2);
          claimed = true;
          await store.append(checkpoint(7));
          await keepEarlier(disk, 2);
        };
        await Promise.race([work(sim.mount(process)), died]);
        if (taken.length <= last) steps = last;
        if (seed % 2 === 0) sim.cutPower();

        const disk = sim.mount(healthy);
        const found = await surveyed(disk);
        if (claimed) assert.match(found, /^2: 7?$/);
        else assert.ok(['1: 1 2', '2: '].includes(found), found);
        const [name = '', another] = sim.names().filter((one) => one.startsWith('generation-1'));
        assert.equal(another, undefined);
        const { checkpoints, damage } = await surveyVolume(disk.inside(name));
        assert.deepEqual([checkpoints.map(({ version }) => version), damage], [[1, 2], []]);
        assert.deepEqual(await readEarlier(disk, FIRST, 1), Buffer.alloc(LARGE_BYTES, 1));
        assert.deepEqual(await readEarlier(disk, FIRST, 2), Buffer.alloc(10, 2));
        await claim(disk, 2, 3);
        await keepEarlier(disk, 2);
        assert.deepEqual(sim.names(), ['generation-1.kept', 'generation-2']);
        assert.equal((await surveyed(disk)).slice(0, 1), '2');
      }
    }
  });

  it('may be renamed by several processes at once, of which one may leave something to the next', async () => {
    await overtakeAtEachStep(
      (sim) => begun(sim.mount(healthy)).then(() => claim(sim.mount(healthy), 2, 2)),
      (disk) => keepEarlier(disk, 2),
      async (outcome, sim) => {
        if (outcome.status === 'rejected') assert.match(String(systemCode(outcome.reason)), /^(ENOENT|ENOTEMPTY)$/);
        await keepEarlier(sim.mount(healthy), 2);
        assert.deepEqual(sim.names(), ['generation-1.kept', 'generation-2']);
        assert.equal(await surveyed(sim.mount(healthy)), '2: 7');
      },
    );
  });

  it('are never surveyed as empty while they are renamed', async () => {
    await overtakeAtEachStep(
      (sim) => begun(sim.mount(healthy)),
      surveyed,
      (outcome) => {
        assert(outcome.status === 'fulfilled', String((outcome as PromiseRejectedResult).reason));
        assert.ok(['1: 1 2', '2: 7'].includes(String(outcome.value)), String(outcome.value));
      },
    );
  });

  it('cannot be claimed any more once a later one was, at whichever step of the claim', async () => {
    await overtakeAtEachStep(
      (sim) => begun(sim.mount(healthy)),
      (disk) => claim(disk, 1, 3),
      async (outcome, sim) => {
        assert.ok(isSuperseded(outcome), JSON.stringify(outcome));
        assert.equal(await surveyed(sim.mount(healthy)), '2: 7');
        await keepEarlier(sim.mount(healthy), 2);
        assert.deepEqual(sim.names(), ['generation-1.kept', 'generation-2']);
      },
    );
  });

  it('stop a process that works on one of them, at whichever step', async () => {
    const work = async (disk: Disk): Promise<void> => {
      const { store } = await claim(disk, 1, 3);
      await store.append(checkpoint(3, LARGE_BYTES));
      await store.append(checkpoint(4));
      await readBack(store, 3);
      await store.prune(4);
      await store.append(checkpoint(5, LARGE_BYTES));
      await store.prune(5);
    };
    await overtakeAtEachStep(
      (sim) => begun(sim.mount(healthy)),
      work,
      async (outcome, sim) => {
        // Its last steps may need no name any more.
        if (outcome.status === 'rejected') assert.ok(isSuperseded(outcome), String(outcome.reason));
        assert.equal(await surveyed(sim.mount(healthy)), '2: 7');
      },
    );
  });

  it('are listed with what they hold, the latest first', async () => {
    const sim = simDisk(seeded(1));
    const disk = sim.mount(healthy);
    await begun(disk);
    await takeOver(disk);
    const held = [1, 2].map((version) => ({ worldLine: 1, version }));
    assert.deepEqual(await surveyKept(disk, 2, true), [{ generation: 1, checkpoints: held }]);
    assert.deepEqual(await surveyKept(disk, 2, false), [{ generation: 1, checkpoints: [] }]);
    await claim(disk, 3, 3); // and dies before it has renamed the second one
    const later = await surveyKept(disk, 3, true);
    assert.deepEqual(
      later.map(({ generation, checkpoints }) => [generation, checkpoints.map(({ version }) => version)]),
      [
        [2, [7]],
        [1, [1, 2]],
      ],
    );
  });

  it('are read only as whose they are, and only at a version that they hold', async () => {
    const disk = simDisk(seeded(1)).mount(healthy);
    await begun(disk);
    await takeOver(disk);
    await assert.rejects(readEarlier(disk, { ...FIRST, cluster: 'f'.repeat(32) }, 2), StorageDamagedError);
    await assert.rejects(readEarlier(disk, FIRST, 3), StorageDamagedError);
    await assert.rejects(readEarlier(disk, { ...FIRST, generation: 9 }, 2), StorageDamagedError);
  });

  it('are not read where the state exceeds the memory which there is for it', async () => {
    const sim = simDisk(seeded(1));
    const disk = sim.mount(healthy);
    await begun(disk);
    await takeOver(disk);
    for (const [version, bytes] of [
      [1, LARGE_BYTES],
      [2, 10],
    ] as const) {
      assert.deepEqual(await readEarlier(disk, FIRST, version, bytes), Buffer.alloc(bytes, version));
      await assert.rejects(readEarlier(disk, FIRST, version, bytes - 1), {
        name: 'StateTooLargeError',
        message: new RegExp(`has ${bytes} bytes, and this process has memory for ${bytes - 1}: give it more`),
      });
    }
    const kept = disk.inside('generation-1.kept');
    await kept.unlink('segment-1-0');
    await assert.rejects(readEarlier(disk, FIRST, 1, LARGE_BYTES - 1), { name: 'StateTooLargeError' });
    await assert.rejects(readEarlier(disk, FIRST, 1), StorageDamagedError, 'its file was read only now');
  });

  it('are deleted when that is asked for, whichever step of it a process dies in, with and without the power', async () => {
    for (let last = 0, steps = Infinity; last < steps; last++) {
      for (let seed = 1; seed <= 10; seed++) {
        const sim = simDisk(seeded(seed));
        await begun(sim.mount(healthy));
        await takeOver(sim.mount(healthy));
        const { process, steps: taken, died } = mortal(last);
        await Promise.race([deleteGeneration(sim.mount(process), 1), died]);
        if (taken.length <= last) steps = last;
        if (seed % 2 === 0) sim.cutPower();
        const disk = sim.mount(healthy);
        const [kept] = await surveyKept(disk, 2, true);
        if (kept !== undefined) assert.equal(kept.checkpoints.length, 2);
        await keepEarlier(disk, 2);
        assert.deepEqual(sim.names(), [...(kept === undefined ? [] : ['generation-1.kept']), 'generation-2']);
      }
    }
  });

  it('lose nothing to a process that begins one of them anew, under the name that is free again', async () => {
    const sim = simDisk(seeded(1));
    const disk = sim.mount(healthy);
    await begun(disk);
    await takeOver(disk);
    await assert.rejects(claim(disk, 1, 3), SupersededError);
    assert.deepEqual(sim.names(), ['generation-1', 'generation-1.kept', 'generation-2']);
    await keepEarlier(disk, 2);
    assert.deepEqual(sim.names(), ['generation-1.kept', 'generation-2']);
    assert.equal((await surveyKept(disk, 2, true))[0]?.checkpoints.length, 2);
  });

  describe('on a real disk', () => {
    let directory = '';
    beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'dpr-generations-'))));
    afterEach(() => rm(directory, { recursive: true }));

    it('are kept, and stop a process that still writes to them', async () => {
      const disk = nodeDisk(directory);
      const { store } = await begun(disk);
      await takeOver(disk);
      assert.deepEqual(await disk.list(), ['generation-1.kept', 'generation-2']);
      assert.equal(await surveyed(disk), '2: 7');
      await assert.rejects(store.append(checkpoint(3, LARGE_BYTES)), SupersededError);
      await store.close();
      await assert.rejects(claim(disk, 1, 3), SupersededError);
      await keepEarlier(disk, 2);
      assert.deepEqual(await disk.list(), ['generation-1.kept', 'generation-2']);
    });
  });
});
