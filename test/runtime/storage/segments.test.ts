import assert from 'node:assert/strict';
import {
  type CheckpointStore,
  EXTENT_ALIGNMENT_BYTES,
  INLINE_LIMIT_BYTES,
  MAX_FREE_SEGMENTS,
  claimVolume,
  surveyVolume,
} from '../../../services/runtime/storage/index.ts';
import {
  change,
  checkpoint,
  claimOn,
  corruptSection,
  extentOf,
  failing,
  IDENTITY,
  LARGE,
  readBack,
  versions,
} from './checkpoint-fixtures.ts';
import { type Fate, type Process, type SimDisk, healthy, seeded, simDisk } from './sim-disk.ts';

/** Two sections of LARGE fit. */
const SEGMENT_BYTES = 2 * (INLINE_LIMIT_BYTES + EXTENT_ALIGNMENT_BYTES);

describe('segments of a volume', () => {
  let sim: SimDisk;
  beforeEach(() => (sim = simDisk(seeded(1))));

  const segments = () => sim.names().filter((name) => name.startsWith('segment-'));
  const large = (version: number, bytes = LARGE) => checkpoint(version, { state: Buffer.alloc(bytes, version) });

  async function claim(incarnation: number, process: Process = healthy): Promise<CheckpointStore> {
    const claimed = { identity: IDENTITY, incarnation, segmentBytes: SEGMENT_BYTES };
    return (await claimVolume(sim.mount(process), claimed)).store;
  }

  async function holds(store: CheckpointStore, version: number, bytes = LARGE): Promise<void> {
    assert.deepEqual((await readBack(store, version)).states, [Buffer.alloc(bytes, version)]);
  }

  it('are written again where pruned and dropped checkpoints were, and grow no more', async () => {
    const store = await claim(1);
    for (let version = 1; version <= 20; version++) {
      await store.append(large(version));
      await holds(store, version);
      if (version % 5 === 0) {
        await store.dropAfter(version - 1);
        await store.append({ ...large(version), worldLine: version });
      }
      await store.prune(version - 1);
    }
    assert.deepEqual(segments(), ['segment-1-0', 'segment-1-1']);
    for (const name of segments()) assert.ok(sim.size(name) <= SEGMENT_BYTES);
    sim.cutPower();
    await holds(await claim(2), 20);
  });

  it('are not written again before the manifest without a pruned checkpoint is durable', async () => {
    const { control, process } = failing('datasync', /^manifest/);
    const store = await claim(1, process);
    await store.append(large(1));
    await store.append(checkpoint(2));
    control.fate = 'EIO';
    await assert.rejects(store.prune(2), { code: 'EIO' });
    await assert.rejects(store.append(large(3)), { code: 'EIO' });
    sim.cutPower();
    const { checkpoints, damage, store: successor } = await claimOn(sim.mount(healthy), 2);
    assert.deepEqual(damage, []);
    if (versions({ checkpoints }).includes(1)) await holds(successor, 1);
  });

  it('are not written again where a checkpoint was dropped whose bytes are still on their way', async () => {
    let release: (fate: Fate) => void = () => undefined;
    const held = new Promise<Fate>((resolve) => (release = resolve));
    let isHeld = false;
    const store = await claim(1, ({ operation, name }) => {
      if (!name.startsWith('segment') || operation !== 'datasync' || isHeld) return 'done';
      isHeld = true;
      return held;
    });
    const dropped = assert.rejects(store.append(large(1)), { name: 'CheckpointDroppedError' });
    await store.dropAfter(0);
    await dropped;
    const next = store.append({ ...large(2), predecessor: 0, worldLine: 2 });
    release('done');
    await next;
    await store.append({ ...large(3), worldLine: 2 });
    await holds(store, 2);
    await holds(store, 3);
    assert.deepEqual(segments(), ['segment-1-0'], 'and are written again then');
  });

  it('of predecessors are read, and only deleted', async () => {
    const first = await claim(1);
    await first.append(large(1));
    await first.append(checkpoint(2, change(2, 1)));
    const before = sim.durable('segment-1-0');
    const second = await claim(2);
    await second.append(large(3));
    await second.prune(2);
    assert.deepEqual(segments(), ['segment-1-0', 'segment-2-0']);
    assert.deepEqual(sim.durable('segment-1-0'), before);
    await second.prune(3);
    assert.deepEqual(segments(), ['segment-2-0']);
    await holds(second, 3);
  });

  it('are not written again by a process that was superseded', async () => {
    const zombie = await claim(1);
    await zombie.append(large(1));
    await zombie.append(large(2));
    await zombie.dropAfter(1);
    const before = sim.durable('segment-1-0');
    await claim(2);
    await assert.rejects(zombie.append({ ...large(2), worldLine: 2 }), { name: 'SupersededError' });
    assert.deepEqual(sim.durable('segment-1-0'), before);
  });

  it('are given up after a failed sync, and what is in them stays until it is pruned', async () => {
    const { control, process } = failing('datasync', /^segment/);
    const store = await claim(1, process);
    await store.append(large(1));
    control.fate = 'EIO';
    await assert.rejects(store.append(large(2)), { code: 'EIO' });
    control.fate = 'done';
    await store.append(large(2));
    assert.deepEqual(segments(), ['segment-1-0', 'segment-1-1']);
    assert.equal(extentOf(sim, 2, 'state').file, 'segment-1-1');
    await holds(store, 1);
    await store.prune(2);
    assert.deepEqual(segments(), ['segment-1-1']);
    sim.cutPower();
    await holds(await claim(2), 2);
  });

  it('are written again after there was no room, and leave nothing behind', async () => {
    const store = await claim(1);
    await store.append(large(1));
    sim.capacityBytes = sim.usedBytes() + 100;
    for (let attempt = 0; attempt < 5; attempt++) {
      await assert.rejects(store.append(large(2, 2 * LARGE)), { code: 'ENOSPC' });
      assert.deepEqual(segments(), ['segment-1-0']);
    }
    sim.capacityBytes = Number.MAX_SAFE_INTEGER;
    await store.append(large(2, 2 * LARGE));
    assert.equal(segments().length, 2);
    await holds(store, 2, 2 * LARGE);
    sim.cutPower();
    const second = await claim(2);
    await holds(second, 1);
    await holds(second, 2, 2 * LARGE);
  });

  it('are deleted once more than MAX_FREE_SEGMENTS have nothing in them', async () => {
    const store = await claim(1);
    const bytes = (MAX_FREE_SEGMENTS + 3) * SEGMENT_BYTES;
    await store.append(large(1, bytes));
    assert.equal(segments().length, MAX_FREE_SEGMENTS + 4);
    await holds(store, 1, bytes);
    await store.append(checkpoint(2));
    await store.prune(2);
    assert.deepEqual(segments(), ['segment-1-0', 'segment-1-1']);
  });

  it('have nothing that passes for what another checkpoint wrote there', async () => {
    const store = await claim(1);
    await store.append(large(1));
    const listing = sim.durable('manifest-1')?.subarray(0) ?? assert.fail();
    const before = Buffer.from(listing);
    await store.append(checkpoint(2));
    await store.prune(2);
    await store.append({ ...large(3), state: { since: 3, chunks: [Buffer.alloc(LARGE, 1)] } });
    assert.equal(extentOf(sim, 3, 'state').at, 0, 'the same bytes in the same place');
    sim.put('manifest-1', before);
    const { checkpoints, damage } = await surveyVolume(sim.mount(healthy));
    assert.deepEqual(checkpoints, []);
    assert.match(
      damage[0] ?? '',
      /^checkpoint-1-1-1 in \/sim\/segment-1-0 at byte 0 does not begin with the description/,
    );
  });

  it('tell damage that a reader meets first', async () => {
    const store = await claim(1);
    await store.append(large(1));
    corruptSection(sim, 1, 'state', 5_000);
    const openState = () => () => {
      throw new Error('not understood');
    };
    const reader = { maxStateBytes: Infinity, openState, takeSessions: () => undefined };
    await assert.rejects(store.restore(1, reader), { name: 'StorageDamagedError' });
  });

  it('take what a source gives piece by piece, and again when that failed', async () => {
    const { control, process } = failing('datasync', /^segment/);
    const store = await claim(1, process);
    let readings = 0;
    async function* pieces() {
      readings++;
      for (let piece = 0; piece < 7; piece++) yield await Promise.resolve(Buffer.alloc(INLINE_LIMIT_BYTES, piece));
    }
    const state = { since: 1, bytes: 7 * INLINE_LIMIT_BYTES, read: pieces };
    control.fate = 'EIO';
    await assert.rejects(store.append(checkpoint(1, { state })), { code: 'EIO' });
    control.fate = 'done';
    await store.append(checkpoint(1, { state }));
    assert.equal(readings, 2);
    const [whole] = (await readBack(store, 1)).states;
    for (let piece = 0; piece < 7; piece++) assert.equal(whole?.[piece * INLINE_LIMIT_BYTES], piece);
    await assert.rejects(store.append(checkpoint(2, { state: { ...state, since: 2, bytes: state.bytes + 1 } })), {
      name: 'AssertionError',
    });
  });
});
