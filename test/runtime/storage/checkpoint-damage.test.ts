import assert from 'node:assert/strict';
import { type Disk, StorageDamagedError, surveyVolume } from '../../../services/runtime/storage/index.ts';
import {
  appendAll,
  checkpoint,
  claimOn,
  corruptSection,
  delta,
  LARGE,
  restored,
  versions,
  readBack,
} from './checkpoint-fixtures.ts';
import { type SimDisk, healthy, seeded, simDisk } from './sim-disk.ts';

/** What the message ends with. */
const CANNOT =
  'this checkpoint cannot be restored. Restore the directory from a backup, or remove the worker by force and add it again with ' +
  'state: empty in its entry, which loses what it held';

describe('damage in a checkpoint store', () => {
  let sim: SimDisk;
  let disk: Disk;

  beforeEach(() => {
    sim = simDisk(seeded(1));
    disk = sim.mount(healthy);
  });

  it('of a section is told by name, and costs no other checkpoint', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2, { state: Buffer.alloc(LARGE) }));
    await store.append(checkpoint(3, delta(3, 2)));
    corruptSection(sim, 2, 'state', 5_000);
    await assert.rejects(readBack(store, 2), (error: Error) =>
      error.message.startsWith('checkpoint-1-1-2 in /sim/segment-1-0 at byte 0 does not have'),
    );
    const second = await claimOn(disk, 2);
    assert.deepEqual(versions(second), [1, 3]);
    assert.equal(second.damage.length, 1);
    assert.match(
      second.damage[0] ?? '',
      /^checkpoint-1-1-2 in \/sim\/segment-1-0 at byte 0 does not have the checksum/,
    );
    assert.deepEqual((await restored(second.store, 3)).sessions, ['sessions 2', 'delta 3']);
  });

  it('of a section of sessions takes the deltas on it along', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2, delta(2, 1, Buffer.alloc(LARGE))));
    await store.append(checkpoint(3, delta(3, 1)));
    await store.append(checkpoint(4));
    sim.remove('segment-1-0');
    const survey = await surveyVolume(disk);
    assert.deepEqual(versions(survey), [1, 4]);
    assert.deepEqual(survey.damage, [`checkpoint-1-1-2-sessions in /sim/segment-1-0 at byte 0 is missing: ${CANNOT}`]);
    assert.deepEqual(versions(await claimOn(disk, 2)), [1, 4]);
  });

  it('of a section of sessions harms no checkpoint whose sessions begin after it', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1, delta(1, 1, Buffer.alloc(LARGE))));
    await store.append(checkpoint(2, delta(2, 1)));
    await store.append(checkpoint(3, delta(3, 2)));
    sim.remove('segment-1-0');
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
    sim.remove('segment-1-0');
    const second = await claimOn(disk, 2);
    assert.deepEqual(versions(second), [1]);
    await second.store.append(checkpoint(3, { predecessor: 1, ...delta(3, 1) }));
    assert.deepEqual((await restored(second.store, 3)).sessions, ['sessions 1', 'delta 3']);
  });

  it('of the head or the length of a segment is noticed too', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1, { state: Buffer.alloc(LARGE) }));
    for (const offset of [0, 6, 20, 36, 60]) {
      corruptSection(sim, 1, 'state', offset);
      assert.deepEqual(versions(await surveyVolume(disk)), [], `byte ${offset}`);
      corruptSection(sim, 1, 'state', offset);
    }
    const bytes = sim.durable('segment-1-0')?.subarray(0, LARGE) ?? assert.fail();
    sim.put('segment-1-0', bytes);
    assert.match(
      (await surveyVolume(disk)).damage[0] ?? '',
      /segment-1-0 at byte 0 ends at byte 262145 instead of 262\d+/,
    );
  });

  it('of an inline part after it was read is told by place', async () => {
    const { store } = await claimOn(disk, 1);
    await appendAll(store, 1, 1);
    const size = sim.size('manifest-1');
    for (let offset = 512; offset < size; offset++) sim.corrupt('manifest-1', offset);
    await assert.rejects(
      readBack(store, 1),
      (error) => error instanceof StorageDamagedError && /byte \d+/.test(error.message),
    );
  });

  it('is told by name where a file is missing', async () => {
    const { store } = await claimOn(disk, 1);
    await appendAll(store, 1, 2, { state: Buffer.alloc(LARGE) });
    sim.remove('segment-1-0');
    await assert.rejects(readBack(store, 1), {
      name: 'StorageDamagedError',
      message: `checkpoint-1-1-1 in /sim/segment-1-0 at byte 0 is missing: ${CANNOT}`,
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
