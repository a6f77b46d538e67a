import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addTo, makePlace, operatorOf, tearDown } from './harness.ts';

describe('a copy of all volumes, made while nothing ran,', () => {
  afterEach(tearDown);

  it('is the cluster as it was, and nothing less than all of it is taken for that', async () => {
    const place = await makePlace();
    const copy = path.join(place.directory, 'copy');
    const first = await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
    await first.stop();
    cpSync(place.data, copy, { recursive: true });

    const later = await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 70), [370, 370]);
    await later.stop();

    const newer = path.join(place.directory, 'newer');
    renameSync(place.data, newer);
    cpSync(newer, place.data, { recursive: true });
    rmSync(path.join(place.data, 'counter-1'), { recursive: true });
    cpSync(path.join(copy, 'counter-1'), path.join(place.data, 'counter-1'), { recursive: true });
    const mixed = place.launch();
    const refused = await mixed.line('processEnded', (line) => line.process === 'counter-1');
    assert.match(String(refused.reason), /refused by the cluster or by its volume: .*restored from too old a copy/);
    await mixed.stop();

    rmSync(place.data, { recursive: true });
    renameSync(copy, place.data);
    await place.start();
    const { workers, worldLine } = await (await operatorOf(place)).status();
    assert.deepEqual([workers.length, worldLine], [2, 1]);
    assert.deepEqual(await addTo(place, [0, 1], 5), [305, 305]);
  });
});
