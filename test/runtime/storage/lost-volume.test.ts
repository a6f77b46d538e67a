import assert from 'node:assert/strict';
import { type CheckpointStore, openTwoSlotFile, VolumeLostError } from '../../../services/runtime/storage/index.ts';
import { claimOn, checkpoint, LARGE, restored } from './checkpoint-fixtures.ts';
import { healthy, type Process, seeded, type SimDisk, simDisk, type Step } from './sim-disk.ts';

/** More than enough that a rename which fails has been done in one case, and not in another. */
const CHANCES = 8;

/** What every operation of a store that makes something durable has to notice. */
const OPERATIONS: Readonly<Record<string, (store: CheckpointStore) => Promise<void>>> = {
  append: (store) => store.append(checkpoint(2)),
  markClean: (store) => store.markClean({ incarnation: 1, worldLine: 1, version: 1 }),
  dropAfter: (store) => store.dropAfter(0),
  refuseIfLost: (store) => store.refuseIfLost(),
};

const lost = (name: string) => (error: unknown) =>
  error instanceof VolumeLostError && error.message.includes(`/${name} was removed, moved, replaced or shortened`);

describe('a volume whose names are taken away while it is open', () => {
  let sim: SimDisk;
  let store: CheckpointStore;
  beforeEach(async () => {
    sim = simDisk(seeded(1));
    ({ store } = await claimOn(sim.mount(healthy), 1));
    await store.append(checkpoint(1, { state: Buffer.alloc(LARGE) }));
  });

  for (const [operation, run] of Object.entries(OPERATIONS)) {
    for (const name of ['identity', 'manifest-1']) {
      it(`lets no ${operation} end when ${name} is gone, and nothing after that`, async () => {
        const bytes = sim.durable(name);
        assert.ok(bytes);
        sim.remove(name);
        await assert.rejects(run(store), lost(name));
        sim.put(name, bytes);
        await assert.rejects(store.refuseIfLost(), lost(name), 'writes in between may have been missed');
      });
    }

    it(`lets no ${operation} end when everything is gone`, async () => {
      sim.takeAway();
      await assert.rejects(run(store), VolumeLostError);
    });
  }

  it('is lost when another file has the name of its manifest', async () => {
    const bytes = sim.durable('manifest-1');
    assert.ok(bytes);
    sim.put('manifest-1', bytes);
    await assert.rejects(store.append(checkpoint(2)), lost('manifest-1'));
  });

  it('is not lost when another process that began with it writes again whose it is', async () => {
    const bytes = sim.durable('identity');
    assert.ok(bytes);
    sim.put('identity', bytes);
    await store.append(checkpoint(2));
  });

  it('is noticed by what it cannot open', async () => {
    sim.takeAway();
    await assert.rejects(store.append(checkpoint(2, { state: Buffer.alloc(LARGE) })), VolumeLostError);
    await assert.rejects(store.prune(1), VolumeLostError);
  });

  it('lets no append end when a file of an earlier checkpoint is gone that a rollback may lead to', async () => {
    await store.append(checkpoint(2));
    sim.remove('segment-1-0');
    await assert.rejects(store.append(checkpoint(3)), lost('segment-1-0'));
  });

  it('needs no file of a checkpoint that was given up', async () => {
    await store.append(checkpoint(2));
    await store.prune(2);
    sim.remove('segment-1-0');
    await store.append(checkpoint(3));
  });

  it('lets no append end when the names go while it is written, and goes on where they come back before it is asked', async () => {
    const names = simDisk(seeded(2));
    let taking = false;
    let bringBack = (): void => undefined;
    const process: Process = ({ operation }) => {
      if (taking && operation === 'datasync') bringBack = names.takeAway();
      return 'done';
    };
    const { store: watched } = await claimOn(names.mount(process), 1);
    taking = true;
    await assert.rejects(watched.append(checkpoint(1)), VolumeLostError);
    taking = false;
    bringBack();
    const { store: successor } = await claimOn(names.mount(healthy), 2);
    names.takeAway()();
    await successor.append(checkpoint(2, { predecessor: 1 }));
  });

  it('is not lost, but taken over, when a later incarnation removed its manifest', async () => {
    const { store: later } = await claimOn(sim.mount(healthy), 2);
    await later.append(checkpoint(2, { predecessor: 1 }));
    await later.prune(2);
    assert.ok(!sim.names().includes('manifest-1'));
    await assert.rejects(store.refuseIfLost(), { name: 'SupersededError' });
  });

  it('is tried again when the disk refuses to say whether it is lost', async () => {
    let fails = false;
    const process: Process = ({ operation }) => (fails && operation === 'isAt' ? 'EIO' : 'done');
    const { store: watched } = await claimOn(sim.mount(process), 2);
    fails = true;
    await assert.rejects(watched.append(checkpoint(2)), { code: 'EIO' });
    fails = false;
    await watched.append(checkpoint(2));
    await watched.append(checkpoint(3));
  });
});

