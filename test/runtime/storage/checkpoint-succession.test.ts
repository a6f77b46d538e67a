import assert from 'node:assert/strict';
import { type Disk, SupersededError } from '../../../services/runtime/storage/index.ts';
import {
  appendAll,
  checkpoint,
  claimOn,
  extentOf,
  LARGE,
  versions,
  writeFile,
  readBack,
} from './checkpoint-fixtures.ts';
import { type Fate, type SimDisk, type Step, healthy, seeded, simDisk } from './sim-disk.ts';

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

describe('the succession in a checkpoint store', () => {
  let sim: SimDisk;
  let disk: Disk;

  beforeEach(() => {
    sim = simDisk(seeded(1));
    disk = sim.mount(healthy);
  });

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
    assert.equal((await readBack(store, 1)).checkpoint.version, 1);
    assert.deepEqual(versions(await claimOn(disk, 3)), [1, 2]);
  });

  it('stops a store that would restore what a later incarnation removed', async () => {
    const zombie = await claimOn(disk, 1);
    await zombie.store.append(checkpoint(1, { state: Buffer.alloc(LARGE) }));
    await zombie.store.append(checkpoint(2));
    const { store } = await claimOn(disk, 2);
    await store.prune(2);
    await assert.rejects(readBack(zombie.store, 1), SupersededError);
  });

  it('tidies up after earlier incarnations when it prunes', async () => {
    const first = await claimOn(disk, 1);
    await first.store.append(checkpoint(1));
    await first.store.append(checkpoint(2, { state: Buffer.alloc(LARGE) }));
    let died: () => void = () => undefined;
    const death = new Promise<void>((resolve) => (died = resolve));
    const dying = sim.mount(({ operation, name }) => {
      if (operation !== 'datasync' || name !== 'segment-2-0') return 'done';
      died();
      return 'dies';
    });
    const second = await claimOn(dying, 2);
    await Promise.race([second.store.append(checkpoint(3, { state: Buffer.alloc(LARGE) })), death]);
    assert(sim.names().includes('segment-2-0'));
    await writeFile(disk, 'manifest-2.tmp', Buffer.alloc(10));
    await writeFile(disk, 'store-1-1-9', Buffer.alloc(10));
    await writeFile(disk, 'lost+found', Buffer.alloc(0));

    const third = await claimOn(disk, 3);
    await third.store.prune(2);
    assert.deepEqual(sim.names(), ['identity', 'lost+found', 'manifest-3', 'segment-1-0']);
  });

  it('does not mistake what a predecessor overwrites for damage', async () => {
    const zombie = await claimOn(disk, 1);
    await appendAll(zombie.store, 1, 1, { state: Buffer.alloc(LARGE, 'a') });
    await zombie.store.append(checkpoint(2));
    const gate = gated(({ operation, name }) => operation === 'open' && name === 'segment-1-0');
    const claiming = claimOn(sim.mount(gate.process), 2);
    await gate.reached;
    await zombie.store.prune(2);
    await zombie.store.append(checkpoint(3, { state: Buffer.alloc(LARGE, 'b') }));
    assert.equal(extentOf(sim, 3, 'state').at, 0);
    gate.open();
    const second = await claiming;
    assert.deepEqual(second.damage, []);
    assert.deepEqual(versions(second), [2, 3]);
  });

  it('is of the later incarnation when two claim at the same time and the first is slower', async () => {
    const zombie = await claimOn(disk, 1);
    await appendAll(zombie.store, 1, 2);
    const second = gated(({ operation, name }) => operation === 'rename' && name === 'manifest-2.tmp');
    const tidying = gated(({ operation, name }) => operation === 'unlink' && name === 'segment-1-0');
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
    for (const { version } of checkpoints) assert.equal((await readBack(store, version)).checkpoint.version, version);
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
