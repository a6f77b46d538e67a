import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { surveyVolume } from '../../../services/runtime/storage/index.ts';
import { change, checkpoint, claimOn, delta, LARGE, readBack, restored, versions } from './checkpoint-fixtures.ts';
import { healthy, seeded, type SimDisk, simDisk } from './sim-disk.ts';

/** The files of a volume, deflated, as a program wrote them that knew no chains of states: large parts have files of their own. */
const BEFORE = path.join(import.meta.dirname, 'golden', 'volume-before-segments.json');

function volumeOf(file: string): SimDisk {
  const sim = simDisk(seeded(1));
  const files = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;
  for (const [name, deflated] of Object.entries(files)) sim.put(name, inflateSync(Buffer.from(deflated, 'base64')));
  return sim;
}

describe('a volume from before states had chains', () => {
  const large = (text: string, bytes = LARGE) => Buffer.alloc(bytes, text);
  const sessions = [large('large sessions 2 '), 'delta 3', 'delta 4', 'delta 5'].map(String);

  it('is read as it was written', async () => {
    const disk = volumeOf(BEFORE).mount(healthy);
    const clean = { incarnation: 2, worldLine: 1, version: 6 };
    for (const found of [await surveyVolume(disk), await claimOn(disk, 3)]) {
      assert.deepEqual([versions(found), found.damage, found.clean], [[3, 4, 5, 6], [], clean]);
    }
    const { store } = await claimOn(disk, 4);
    assert.deepEqual(await restored(store, 3), { state: 'state 3', sessions: sessions.slice(0, 2) });
    assert.deepEqual((await readBack(store, 4)).state, { path: '/sim/checkpoint-1-1-4' });
    assert.deepEqual(await restored(store, 5), { state: String(large('large state 5 ', LARGE + 100_000)), sessions });
    assert.deepEqual(await restored(store, 6), { state: 'state 6', sessions: ['delta 5', 'delta 6'] });
  });

  it('goes on with chains, and keeps of its files what they need', async () => {
    const sim = volumeOf(BEFORE);
    const { store } = await claimOn(sim.mount(healthy), 3);
    await store.clearClean();
    await store.dropAfter(5);
    await store.append(checkpoint(7, { predecessor: 5, ...change(7, 5), ...delta(7, 2) }));
    await store.append(checkpoint(8, change(8, 8)));
    await store.prune(7);
    const files = () => sim.names().filter((name) => name.startsWith('checkpoint-'));
    assert.deepEqual(files(), ['checkpoint-1-1-2-sessions', 'checkpoint-2-1-5']);
    const { states } = await readBack(store, 7);
    assert.deepEqual(states.map(String), [String(large('large state 5 ', LARGE + 100_000)), 'change 7']);
    assert.deepEqual((await restored(store, 7)).sessions, [...sessions, 'delta 7']);
    await store.prune(8);
    assert.deepEqual(files(), []);
    sim.cutPower();
    assert.deepEqual(versions(await claimOn(sim.mount(healthy), 4)), [8]);
  });

  it('tells damage of its files by name', async () => {
    const sim = volumeOf(BEFORE);
    sim.corrupt('checkpoint-2-1-5', LARGE);
    sim.corrupt('checkpoint-1-1-4', 3);
    const { store, checkpoints, damage } = await claimOn(sim.mount(healthy), 3);
    assert.deepEqual(versions({ checkpoints }), [3, 6]);
    assert.deepEqual(
      damage.map((text) => text.slice(0, 50)),
      ['/sim/checkpoint-1-1-4 does not have the checksum t', '/sim/checkpoint-2-1-5 does not have the checksum t'],
    );
    assert.equal((await restored(store, 6)).state, 'state 6');
  });
});
