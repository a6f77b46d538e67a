import assert from 'node:assert/strict';
import {
  AMPLE_MANIFEST_BYTES,
  AppendBlockedError,
  CheckpointDroppedError,
  type CheckpointStore,
  type ClaimedVolume,
  COMPACTION_DEAD_BYTES,
  COMPACTION_DEAD_RATIO,
  COMPACTION_PATIENCE_BYTES,
  type Disk,
  INLINE_LIMIT_BYTES,
  type Identity,
  MAX_CHECKPOINTS,
  MAX_PENDING_APPENDS,
  type NewCheckpoint,
  StorageDamagedError,
  StorageLimitError,
  SupersededError,
  TIGHT_INLINE_LIMIT_BYTES,
  WrongVolumeError,
  claimVolume,
  surveyVolume,
} from '../../../services/runtime/storage/index.ts';
import { type Fate, type Process, type SimDisk, type Step, healthy, mortal, seeded, simDisk } from './sim-disk.ts';

const IDENTITY: Identity = { cluster: '0123456789abcdef0123456789abcdef', worker: 3, generation: 1 };
const STAMP = { start: '00112233aabbccdd', counter: 7 };
const LARGE = INLINE_LIMIT_BYTES + 1;

function claimOn(disk: Disk, incarnation: number): Promise<ClaimedVolume> {
  return claimVolume(disk, { identity: IDENTITY, incarnation });
}

function checkpoint(version: number, options: Partial<NewCheckpoint> = {}): NewCheckpoint {
  return {
    worldLine: 1,
    version,
    predecessor: version - 1,
    dependencies: new Map([[9, version - 1]]),
    stamp: STAMP,
    state: Buffer.from(`state ${version}`),
    sessions: { since: version, bytes: Buffer.from(`sessions ${version}`) },
    ...options,
  };
}

function delta(version: number, since: number, bytes = Buffer.from(`delta ${version}`)): Partial<NewCheckpoint> {
  return { sessions: { since, bytes } };
}

async function appendAll(store: CheckpointStore, from: number, to: number, options: Partial<NewCheckpoint> = {}) {
  for (let version = from; version <= to; version++) await store.append(checkpoint(version, options));
}

async function restored(store: CheckpointStore, version: number) {
  const { state, sessions } = await store.restore(version);
  assert('bytes' in state);
  return {
    state: state.bytes.toString(),
    sessions: sessions.map(String),
  };
}

function versions({ checkpoints }: Pick<ClaimedVolume, 'checkpoints'>): number[] {
  return checkpoints.map((one) => one.version);
}

async function writeFile(disk: Disk, name: string, bytes: Buffer): Promise<void> {
  const file = await disk.open(name, 'create');
  await file.writeAt(0, bytes);
  await file.close();
}

/** Let promises go on until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

/** A process whose steps of one kind fail while `fate` says so. */
function failing(operation: Step['operation'], file = /.*/) {
  const control: { fate: Fate } = { fate: 'done' };
  const process = (step: Step) => (step.operation === operation && file.test(step.name) ? control.fate : 'done');
  return { control, process };
}

