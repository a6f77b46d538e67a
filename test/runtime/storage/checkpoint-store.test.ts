import assert from 'node:assert/strict';
import { type Disk, WrongVolumeError, claimVolume, surveyVolume } from '../../../services/runtime/storage/index.ts';
import {
  appendAll,
  checkpoint,
  claimOn,
  delta,
  extentOf,
  failing,
  IDENTITY,
  LARGE,
  restored,
  STAMP,
  versions,
  writeFile,
  readBack,
  stateReader,
} from './checkpoint-fixtures.ts';
import { type Fate, type Process, type SimDisk, type Step, healthy, mortal, seeded, simDisk } from './sim-disk.ts';

/** Let promises go on until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe('checkpoint store', () => {
  let sim: SimDisk;
  let disk: Disk;

  beforeEach(() => {
    sim = simDisk(seeded(1));
    disk = sim.mount(healthy);
  });

  it('finds nothing on an empty volume, and changes nothing by looking', async () => {
    const survey = await surveyVolume(disk);
    const nothing = {
      identity: undefined,
      incarnation: 0,
      checkpoints: [],
      clean: undefined,
      stamp: undefined,
      damage: [],
    };
    assert.deepEqual(survey, nothing);
    assert.deepEqual(sim.names(), []);
  });

  it('is empty or whole after a loss of power, whenever the processes that began it died', async () => {
    for (let last = 0; last < 16; last++) {
      for (let seed = 0; seed < 30; seed++) {
        const volume = simDisk(seeded(seed));
        const beginning: Process = ({ operation }) => (operation === 'syncDirectory' ? 'dies' : 'done');
        claimOn(volume.mount(beginning), 1).catch(assert.ifError);
        await until(() => volume.names().includes('identity'));
        const { process, died } = mortal(last);
        await Promise.race([claimOn(volume.mount(process), 2), died]);
        volume.cutPower();
        const { identity, incarnation } = await surveyVolume(volume.mount(healthy));
        assert.ok(identity !== undefined || incarnation === 0);
      }
    }
  });

  it('lists and restores after a restart what was appended', async () => {
    const { store, checkpoints } = await claimOn(disk, 1);
    assert.deepEqual(checkpoints, []);
    await appendAll(store, 1, 3);
    sim.cutPower();

    const survey = await surveyVolume(disk);
    assert.deepEqual(survey.identity, IDENTITY);
    assert.equal(survey.incarnation, 1);
    assert.deepEqual(survey.stamp, STAMP);
    assert.deepEqual(versions(survey), [1, 2, 3]);

    const second = await claimOn(disk, 2);
    assert.deepEqual(second.checkpoints[2], {
      ...{ incarnation: 1, worldLine: 1, version: 3, predecessor: 2 },
      dependencies: new Map([[9, 2]]),
      stamp: STAMP,
    });
    assert.deepEqual(await restored(second.store, 2), { state: 'state 2', sessions: ['sessions 2'] });
    await second.store.append(checkpoint(4));
    assert.deepEqual(versions(await claimOn(disk, 3)), [1, 2, 3, 4]);
  });

  it('appends a small checkpoint with one write and one sync, and looks whether that is where its successor will', async () => {
    const { process, steps } = mortal(Infinity);
    const { store } = await claimOn(sim.mount(process), 1);
    await store.append(checkpoint(1));
    steps.length = 0;
    await store.append(checkpoint(2));
    assert.deepEqual(
      steps.map((step) => step.operation),
      ['size', 'write', 'datasync', 'list', 'isAt'],
    );
    steps.length = 0;
    await store.prune(2); // the first one also looks for leftovers
    await store.prune(2);
    assert.deepEqual(
      steps.map((step) => step.operation),
      ['list', 'list'],
    );
  });

  it('puts large parts into segments', async () => {
    const { store } = await claimOn(disk, 1);
    const state = Buffer.alloc(3 * 1024 * 1024 + 17, 'state');
    const bytes = Buffer.alloc(LARGE, 'sessions');
    await store.append(checkpoint(1, { state, sessions: { since: 1, bytes } }));
    await store.append(checkpoint(2, { sessions: { since: 1, bytes } }));
    sim.cutPower();
    assert.deepEqual(
      sim.names().filter((name) => !/^(identity|manifest)/.test(name)),
      ['segment-1-0'],
    );
    const second = await claimOn(disk, 2);
    const one = await readBack(second.store, 1);
    assert.deepEqual(one.states, [state]);
    const two = await readBack(second.store, 2);
    assert.deepEqual(two.sessions, [bytes, bytes]);
  });

  it('takes over a file that a store wrote by itself', async () => {
    const { store } = await claimOn(disk, 1);
    const { name, path } = store.storeFile(1, 1);
    assert.equal(path, `/sim/${name}`);
    await assert.rejects(store.append(checkpoint(1, { state: 'storeFile' })), /did not write its snapshot/);
    await writeFile(disk, name, Buffer.from('a snapshot'));
    await store.append(checkpoint(1, { state: 'storeFile' }));
    sim.cutPower();
    const { store: next } = await claimOn(disk, 2);
    const { state } = await readBack(next, 1);
    assert.deepEqual(state, { path: '/sim/checkpoint-1-1-1' });
    const file = await disk.open('checkpoint-1-1-1', 'read');
    assert.equal((await file.read(0, 100)).toString(), 'a snapshot');
  });

  it('writes a file of a store again when its sync failed', async () => {
    const { control, process } = failing('datasync', /^store/);
    const { store } = await claimOn(sim.mount(process), 1);
    await writeFile(disk, store.storeFile(1, 1).name, Buffer.alloc(5_000, 'snapshot'));
    control.fate = 'EIO';
    await assert.rejects(store.append(checkpoint(1, { state: 'storeFile' })), { code: 'EIO' });
    await store.append(checkpoint(1, { state: 'storeFile' }));
    sim.cutPower();
    const second = await claimOn(disk, 2);
    assert.deepEqual(second.damage, []);
    assert.deepEqual((await readBack(second.store, 1)).state, { path: '/sim/checkpoint-1-1-1' });
  });

  it('keeps a file of a store that it writes again, whichever step of that fails', async () => {
    const snapshot = Buffer.alloc(5_000, 'snapshot');
    const again = checkpoint(1, { state: 'storeFile' });
    for (let failingStep = 0, wasReached = true; wasReached; failingStep++) {
      let fate: (step: Step) => Fate = () => 'done';
      const own = simDisk(seeded(failingStep));
      const { store } = await claimOn(
        own.mount((step) => fate(step)),
        1,
      );
      await writeFile(own.mount(healthy), store.storeFile(1, 1).name, snapshot);
      fate = ({ operation }) => (operation === 'datasync' ? 'EIO' : 'done');
      await assert.rejects(store.append(again), { code: 'EIO' });
      let steps = 0;
      fate = () => (steps++ === failingStep ? 'EIO' : 'done');
      await store.append(again).catch(() => store.append(again));
      wasReached = steps > failingStep;
      own.cutPower();
      assert.ok(own.durable('checkpoint-1-1-1')?.equals(snapshot), `step ${failingStep}`);
    }
  });

  it('prunes below the cut, and keeps the session sections that later deltas need', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2));
    await store.append(checkpoint(3, { ...delta(3, 2), state: Buffer.alloc(LARGE) }));
    await store.append(checkpoint(4, delta(4, 2)));
    await store.append(checkpoint(5));
    await store.prune(4);
    const expected = { state: 'state 4', sessions: ['sessions 2', 'delta 3', 'delta 4'] };
    assert.deepEqual(await restored(store, 4), expected);
    for (const version of [1, 2, 3]) await assert.rejects(readBack(store, version), /it holds 4, 5/);
    sim.cutPower();
    const second = await claimOn(disk, 2);
    assert.deepEqual(versions(second), [4, 5]);
    assert.deepEqual(await restored(second.store, 4), expected);
    await second.store.prune(5);
    assert.deepEqual(await restored(second.store, 5), { state: 'state 5', sessions: ['sessions 5'] });
  });

  it('does not read a state that exceeds the memory which there is for it', async () => {
    const { store } = await claimOn(disk, 1);
    for (const [version, bytes] of [
      [1, 100],
      [2, LARGE],
    ] as const) {
      await store.append(checkpoint(version, { state: Buffer.alloc(bytes) }));
      const into = (maxStateBytes: number) => ({ ...stateReader(maxStateBytes), takeSessions: () => undefined });
      await store.restore(version, into(bytes));
      await assert.rejects(store.restore(version, into(bytes - 1)), {
        name: 'StateTooLargeError',
        message: new RegExp(`has ${bytes} bytes, and this process has memory for ${bytes - 1}: give it more`),
      });
    }
  });

  it('lets go of sessions once later ones are the whole table by themselves', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2, delta(2, 1, Buffer.alloc(LARGE))));
    await store.append(checkpoint(3, delta(3, 1)));
    await store.append(checkpoint(4, delta(4, 3)));
    await store.prune(3);
    assert.equal(extentOf(sim, 2, 'sessions').at, 0);
    await store.prune(4);
    await store.append(checkpoint(5, { state: Buffer.alloc(LARGE) }));
    assert.equal(extentOf(sim, 5, 'state').at, 0, 'its room is free');
    assert.deepEqual(await restored(store, 4), { state: 'state 4', sessions: ['delta 3', 'delta 4'] });
  });

  it('keeps the newest checkpoint at or below a version that is none itself', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(2, { predecessor: 0 }));
    await store.append(checkpoint(5, { predecessor: 2 }));
    await store.append(checkpoint(9, { predecessor: 5 }));
    await store.prune(8);
    await assert.rejects(readBack(store, 2), /it holds 5, 9/);
    await store.prune(1);
    assert.equal((await restored(store, 5)).state, 'state 5');
  });

  it('drops what a rollback gives up, and takes its version numbers again in a later world-line', async () => {
    const { store } = await claimOn(disk, 1);
    await appendAll(store, 1, 2);
    await store.append(checkpoint(3, { state: Buffer.alloc(LARGE) }));
    await store.dropAfter(2);
    await store.append(checkpoint(3, { worldLine: 2, state: Buffer.from('other') }));
    sim.cutPower();
    const second = await claimOn(disk, 2);
    assert.deepEqual(
      second.checkpoints.map((one) => [one.worldLine, one.version]),
      [
        [1, 1],
        [1, 2],
        [2, 3],
      ],
    );
    assert.equal((await restored(second.store, 3)).state, 'other');
    await second.store.dropAfter(0);
    assert.deepEqual(versions(await claimOn(disk, 3)), []);
  });

  it('removes files of dropped checkpoints when it prunes', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await writeFile(disk, store.storeFile(1, 2).name, Buffer.from('a snapshot'));
    await store.append(checkpoint(2, { state: 'storeFile' }));
    await store.dropAfter(1);
    assert.equal(sim.names().includes('checkpoint-1-1-2'), true);
    await store.prune(1);
    assert.equal(sim.names().includes('checkpoint-1-1-2'), false);
  });

  it('refuses to drop what is below the cut', async () => {
    const { store } = await claimOn(disk, 1);
    await appendAll(store, 1, 3);
    await store.prune(2);
    await assert.rejects(store.dropAfter(1), assert.AssertionError);
    assert.equal((await restored(store, 2)).state, 'state 2');
  });

  it('keeps the clean marker over restarts until it is cleared', async () => {
    const first = await claimOn(disk, 1);
    await appendAll(first.store, 1, 2);
    const marker = { incarnation: 1, worldLine: 4, version: 2 };
    await assert.rejects(first.store.markClean({ ...marker, version: 1 }), assert.AssertionError);
    await first.store.markClean(marker);
    sim.cutPower();
    assert.deepEqual((await surveyVolume(disk)).clean, marker);
    assert.deepEqual((await claimOn(disk, 2)).clean, marker);
    const third = await claimOn(disk, 3);
    assert.deepEqual(third.clean, marker);
    await assert.rejects(third.store.append(checkpoint(3)), /clean marker has to be cleared/);
    await third.store.clearClean();
    await third.store.append(checkpoint(3));
    sim.cutPower();
    assert.equal((await surveyVolume(disk)).clean, undefined);
  });

  it('keeps the latest stamp of the Finder', async () => {
    const { store } = await claimVolume(disk, { identity: IDENTITY, incarnation: 1 });
    await store.append(checkpoint(1, { stamp: { ...STAMP, counter: 30 } }));
    await store.append(checkpoint(2, { stamp: { ...STAMP, counter: 25 } }));
    assert.deepEqual((await surveyVolume(disk)).stamp, { ...STAMP, counter: 30 });
    const again = await claimVolume(disk, { identity: IDENTITY, incarnation: 2 });
    assert.deepEqual(again.stamp, { ...STAMP, counter: 30 });
    assert.deepEqual((await surveyVolume(disk)).stamp, { ...STAMP, counter: 30 });
  });

  it('does not mix volumes up', async () => {
    await claimOn(disk, 1);
    for (const other of [{ cluster: 'f'.repeat(32) }, { worker: 4 }, { generation: 2 }]) {
      const claim = claimVolume(disk, { identity: { ...IDENTITY, ...other }, incarnation: 2 });
      await assert.rejects(claim, (error) => error instanceof WrongVolumeError && error.message.includes('/sim holds'));
    }
    assert.deepEqual(versions(await claimOn(disk, 2)), []);
  });
});