describe('a volume whose manifest failed to be written anew', () => {
  let sim: SimDisk;
  let store: CheckpointStore;
  let failing: Step['operation'] | undefined;

  async function fails(operation: Step['operation']): Promise<void> {
    failing = operation;
    await assert.rejects(store.append(checkpoint(2)), { code: 'EIO' });
    failing = undefined;
  }

  async function begin(chance: number): Promise<void> {
    sim = simDisk(seeded(chance));
    ({ store } = await claimOn(
      sim.mount(({ operation }) => (operation === failing ? 'EIO' : 'done')),
      1,
    ));
    await store.append(checkpoint(1));
    await fails('datasync'); // from now on it begins with a new manifest
  }

  for (const operation of ['rename', 'syncDirectory'] as const) {
    it(`is not lost when that was in its ${operation}, with the name perhaps given to the new one`, async () => {
      for (let chance = 0; chance < CHANCES; chance++) {
        await begin(chance);
        await fails(operation);
        await store.refuseIfLost();
        await fails('write'); // another new one, which does not come to have the name
        await store.refuseIfLost();
        await store.append(checkpoint(2));
        await store.refuseIfLost();
        const { store: successor } = await claimOn(sim.mount(healthy), 2);
        for (const version of [1, 2]) assert.equal((await restored(successor, version)).state, `state ${version}`);
      }
    });
  }

  for (const name of ['identity', 'manifest-1']) {
    it(`is lost without ${name}`, async () => {
      await begin(1);
      await fails('syncDirectory');
      sim.remove(name);
      await assert.rejects(store.refuseIfLost(), lost(name));
    });
  }

  it('is lost when everything is gone', async () => {
    await begin(1);
    await fails('syncDirectory');
    sim.takeAway();
    await assert.rejects(store.append(checkpoint(2)), VolumeLostError);
  });
});

describe('a two-slot file whose names are taken away while it is open', () => {
  const SLOTS = ['record-0', 'record-1'];

  async function opened(disk: SimDisk) {
    const file = await openTwoSlotFile(disk.mount(healthy), 'record');
    for (const text of ['a', 'b']) await file.write(Buffer.from(text));
    await file.refuseIfLost();
    return file;
  }

  for (const slot of SLOTS) {
    it(`is lost without ${slot}, also when another file gets the name`, async () => {
      const sim = simDisk(seeded(1));
      const file = await opened(sim);
      const bytes = sim.durable(slot);
      assert.ok(bytes);
      sim.remove(slot);
      await assert.rejects(file.refuseIfLost(), lost(slot));
      sim.put(slot, bytes);
      await assert.rejects(file.refuseIfLost(), lost(slot));
    });

    it(`is lost without ${slot}, also when it was not opened for writing yet`, async () => {
      const sim = simDisk(seeded(1));
      await (await opened(sim)).close();
      const file = await openTwoSlotFile(sim.mount(healthy), 'record');
      sim.remove(slot);
      await assert.rejects(file.refuseIfLost(), lost(slot));
      // The slot to write to cannot be opened, or the other one is missing once it is written.
      if (slot === 'record-0') await assert.rejects(file.write(Buffer.from('c')), lost(slot));
      else await file.write(Buffer.from('c'));
      await assert.rejects(file.refuseIfLost(), lost(slot));
    });
  }

  for (const operation of ['rename', 'syncDirectory'] as const) {
    it(`is not lost when the ${operation} failed that gave a slot its name`, async () => {
      for (let chance = 0; chance < CHANCES; chance++) {
        let isFailing = false;
        const process: Process = (step) => (isFailing && step.operation === operation ? 'EIO' : 'done');
        const file = await openTwoSlotFile(simDisk(seeded(chance)).mount(process), 'record');
        for (const text of ['a', 'b']) {
          isFailing = true;
          await assert.rejects(file.write(Buffer.from(text)), { code: 'EIO' });
          await file.refuseIfLost();
          isFailing = false;
          await file.write(Buffer.from(text));
          await file.refuseIfLost();
        }
      }
    });
  }
});
