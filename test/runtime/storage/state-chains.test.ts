import assert from 'node:assert/strict';
import { CHUNK_BYTES, type Disk, type StatePiece, surveyVolume } from '../../../services/runtime/storage/index.ts';
import {
  change,
  checkpoint,
  claimOn,
  corruptSection,
  delta,
  LARGE,
  readBack,
  restored,
  sectionsOf,
  versions,
} from './checkpoint-fixtures.ts';
import { type SimDisk, healthy, seeded, simDisk } from './sim-disk.ts';

describe('the chains of a checkpoint store', () => {
  let sim: SimDisk;
  let disk: Disk;

  beforeEach(() => {
    sim = simDisk(seeded(1));
    disk = sim.mount(healthy);
  });

  it('begin independently of each other, and are read in the order of the checkpoints', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2, change(2, 1)));
    await store.append(checkpoint(3, { ...change(3, 1), ...delta(3, 2) }));
    await store.append(checkpoint(4, { ...change(4, 3), ...delta(4, 2) }));
    sim.cutPower();
    const { store: successor } = await claimOn(disk, 2);
    assert.deepEqual(await restored(successor, 3), {
      state: 'state 1, change 2, change 3',
      sessions: ['sessions 2', 'delta 3'],
    });
    assert.deepEqual(await restored(successor, 4), {
      state: 'change 3, change 4',
      sessions: ['sessions 2', 'delta 3', 'delta 4'],
    });
  });

  it('keep of pruned checkpoints what later ones need, and nothing else', async () => {
    const large = (text: string) => Buffer.alloc(LARGE, text);
    const { store } = await claimOn(disk, 1);
    for (const [version, stateSince, sessionsSince] of [
      [1, 1, 1],
      [2, 2, 1],
      [3, 2, 1],
      [4, 2, 4],
      [5, 5, 4],
    ] as const) {
      const state = change(version, stateSince, large(`state ${version} `));
      const sessions = delta(version, sessionsSince, large(`sessions ${version} `));
      await store.append(checkpoint(version, { ...state, ...sessions }));
    }
    const kept = async () => {
      const { states, sessions } = await readBack(store, 5);
      assert.deepEqual([states, sessions], [[large('state 5 ')], [large('sessions 4 '), large('sessions 5 ')]]);
      return sectionsOf(sim, 1);
    };
    await store.prune(3);
    assert.equal(
      await kept(),
      '1 sessions, 2 state, 2 sessions, 3 state, 3 sessions, 4 state, 4 sessions, 5 state, 5 sessions',
    );
    assert.deepEqual((await readBack(store, 3)).states, [large('state 2 '), large('state 3 ')]);
    await store.prune(4);
    assert.equal(await kept(), '2 state, 3 state, 4 state, 4 sessions, 5 state, 5 sessions');
    await assert.rejects(readBack(store, 3), /it holds 4, 5/);
    await store.prune(5);
    assert.equal(await kept(), '4 sessions, 5 state, 5 sessions');
    sim.cutPower();
    assert.deepEqual(versions(await claimOn(disk, 2)), [5]);
  });

  it('go on after a rollback from the checkpoint that it leads to', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1));
    await store.append(checkpoint(2, change(2, 1)));
    await store.append(checkpoint(3, change(3, 3)));
    await store.dropAfter(2);
    await store.append(checkpoint(4, { worldLine: 2, predecessor: 2, ...change(4, 1) }));
    assert.equal((await restored(store, 4)).state, 'state 1, change 2, change 4');
  });

  it('are given to the reader in pieces of CHUNK_BYTES at most, of which the last ones are marked', async () => {
    const { store } = await claimOn(disk, 1);
    const chunks = [Buffer.alloc(CHUNK_BYTES + 1, 'a'), Buffer.alloc(0), Buffer.alloc(CHUNK_BYTES, 'b')];
    await store.append(checkpoint(1, { state: { since: 1, chunks } }));
    await store.append(checkpoint(2, change(2, 1, Buffer.alloc(0))));
    await store.append(checkpoint(3, change(3, 1)));
    const pieces: StatePiece[] = [];
    let isTaking = false;
    await store.restore(3, {
      maxStateBytes: 2 * CHUNK_BYTES + 9,
      openState: (chain) => {
        assert.deepEqual(chain, { since: 1, bytes: 2 * CHUNK_BYTES + 9 });
        return async (piece) => {
          assert(!isTaking, 'one at a time');
          isTaking = true;
          await Promise.resolve();
          pieces.push(piece);
          isTaking = false;
        };
      },
      takeSessions: () => undefined,
    });
    assert.deepEqual(
      pieces.map(({ bytes, version, isLast }) => [version, bytes.length, isLast]),
      [
        [1, CHUNK_BYTES, false],
        [1, CHUNK_BYTES, false],
        [1, 1, true],
        [2, 0, true],
        [3, 8, true],
      ],
    );
    assert.ok(Buffer.concat(pieces.slice(0, 3).map(({ bytes }) => bytes)).equals(Buffer.concat(chunks)));
  });

  it('let their reader go where it refuses what it is given', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1, { state: Buffer.alloc(LARGE) }));
    const refusal = new Error('not understood');
    const openState = () => () => {
      throw refusal;
    };
    const reader = { maxStateBytes: Infinity, openState, takeSessions: () => undefined };
    await assert.rejects(store.restore(1, reader), refusal);
    await store.append(checkpoint(2));
    assert.equal((await restored(store, 2)).state, 'state 2');
  });

  for (const [chain, whole] of [
    ['state', { state: 'state 4', sessions: ['sessions 2', 'delta 3', 'delta 4'] }],
    ['sessions', { state: 'state 2, change 3, change 4', sessions: ['sessions 4'] }],
  ] as const) {
    it(`whose ${chain} are damaged in one place cost the checkpoints that lead through it, and no others`, async () => {
      const { store } = await claimOn(disk, 1);
      const section = Buffer.alloc(LARGE, 'x');
      await store.append(checkpoint(1));
      await store.append(checkpoint(2));
      if (chain === 'state') await store.append(checkpoint(3, { ...change(3, 2, section), ...delta(3, 2) }));
      else await store.append(checkpoint(3, { ...change(3, 2), ...delta(3, 2, section) }));
      if (chain === 'state') await store.append(checkpoint(4, delta(4, 2)));
      else await store.append(checkpoint(4, change(4, 2)));
      const { file } = corruptSection(sim, 3, chain, 5_000);
      const name = `checkpoint-1-1-3${chain === 'state' ? '' : '-sessions'} in /sim/${file} at byte 0`;
      const second = await claimOn(disk, 2);
      assert.deepEqual(versions(second), [1, 2, 4]);
      assert.equal(second.damage.length, 1);
      assert.match(second.damage[0] ?? '', new RegExp(`^${name} does not have the checksum`));
      assert.deepEqual(await restored(second.store, 4), whole);
      sim.cutPower();
      const third = await claimOn(disk, 3);
      assert.deepEqual([versions(third), third.damage], [[1, 2, 4], []]);
      assert.deepEqual(await restored(third.store, 4), whole);
    });
  }

  it('whose first section is damaged cannot be restored up to the next first one', async () => {
    const { store } = await claimOn(disk, 1);
    await store.append(checkpoint(1, change(1, 1, Buffer.alloc(LARGE))));
    await store.append(checkpoint(2, change(2, 1)));
    await store.append(checkpoint(3, change(3, 2)));
    await store.append(checkpoint(4, change(4, 4)));
    sim.remove('segment-1-0');
    const survey = await surveyVolume(disk);
    assert.deepEqual([versions(survey), survey.damage.length], [[3, 4], 1]);
    const { store: successor } = await claimOn(disk, 2);
    assert.equal((await restored(successor, 3)).state, 'change 2, change 3');
    await assert.rejects(readBack(successor, 2), /it holds 3, 4/);
  });
});
