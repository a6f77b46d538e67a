import assert from 'node:assert/strict';
import {
  AppendBlockedError,
  CheckpointDroppedError,
  type Disk,
  MAX_CHECKPOINTS,
  MAX_PENDING_APPENDS,
  StorageLimitError,
  surveyVolume,
} from '../../../services/runtime/storage/index.ts';
import { createManifestLog } from '../../../services/runtime/storage/manifest-log.ts';
import { EMPTY_STATE, type Entry } from '../../../services/runtime/storage/manifest.ts';
import {
  appendAll,
  change,
  checkpoint,
  claimOn,
  delta,
  failing,
  IDENTITY,
  LARGE,
  readBack,
  STAMP,
  versions,
} from './checkpoint-fixtures.ts';
import { type Fate, type SimDisk, healthy, seeded, simDisk } from './sim-disk.ts';

/** Writes the manifest of incarnation 1 anew, with so many checkpoints, all of one chain, of which each has nothing in it. */
async function fillManifest(disk: Disk, count: number): Promise<void> {
  const part = { place: 'inline', bytes: 0, checksum: 0, at: 0, since: 1 } as const;
  const entries = Array.from({ length: count }, (_, index): Entry => {
    const common = { incarnation: 1, worldLine: 1, version: index + 1, predecessor: index };
    const rest = { dependencies: new Map([[9, index]]), stamp: STAMP, restorable: true, liveBytes: 0 };
    return { ...common, ...rest, state: part, sessions: part };
  });
  const head = { identity: IDENTITY, incarnation: 1, edition: 1, base: 0 };
  const log = await createManifestLog(disk, head, { ...EMPTY_STATE, entries }, () => Promise.resolve(Buffer.alloc(0)));
  await log.close();
}

describe('the order of checkpoints', () => {
  let sim: SimDisk;
  let disk: Disk;

  beforeEach(() => {
    sim = simDisk(seeded(1));
    disk = sim.mount(healthy);
  });

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
    const slow = sim.mount((step) => (step.operation === 'write' && step.name === 'segment-1-0' ? held : 'done'));
    const { store } = await claimOn(slow, 1);
    const done: number[] = [];
    const appends = [
      store.append(checkpoint(1, { state: Buffer.alloc(LARGE) })).then(() => done.push(1)),
      store.append(checkpoint(2, { state: Buffer.alloc(LARGE) })).then(() => done.push(2)),
      store.append(checkpoint(3)).then(() => done.push(3)),
    ];
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    assert.ok(sim.names().includes('segment-1-0'));
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
    const [second, ...later] = outcomes.map((one) => (one.status === 'rejected' ? (one.reason as unknown) : undefined));
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
    const stuck = sim.mount((step) => (step.name === 'segment-1-0' ? new Promise<Fate>(() => undefined) : 'done'));
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

  it('limits what waits', async () => {
    const { store } = await claimOn(disk, 1);
    const waiting = Array.from({ length: MAX_PENDING_APPENDS }, (_, i) => store.append(checkpoint(i + 1)));
    await assert.rejects(store.append(checkpoint(MAX_PENDING_APPENDS + 1)), StorageLimitError);
    await Promise.all(waiting);
  });

  it('limits what it holds', async () => {
    const { store: first } = await claimOn(disk, 1);
    await first.close();
    await fillManifest(disk, MAX_CHECKPOINTS - 1);
    const { store } = await claimOn(disk, 2);
    const before = sim.size('manifest-2');
    await store.append(checkpoint(MAX_CHECKPOINTS, { ...change(MAX_CHECKPOINTS, 1), ...delta(MAX_CHECKPOINTS, 1) }));
    const next = checkpoint(MAX_CHECKPOINTS + 1);
    await assert.rejects(store.append(next), StorageLimitError);
    await store.prune(MAX_CHECKPOINTS);
    await assert.rejects(store.append(next), StorageLimitError, 'its chains need all others');
    assert.equal((await readBack(store, MAX_CHECKPOINTS)).states.length, MAX_CHECKPOINTS);
    assert.ok(before < 1_025 * MAX_CHECKPOINTS, `${before} bytes`);
  });
});
