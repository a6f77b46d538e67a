import assert from 'node:assert/strict';
import {
  AMPLE_MANIFEST_BYTES,
  COMPACTION_DEAD_BYTES,
  COMPACTION_DEAD_RATIO,
  COMPACTION_PATIENCE_BYTES,
  type Disk,
  INLINE_LIMIT_BYTES,
  StorageDamagedError,
  TIGHT_INLINE_LIMIT_BYTES,
  surveyVolume,
} from '../../../services/runtime/storage/index.ts';
import {
  appendAll,
  checkpoint,
  claimOn,
  failing,
  LARGE,
  restored,
  sectionsOf,
  versions,
} from './checkpoint-fixtures.ts';
import { type SimDisk, healthy, seeded, simDisk } from './sim-disk.ts';

describe('the manifest of a checkpoint store', () => {
  let sim: SimDisk;
  let disk: Disk;

  beforeEach(() => {
    sim = simDisk(seeded(1));
    disk = sim.mount(healthy);
  });

  it('stays small however many checkpoints come and go', async () => {
    const live = 3; // one is pruned when the next is there
    // As many checkpoints as let it be written anew several times.
    for (const [stateBytes, limit, last] of [
      [20_000, COMPACTION_DEAD_RATIO * (live - 1) * 20_500, 400],
      [1, COMPACTION_DEAD_BYTES, 1_200],
      [INLINE_LIMIT_BYTES, COMPACTION_PATIENCE_BYTES, 120],
    ] as const) {
      sim = simDisk(seeded(1));
      const { store } = await claimOn(sim.mount(healthy), 1);
      let largest = 0;
      for (let version = 1; version <= last; version++) {
        await store.append(checkpoint(version, { state: Buffer.alloc(stateBytes, version) }));
        await store.prune(version - 1);
        largest = Math.max(largest, sim.size('manifest-1'));
      }
      assert(largest > limit && largest < limit + live * (stateBytes + 3_000), `${stateBytes}: ${largest} bytes`);
      // What was pruned last became durable with the next frame, if one came.
      assert.deepEqual(versions(await claimOn(sim.mount(healthy), 2)), [last - 2, last - 1, last]);
    }
  });

  it('takes only small parts once it is large, and a retry goes on with what it began with', async () => {
    const large = Math.ceil(AMPLE_MANIFEST_BYTES / INLINE_LIMIT_BYTES);
    const { control, process } = failing('datasync', /^segment/);
    const { store } = await claimOn(sim.mount(process), 1);
    await appendAll(store, 1, large, { state: Buffer.alloc(INLINE_LIMIT_BYTES) });
    assert.equal(sectionsOf(sim, 1), '');
    const state = Buffer.alloc(TIGHT_INLINE_LIMIT_BYTES + 1, 'x');
    await store.append(checkpoint(large + 1, { state: state.subarray(1) }));
    assert.equal(sectionsOf(sim, 1), '');
    control.fate = 'EIO';
    await assert.rejects(store.append(checkpoint(large + 2, { state })), { code: 'EIO' });
    control.fate = 'done';
    await store.prune(large + 1);
    await store.append(checkpoint(large + 2, { state }));
    assert.equal(sectionsOf(sim, 1), `${large + 2} state`);
    await store.append(checkpoint(large + 3, { state }));
    await store.prune(large + 3);
    assert.equal(sectionsOf(sim, 1), '');
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
      error instanceof StorageDamagedError && error.message.startsWith(`/sim/manifest-1 is damaged at byte ${offset}`);
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