/** A process that waits before the first step that `holds` names, until it is let go. */
function gated(holds: (step: Step) => boolean) {
  let reach: () => void = () => undefined;
  let open: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  const process = async (step: Step): Promise<Fate> => {
    if (holds(step)) {
      reach();
      await opened;
    }
    return 'done';
  };
  return { process, reached, open: () => open() };
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

  it('appends a small checkpoint with one write and one sync', async () => {
    const { process, steps } = mortal(Infinity);
    const { store } = await claimOn(sim.mount(process), 1);
    await store.append(checkpoint(1));
    steps.length = 0;
    await store.append(checkpoint(2));
    assert.deepEqual(
      steps.map((step) => step.operation),
      ['write', 'datasync'],
    );
    steps.length = 0;
    await store.prune(2); // the first one also looks for leftovers
    await store.prune(2);
    assert.deepEqual(
      steps.map((step) => step.operation),
      ['list', 'list'],
    );
  });

  it('puts large parts into files of their own', async () => {
    const { store } = await claimOn(disk, 1);
    const state = Buffer.alloc(3 * 1024 * 1024 + 17, 'state');
    const bytes = Buffer.alloc(LARGE, 'sessions');
    await store.append(checkpoint(1, { state, sessions: { since: 1, bytes } }));
    await store.append(checkpoint(2, { sessions: { since: 1, bytes } }));
    sim.cutPower();
    assert.deepEqual(
      sim.names().filter((name) => name.startsWith('checkpoint-')),
      ['checkpoint-1-1-1', 'checkpoint-1-1-1-sessions', 'checkpoint-1-1-2-sessions'],
    );
    const second = await claimOn(disk, 2);
    const one = await second.store.restore(1);
    assert.deepEqual(one.state, { bytes: state });
    const two = await second.store.restore(2);
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
    const { state } = await next.restore(1);
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
    assert.deepEqual((await second.store.restore(1)).state, { path: '/sim/checkpoint-1-1-1' });
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
    for (const version of [1, 2, 3]) await assert.rejects(store.restore(version), /it holds 4, 5/);
    assert.equal(sim.names().includes('checkpoint-1-1-3'), false);
    sim.cutPower();
    const second = await claimOn(disk, 2);
    assert.deepEqual(versions(second), [4, 5]);
    assert.deepEqual(await restored(second.store, 4), expected);
    await second.store.prune(5);
    assert.deepEqual(await restored(second.store, 5), { state: 'state 5', sessions: ['sessions 5'] });
  });

  it('lets go of sessions once later ones are the whole table by themselves', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2, delta(2, 1, Buffer.alloc(LARGE))));
    await store.append(checkpoint(3, delta(3, 1)));
    await store.append(checkpoint(4, delta(4, 3)));
    await store.prune(3);
    assert.equal(sim.names().includes('checkpoint-1-1-2-sessions'), true);
    await store.prune(4);
    assert.equal(sim.names().includes('checkpoint-1-1-2-sessions'), false);
    assert.deepEqual(await restored(store, 4), { state: 'state 4', sessions: ['delta 3', 'delta 4'] });
  });

  it('keeps the newest checkpoint at or below a version that is none itself', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(2, { predecessor: 0 }));
    await store.append(checkpoint(5, { predecessor: 2 }));
    await store.append(checkpoint(9, { predecessor: 5 }));
    await store.prune(8);
    await assert.rejects(store.restore(2), /it holds 5, 9/);
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
    await store.append(checkpoint(2, { state: Buffer.alloc(LARGE) }));
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

  describe('order', () => {
    it('asserts ascending versions, known predecessors, and sessions that build on the newest and on what is there', async () => {
      const { store } = await claimOn(disk, 1);
      await assert.rejects(store.append(checkpoint(1, delta(1, 0))), assert.AssertionError);
      await appendAll(store, 1, 2);
      await assert.rejects(store.append(checkpoint(2)), assert.AssertionError);
      await assert.rejects(store.append(checkpoint(3, { predecessor: 1 })), assert.AssertionError);
      await assert.rejects(store.append(checkpoint(5, delta(5, 2))), assert.AssertionError);
      await assert.rejects(store.append(checkpoint(3, delta(3, 0))), assert.AssertionError);
      await store.append(checkpoint(5));
    });

    it('enters checkpoints in order however long their data takes', async () => {
      let release: (fate: Fate) => void = () => undefined;
      const held = new Promise<Fate>((resolve) => (release = resolve));
      const slow = sim.mount((step) =>
        step.operation === 'write' && step.name === 'checkpoint-1-1-1' ? held : 'done',
      );
      const { store } = await claimOn(slow, 1);
      const done: number[] = [];
      const appends = [
        store.append(checkpoint(1, { state: Buffer.alloc(LARGE) })).then(() => done.push(1)),
        store.append(checkpoint(2, { state: Buffer.alloc(LARGE) })).then(() => done.push(2)),
        store.append(checkpoint(3)).then(() => done.push(3)),
      ];
      while (!sim.names().includes('checkpoint-1-1-2')) await Promise.resolve();
      assert.deepEqual(versions(await surveyVolume(disk)), []);
      release('done');
      await Promise.all(appends);
      assert.deepEqual(done, [1, 2, 3]);
    });

    it('blocks what follows a failed checkpoint until that one was retried', async () => {
      const { control, process } = failing('datasync');
      const { store } = await claimOn(sim.mount(process), 1);
      await store.append(checkpoint(1));
      control.fate = 'EIO';
      const outcomes = await Promise.allSettled([2, 3, 4].map((version) => store.append(checkpoint(version))));
      control.fate = 'done';
      const [second, ...later] = outcomes.map((one) =>
        one.status === 'rejected' ? (one.reason as unknown) : undefined,
      );
      assert(second instanceof Error && 'code' in second && second.code === 'EIO');
      for (const error of later) assert(error instanceof AppendBlockedError);
      await assert.rejects(store.append(checkpoint(3)), AppendBlockedError);
      await appendAll(store, 2, 4);
      sim.cutPower();
      assert.deepEqual(versions(await claimOn(disk, 2)), [1, 2, 3, 4]);
    });

    it('forgets a failed checkpoint that a rollback drops', async () => {
      const { control, process } = failing('datasync');
      const { store } = await claimOn(sim.mount(process), 1);
      await store.append(checkpoint(1));
      control.fate = 'EIO';
      await assert.rejects(store.append(checkpoint(2)), { code: 'EIO' });
      control.fate = 'done';
      await store.dropAfter(1);
      assert.deepEqual(versions(await surveyVolume(disk)), [1]);
      sim.cutPower();
      assert.deepEqual(versions(await surveyVolume(disk)), [1]);
    });

    it('does not wait for the data of checkpoints that a rollback drops', async () => {
      const stuck = sim.mount((step) =>
        step.name === 'checkpoint-1-1-2' ? new Promise<Fate>(() => undefined) : 'done',
      );
      const { store } = await claimOn(stuck, 1);
      await store.append(checkpoint(1));
      const dropped = [store.append(checkpoint(2, { state: Buffer.alloc(LARGE) })), store.append(checkpoint(3))].map(
        (append) => assert.rejects(append, CheckpointDroppedError),
      );
      await store.dropAfter(1);
      await Promise.all(dropped);
      await store.append(checkpoint(2, { worldLine: 2 }));
      assert.deepEqual(versions(await surveyVolume(disk)), [1, 2]);
    });

    it('limits what waits and what it holds', async () => {
      const { store } = await claimOn(disk, 1);
      const waiting = Array.from({ length: MAX_PENDING_APPENDS }, (_, i) => store.append(checkpoint(i + 1)));
      await assert.rejects(store.append(checkpoint(MAX_PENDING_APPENDS + 1)), StorageLimitError);
      await Promise.all(waiting);
      await appendAll(store, MAX_PENDING_APPENDS + 1, MAX_CHECKPOINTS);
      await assert.rejects(store.append(checkpoint(MAX_CHECKPOINTS + 1)), StorageLimitError);
      await store.prune(2);
      await store.append(checkpoint(MAX_CHECKPOINTS + 1));
    });
  });

  describe('manifest', () => {
    it('stays small however many checkpoints come and go', async () => {
      const live = 3; // one is pruned when the next is there
      for (const [stateBytes, limit] of [
        [20_000, COMPACTION_DEAD_RATIO * (live - 1) * 20_500],
        [1, COMPACTION_DEAD_BYTES],
        [INLINE_LIMIT_BYTES, COMPACTION_PATIENCE_BYTES],
      ] as const) {
        sim = simDisk(seeded(1));
        const { store } = await claimOn(sim.mount(healthy), 1);
        let largest = 0;
        for (let version = 1; version <= 1_200; version++) {
          await store.append(checkpoint(version, { state: Buffer.alloc(stateBytes, version) }));
          await store.prune(version - 1);
          largest = Math.max(largest, sim.size('manifest-1'));
        }
        assert(largest > limit && largest < limit + live * (stateBytes + 3_000), `${stateBytes}: ${largest} bytes`);
        // What was pruned last became durable with the next frame, if one came.
        assert.deepEqual(versions(await claimOn(sim.mount(healthy), 2)), [1_198, 1_199, 1_200]);
      }
    });

    it('takes only small parts once it is large, and a retry goes on with what it began with', async () => {
      const large = Math.ceil(AMPLE_MANIFEST_BYTES / INLINE_LIMIT_BYTES);
      const { control, process } = failing('datasync', /^checkpoint/);
      const { store } = await claimOn(sim.mount(process), 1);
      await appendAll(store, 1, large, { state: Buffer.alloc(INLINE_LIMIT_BYTES) });
      const stateFiles = () => sim.names().filter((name) => name.startsWith('checkpoint'));
      assert.deepEqual(stateFiles(), []);
      const state = Buffer.alloc(TIGHT_INLINE_LIMIT_BYTES + 1, 'x');
      await store.append(checkpoint(large + 1, { state: state.subarray(1) }));
      assert.deepEqual(stateFiles(), []);
      control.fate = 'EIO';
      await assert.rejects(store.append(checkpoint(large + 2, { state })), { code: 'EIO' });
      control.fate = 'done';
      await store.prune(large + 1);
      await store.append(checkpoint(large + 2, { state }));
      assert.equal(stateFiles().length, 1);
      await store.append(checkpoint(large + 3, { state }));
      await store.prune(large + 3);
      assert.deepEqual(stateFiles(), []);
      assert.equal((await restored(store, large + 3)).state, state.toString());
    });

    it('is written anew after a failed write, without what failed', async () => {
      const { control, process } = failing('write', /^manifest/);
      const { store } = await claimOn(sim.mount(process), 1);
      await appendAll(store, 1, 3);
      control.fate = 'ENOSPC';
      await assert.rejects(store.append(checkpoint(4)), { code: 'ENOSPC' });
      await assert.rejects(store.append(checkpoint(4)), { code: 'ENOSPC' });
      control.fate = 'done';
      assert.equal((await restored(store, 3)).state, 'state 3');
      await store.append(checkpoint(4));
      assert.equal((await restored(store, 4)).state, 'state 4');
      assert.deepEqual(versions(await surveyVolume(disk)), [1, 2, 3, 4]);
    });

    it('loses nothing on a full disk, and goes on once there is room', async () => {
      const { store } = await claimOn(disk, 1);
      await appendAll(store, 1, 3);
      const used = sim.names().reduce((sum, name) => sum + sim.size(name), 0);
      sim.capacityBytes = used + 100;
      await assert.rejects(store.append(checkpoint(4)), { code: 'ENOSPC' });
      await assert.rejects(store.append(checkpoint(4, { state: Buffer.alloc(LARGE) })), { code: 'ENOSPC' });
      assert.equal((await restored(store, 3)).state, 'state 3');
      sim.capacityBytes = Number.MAX_SAFE_INTEGER;
      await store.append(checkpoint(4));
      sim.cutPower();
      assert.deepEqual(versions(await claimOn(disk, 2)), [1, 2, 3, 4]);
    });

    it('cuts off an incomplete end', async () => {
      const { store } = await claimOn(disk, 1);
      await appendAll(store, 1, 3);
      sim.corrupt('manifest-1', sim.size('manifest-1') - 500); // in the last entry
      assert.deepEqual(versions(await claimOn(disk, 2)), [1, 2]);
    });

    it('is damaged when good entries follow a bad one, or nothing of it can be believed', async () => {
      const { store } = await claimOn(disk, 1);
      await appendAll(store, 1, 3);
      sim.corrupt('manifest-1', 1024 + 100); // in the second entry
      const naming = (offset: number) => (error: Error) =>
        error instanceof StorageDamagedError &&
        error.message.startsWith(`/sim/manifest-1 is damaged at byte ${offset}`);
      await assert.rejects(surveyVolume(disk), naming(1024));
      await assert.rejects(claimOn(disk, 2), naming(1024));
      sim.corrupt('manifest-1', 50);
      await assert.rejects(surveyVolume(disk), naming(0));
    });

    it('does not take a manifest inside a payload for its own', async () => {
      for (let shift = 0; shift < 512; shift++) {
        const fresh = simDisk(seeded(1));
        const mounted = fresh.mount(healthy);
        const { store } = await claimOn(mounted, 1);
        await appendAll(store, 1, 2);
        const size = fresh.size('manifest-1');
        const file = await mounted.open('manifest-1', 'read');
        const copy = await file.read(0, size);
        await store.append(checkpoint(3, { state: Buffer.concat([Buffer.alloc(shift), copy]) }));
        fresh.corrupt('manifest-1', size);
        assert.deepEqual(versions(await surveyVolume(mounted)), [1, 2], `shifted by ${shift}`);
      }
    });
  });

  describe('damage', () => {
    it('of a data file is told by name, and costs no other checkpoint', async () => {
      const { store } = await claimOn(disk, 1);
      await store.append(checkpoint(1));
      await store.append(checkpoint(2, { state: Buffer.alloc(LARGE) }));
      await store.append(checkpoint(3, delta(3, 2)));
      sim.corrupt('checkpoint-1-1-2', 5_000);
      await assert.rejects(store.restore(2), (error: Error) =>
        error.message.startsWith('/sim/checkpoint-1-1-2 does not have'),
      );
      const second = await claimOn(disk, 2);
      assert.deepEqual(versions(second), [1, 3]);
      assert.equal(second.damage.length, 1);
      assert.match(second.damage[0] ?? '', /^\/sim\/checkpoint-1-1-2 does not have the checksum/);
      assert.deepEqual((await restored(second.store, 3)).sessions, ['sessions 2', 'delta 3']);
    });

    it('of a sessions file takes the deltas on it along', async () => {
      const { store } = await claimOn(disk, 1);
      await store.append(checkpoint(1));
      await store.append(checkpoint(2, delta(2, 1, Buffer.alloc(LARGE))));
      await store.append(checkpoint(3, delta(3, 1)));
      await store.append(checkpoint(4));
      sim.remove('checkpoint-1-1-2-sessions');
      const survey = await surveyVolume(disk);
      assert.deepEqual(versions(survey), [1, 4]);
      assert.deepEqual(survey.damage, ['/sim/checkpoint-1-1-2-sessions is missing']);
      assert.deepEqual(versions(await claimOn(disk, 2)), [1, 4]);
    });

    it('of a sessions file harms nobody whose sessions begin after it', async () => {
      const { store } = await claimOn(disk, 1);
      await store.append(checkpoint(1, delta(1, 1, Buffer.alloc(LARGE))));
      await store.append(checkpoint(2, delta(2, 1)));
      await store.append(checkpoint(3, delta(3, 2)));
      sim.remove('checkpoint-1-1-1-sessions');
      const second = await claimOn(disk, 2);
      assert.deepEqual(versions(second), [3]);
      assert.deepEqual((await restored(second.store, 3)).sessions, ['delta 2', 'delta 3']);
      await second.store.append(checkpoint(4, delta(4, 2)));
      assert.deepEqual((await restored(second.store, 4)).sessions, ['delta 2', 'delta 3', 'delta 4']);
    });

    it('of the newest checkpoint lets the next one follow the one before', async () => {
      const { store } = await claimOn(disk, 1);
      await store.append(checkpoint(1));
      await store.append(checkpoint(2, { state: Buffer.alloc(LARGE) }));
      sim.remove('checkpoint-1-1-2');
      const second = await claimOn(disk, 2);
      assert.deepEqual(versions(second), [1]);
      await second.store.append(checkpoint(3, { predecessor: 1, ...delta(3, 1) }));
      assert.deepEqual((await restored(second.store, 3)).sessions, ['sessions 1', 'delta 3']);
    });

    it('of the head or the length of a data file is noticed too', async () => {
      const { store } = await claimOn(disk, 1);
      await store.append(checkpoint(1, { state: Buffer.alloc(LARGE) }));
      for (const offset of [0, 6, 20, 36, 60]) {
        sim.corrupt('checkpoint-1-1-1', offset);
        assert.deepEqual(versions(await surveyVolume(disk)), [], `byte ${offset}`);
        sim.corrupt('checkpoint-1-1-1', offset);
      }
      const file = await disk.open('checkpoint-1-1-1', 'write');
      await file.writeAt(sim.size('checkpoint-1-1-1'), Buffer.from('x'));
      assert.match((await surveyVolume(disk)).damage[0] ?? '', /checkpoint-1-1-1 has 262\d+ bytes instead of/);
    });

    it('of an inline part after it was read is told by place', async () => {
      const { store } = await claimOn(disk, 1);
      await appendAll(store, 1, 1);
      const size = sim.size('manifest-1');
      for (let offset = 512; offset < size; offset++) sim.corrupt('manifest-1', offset);
      await assert.rejects(
        store.restore(1),
        (error) => error instanceof StorageDamagedError && /byte \d+/.test(error.message),
      );
    });

    it('is told by name where a file is missing', async () => {
      const { store } = await claimOn(disk, 1);
      await appendAll(store, 1, 2, { state: Buffer.alloc(LARGE) });
      const [name = ''] = sim.names().filter((one) => one.startsWith('checkpoint-'));
      sim.remove(name);
      await assert.rejects(store.restore(1), (error) => {
        return error instanceof StorageDamagedError && error.message.startsWith(`/sim/${name} is missing: `);
      });
    });

    it('of the identity is told by name', async () => {
      await claimOn(disk, 1);
      sim.corrupt('identity', 60);
      await assert.rejects(surveyVolume(disk), /^StorageDamagedError: \/sim\/identity is damaged/);
      await assert.rejects(claimOn(disk, 2), /^StorageDamagedError: \/sim\/identity is damaged/);
      sim.remove('identity');
      await assert.rejects(surveyVolume(disk), /^StorageDamagedError: \/sim\/identity is missing/);
      await assert.rejects(claimOn(disk, 2), /^StorageDamagedError: \/sim\/identity is missing/);
    });
  });

  describe('succession', () => {
    it('stops a store that notices a later incarnation', async () => {
      const zombie = await claimOn(disk, 1);
      await zombie.store.append(checkpoint(1, { state: Buffer.alloc(LARGE) }));
      await zombie.store.append(checkpoint(2));
      const { store } = await claimOn(disk, 2);
      await zombie.store.append(checkpoint(3)); // not noticed yet, and in its own manifest
      const before = sim.names();
      await assert.rejects(zombie.store.prune(2), SupersededError);
      await assert.rejects(zombie.store.append(checkpoint(4)), SupersededError);
      assert.deepEqual(sim.names(), before);
      await assert.rejects(claimOn(disk, 1), SupersededError);
      assert.equal((await store.restore(1)).checkpoint.version, 1);
      assert.deepEqual(versions(await claimOn(disk, 3)), [1, 2]);
    });

    it('stops a store that would restore what a later incarnation removed', async () => {
      const zombie = await claimOn(disk, 1);
      await appendAll(zombie.store, 1, 2, { state: Buffer.alloc(LARGE) });
      const { store } = await claimOn(disk, 2);
      await store.prune(2);
      await assert.rejects(zombie.store.restore(1), SupersededError);
    });

    it('tidies up after earlier incarnations when it prunes', async () => {
      const first = await claimOn(disk, 1);
      await first.store.append(checkpoint(1));
      await first.store.append(checkpoint(2, { state: Buffer.alloc(LARGE) }));
      let died: () => void = () => undefined;
      const death = new Promise<void>((resolve) => (died = resolve));
      const dying = sim.mount(({ operation, name }) => {
        if (operation !== 'datasync' || name !== 'checkpoint-2-1-3') return 'done';
        died();
        return 'dies';
      });
      const second = await claimOn(dying, 2);
      await Promise.race([second.store.append(checkpoint(3, { state: Buffer.alloc(LARGE) })), death]);
      assert(sim.names().includes('checkpoint-2-1-3'));
      await writeFile(disk, 'manifest-2.tmp', Buffer.alloc(10));
      await writeFile(disk, 'store-1-1-9', Buffer.alloc(10));
      await writeFile(disk, 'lost+found', Buffer.alloc(0));

      const third = await claimOn(disk, 3);
      await third.store.prune(2);
      assert.deepEqual(sim.names(), ['checkpoint-1-1-2', 'identity', 'lost+found', 'manifest-3']);
    });

    it('does not mistake what a predecessor tidies up for damage', async () => {
      const zombie = await claimOn(disk, 1);
      await appendAll(zombie.store, 1, 1, { state: Buffer.alloc(LARGE) });
      await zombie.store.append(checkpoint(2));
      const gate = gated(({ operation, name }) => operation === 'open' && name === 'checkpoint-1-1-1');
      const claiming = claimOn(sim.mount(gate.process), 2);
      await gate.reached;
      await zombie.store.prune(2);
      assert(!sim.names().includes('checkpoint-1-1-1'));
      gate.open();
      const second = await claiming;
      assert.deepEqual(second.damage, []);
      assert.deepEqual(versions(second), [2]);
    });

    it('is of the later incarnation when two claim at the same time and the first is slower', async () => {
      const zombie = await claimOn(disk, 1);
      await appendAll(zombie.store, 1, 2);
      const second = gated(({ operation, name }) => operation === 'rename' && name === 'manifest-2.tmp');
      const tidying = gated(({ operation, name }) => operation === 'unlink' && name === 'checkpoint-1-1-3');
      const third = gated(({ operation, name }) => operation === 'rename' && name === 'manifest-3.tmp');
      const slower = claimOn(
        sim.mount(async (step) => (await second.process(step), tidying.process(step))),
        2,
      );
      await second.reached;
      await zombie.store.append(checkpoint(3, { state: Buffer.alloc(LARGE) })); // after the second has read the manifest
      const later = claimOn(sim.mount(third.process), 3);
      await third.reached;
      second.open();
      const pruning = slower.then(({ store }) => store.prune(2));
      await tidying.reached;
      third.open();
      const { store, checkpoints } = await later;
      tidying.open();
      await pruning;
      for (const { version } of checkpoints) assert.equal((await store.restore(version)).checkpoint.version, version);
      assert.deepEqual(versions({ checkpoints }), [1, 2]);
    });

    it('may be claimed again by the same incarnation, which loses nothing', async () => {
      const { store } = await claimOn(disk, 1);
      await appendAll(store, 1, 2);
      const second = await claimOn(disk, 2);
      await second.store.append(checkpoint(3));
      assert.deepEqual(versions(await claimOn(disk, 2)), [1, 2, 3]);
    });
  });
});
