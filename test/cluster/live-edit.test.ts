import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  addTo,
  type Line,
  type LocalRun,
  makePlace,
  operatorOf,
  type Place,
  tearDown,
  until,
  worldLineOf,
} from './harness.ts';

/** A worker type that the project does not ship. */
const TALLY = ['node', '--import', 'tsx', 'test/cluster/tally-worker.ts'];

/** Who runs, by name, with the process. */
function running(place: Place, names: readonly string[]): (number | null | undefined)[] {
  return names.map((name) => place.process(name)?.pid);
}

/** Saves a config and waits until the cluster says that it has read it. */
async function edit(place: Place, run: LocalRun, workers: readonly object[], more: object = {}) {
  const before = run.lines.length;
  place.edit({ workers, ...more });
  return run.line('configChanged', () => true, before);
}

describe('editing the config while it runs', () => {
  afterEach(tearDown);

  it('adds, changes and removes workers, and touches no other process', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 10);
    const worldLine = await worldLineOf(place);
    const others = running(place, ['dpr-finder', 'counter-0']);

    const added = await edit(place, run, [{ id: 0 }, { id: 1 }, { id: 2 }]);
    assert.deepEqual(added.changes, ['worker 2 is added']);
    await place.processIs('counter-2', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [0, 1, 2], 1), [11, 11, 1]);

    const old = place.process('counter-1')?.pid;
    await edit(place, run, [{ id: 0 }, { id: 1, checkpointIntervalMs: 20 }, { id: 2 }]);
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'serving' && pid !== old);
    assert.deepEqual(await addTo(place, [1], 1), [12]);

    await edit(place, run, [{ id: 0 }, { id: 1, checkpointIntervalMs: 20 }]);
    const left = await run.line('workerLeft');
    assert.deepEqual([left.worker, left.forced], [2, false]);
    await until('no process of worker 2', () => place.process('counter-2') === undefined);
    assert.ok(readdirSync(place.data).includes('counter-2'), 'its data directory is kept');

    assert.deepEqual(running(place, ['dpr-finder', 'counter-0']), others);
    assert.deepEqual(await addTo(place, [0, 1], 1), [12, 13]);
    assert.equal(await worldLineOf(place), worldLine, 'nothing was rolled back');
  });

  it('changes nothing by another order, nor by mistakes, which are all told', async () => {
    const place = await makePlace();
    const run = await place.start();
    const everyProcess = ['dpr-finder', 'counter-0', 'counter-1'];
    const before = running(place, everyProcess);
    const reordered = await edit(place, run, [{ id: 1 }, { id: 0 }]);
    assert.deepEqual(reordered.changes, []);
    place.edit({ workers: [{ id: 0 }, { id: 0 }, { id: 2, prot: 1 }], basePort: 0 });
    const { problems } = await run.line('configInvalid');
    assert.deepEqual(
      (problems as string[]).map((problem) => problem.split(' ')[0]),
      ['dpr:basePort', 'dpr:workers[2].prot', 'dpr:workers[1].id'],
    );
    place.write('config: [');
    await run.line('configInvalid', (line) => String(line.problems).includes('is not YAML'));
    assert.deepEqual((await edit(place, run, [{ id: 0 }, { id: 1 }])).changes, []);
    assert.deepEqual(running(place, everyProcess), before);
  });

  it('refuses a port that another program has', async () => {
    const place = await makePlace();
    const run = await place.start();
    const other = await makePlace();
    await other.start();
    place.edit({ workers: [{ id: 0 }, { id: 1 }, { id: 2, port: other.basePort }] });
    const { problems } = await run.line('configInvalid');
    assert.match(String(problems), new RegExp(`^port ${other.basePort} of counter-2 is in use by another program`));
    assert.equal(place.process('counter-2'), undefined);
  });

  it('restarts everything on other ports when the base port changes, and loses nothing', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 4);
    const worldLine = await worldLineOf(place);
    const before = run.lines.length;
    const basePort = place.basePort + 1; // where the Finder comes to a port that a worker has to give up
    place.edit({ workers: [{ id: 0 }, { id: 1 }], basePort });
    for (const name of ['dpr-finder', 'counter-0', 'counter-1']) {
      await run.line('processServing', (line) => line.process === name, before);
    }
    const moved = { ...place, cluster: `ws://127.0.0.1:${basePort}`, control: `ws://127.0.0.1:${basePort + 10_000}` };
    assert.deepEqual(await addTo(moved, [0, 1], 1), [5, 5]);
    assert.equal(await worldLineOf(moved), worldLine);
    const deaths = run.lines.filter(({ event }) => event === 'processEnded');
    assert.deepEqual(deaths, [], 'no process found a port taken');
  });

  it('removes no worker whose entry is missing for a moment, as while a file is half written', async () => {
    const place = await makePlace();
    const run = await place.start({ options: ['--removal-delay', '60000'] });
    await addTo(place, [0, 1], 9);
    place.edit({ workers: [{ id: 0 }] });
    const pending = await run.line('removalPending');
    assert.deepEqual([pending.workers, pending.delayMs, pending.doubtful], [[1], 60_000, false]);
    place.edit({ workers: [] });
    const doubtful = await run.line('removalPending', () => true, run.lines.length);
    assert.deepEqual([doubtful.workers, doubtful.delayMs, doubtful.doubtful], [[0, 1], 360_000, true]);
    place.write('config: {');
    await run.line('removalCancelled', ({ why }) => why === 'the config cannot be used');
    place.edit({ workers: [{ id: 0 }, { id: 2 }] });
    await place.processIs('counter-2', ({ phase }) => phase === 'serving'); // what is added is there at once
    place.edit({ workers: [{ id: 0 }, { id: 1 }, { id: 2 }] });
    const stays = await run.line('removalCancelled', ({ why }) => why !== 'the config cannot be used');
    assert.deepEqual(stays.workers, [1]);
    assert.deepEqual(await addTo(place, [0, 1], 1), [10, 10]);
    assert.equal(run.lines.filter(({ event }) => event === 'workerLeft' || event === 'processEnded').length, 0);
  });

  it('stops without a removal that it waited for', async () => {
    const place = await makePlace();
    const run = await place.start({ options: ['--removal-delay', '60000'] });
    await addTo(place, [0, 1], 9);
    place.edit({ workers: [{ id: 0 }] });
    await run.line('removalPending');
    assert.equal(await run.stop(), 0);
    place.edit({ workers: [{ id: 0 }, { id: 1 }] });
    await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 1), [10, 10]);
  });

  it('brings a removed worker back with its state, or without, by a word, and begins with neither until then', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 9);
    await edit(place, run, [{ id: 0 }]);
    await run.line('workerLeft');

    await edit(place, run, [{ id: 0 }, { id: 1 }]);
    const asks = await run.line('processSays', ({ process }) => process === 'counter-1');
    assert.match(
      String(asks.text),
      /generation 1 of it is kept\. .*state: kept .*state: empty .*generation 1 \(\d.* k?B, written \d{4}-/,
    );
    const { undecided } = await (await operatorOf(place)).status();
    assert.deepEqual(
      undecided.map(({ id }) => id),
      [1],
    );
    await edit(place, run, [{ id: 0 }, { id: 1, state: 'kept' }]);
    await place.processIs('counter-1', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [0, 1], 1), [10, 10]);
    place.kill('counter-1');
    await run.line('processServing', ({ process }) => process === 'counter-1', run.lines.length);
    assert.deepEqual(await addTo(place, [1], 1), [11]);

    await edit(place, run, [{ id: 0 }]);
    await until('no process of worker 1', () => place.process('counter-1') === undefined);
    await edit(place, run, [{ id: 0 }, { id: 1, state: 'empty' }]);
    await place.processIs('counter-1', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [1], 1), [1]);

    await edit(place, run, [{ id: 0 }]);
    await until('no process of worker 1', () => place.process('counter-1') === undefined);
    await edit(place, run, [{ id: 0 }, { id: 1, state: 2 }]);
    await place.processIs('counter-1', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [1], 1), [12], 'the second life, not the third');
    assert.deepEqual(
      readdirSync(path.join(place.data, 'counter-1')).filter((name) => name.startsWith('generation')),
      ['generation-1.kept', 'generation-2.kept', 'generation-3.kept', 'generation-4'],
    );
  });

  it('starts one process, by its new entry, of a worker that was down because of its old one', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 9);
    await edit(place, run, [{ id: 0 }]);
    await until('no process of worker 1', () => place.process('counter-1') === undefined);
    await edit(place, run, [{ id: 0 }, { id: 1, state: 7 }]); // there is no such generation
    const ofWorker1 = ({ process }: Line) => process === 'counter-1';
    await run.line('processEnded', (line) => ofWorker1(line) && line.phase === 'halted');
    const before = run.lines.length;
    await edit(place, run, [{ id: 0 }, { id: 1, state: 'kept' }]);
    await run.line('processServing', ofWorker1, before);
    assert.deepEqual(await addTo(place, [1], 1), [10]);
    const after = run.lines.slice(before).filter(ofWorker1);
    assert.deepEqual(
      after.map(({ event }) => event),
      ['processStarted', 'processServing'],
    );
    assert.equal(await run.stop(), 0);
  });

  it('starts a worker that an operator removed only when its own entry changes', async () => {
    const place = await makePlace();
    const run = await place.start();
    await (await operatorOf(place)).deleteWorker(1);
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'left' && pid === null);
    await edit(place, run, [{ id: 0 }, { id: 1 }, { id: 2 }]);
    await place.processIs('counter-2', ({ phase }) => phase === 'serving');
    assert.equal(place.process('counter-1')?.phase, 'left');
    await edit(place, run, [{ id: 0 }, { id: 1, checkpointIntervalMs: 50 }, { id: 2 }]);
    await place.processIs('counter-1', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [1], 1), [1]); // nothing was ever committed there, so nothing is kept
  });

  it('removes a dead worker by force where the config says so, and explains what it waits for until then', async () => {
    const place = await makePlace();
    const first = await place.start();
    await addTo(place, [0, 1], 3);
    const worldLine = await worldLineOf(place);
    assert.equal(await first.stop(), 0);
    renameSync(path.join(place.data, 'counter-1'), path.join(place.directory, 'lost'));

    const run = place.launch();
    await place.processIs('counter-1', ({ phase }) => phase === 'halted');
    await edit(place, run, [{ id: 0 }]);
    const { waitingFor } = await run.line('workerLeaving');
    assert.match(String(waitingFor), /^worker 1 itself, which is away/);
    await edit(place, run, [{ id: 0 }], { forceRemove: [1] });
    assert.equal((await run.line('workerLeft')).forced, true);
    assert.deepEqual(await addTo(place, [0], 1), [4]);
    assert.equal(await worldLineOf(place), worldLine + 1);
  });

  it('gives an id to another type once the worker that had it has left, also when that was edited while nothing ran', async () => {
    const types = { commands: { tally: TALLY } };
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 8);
    const worldLine = await worldLineOf(place);
    await edit(place, run, [{ id: 0 }, { id: 1, type: 'tally' }], types);
    assert.equal((await run.line('workerLeft')).worker, 1);
    await place.processIs('tally-1', ({ phase }) => phase === 'serving');
    assert.equal(await run.stop(), 0);

    place.edit({
      workers: [
        { id: 0, type: 'tally' },
        { id: 1, type: 'tally' },
      ],
      ...types,
    });
    const again = place.launch();
    assert.equal((await again.line('workerLeft')).worker, 0);
    await place.processIs('tally-0', ({ phase }) => phase === 'serving');
    assert.equal(await worldLineOf(place), worldLine);
  });

  it('asks for the word also after an operator removed a worker whose entry stayed, or its type was changed and back', async () => {
    const types = { commands: { tally: TALLY } };
    const place = await makePlace({ workers: [{ id: 0 }, { id: 1 }], ...types });
    const first = await place.start();
    await addTo(place, [0, 1], 8);
    await (await operatorOf(place)).deleteWorker(1);
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'left' && pid === null);
    assert.equal(await first.stop(), 0);

    const run = place.launch();
    const asks = await run.line(
      'processSays',
      ({ process, severity }) => process === 'counter-1' && severity === 'error',
    );
    assert.match(String(asks.text), /generation 1 of it is kept/);
    await edit(place, run, [{ id: 0 }, { id: 1, state: 'kept' }], types);
    await place.processIs('counter-1', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [1], 1), [9]);

    await edit(place, run, [{ id: 0 }, { id: 1, type: 'tally' }], types);
    await place.processIs('tally-1', ({ phase }) => phase === 'serving');
    await edit(place, run, [{ id: 0 }, { id: 1 }], types);
    await run.line('processSays', ({ text }) => String(text).includes('generation 2 of it is kept'));
    await edit(place, run, [{ id: 0 }, { id: 1, state: 'kept' }], types);
    await place.processIs('counter-1', ({ phase }) => phase === 'serving');
    assert.deepEqual(await addTo(place, [1], 1), [10]);
  });

  it('counts at the next start when nothing ran: a worker that is no longer declared leaves', async () => {
    const place = await makePlace();
    const first = await place.start();
    await addTo(place, [0, 1], 6);
    const worldLine = await worldLineOf(place);
    assert.equal(await first.stop(), 0);
    place.edit({ workers: [{ id: 0 }, { id: 3, port: place.basePort + 2 }] }); // with the port of worker 1
    const run = await place.start();
    const left = await run.line('workerLeft');
    assert.deepEqual([left.worker, left.forced], [1, false]);
    await until('no process of worker 1', () => place.process('counter-1') === undefined);
    assert.deepEqual(await addTo(place, [0], 1), [7]);
    assert.equal(await worldLineOf(place), worldLine);
  });

  it('says what to do about a member that is neither declared nor here', async () => {
    const place = await makePlace();
    const first = await place.start();
    assert.equal(await first.stop(), 0);
    rmSync(path.join(place.data, 'counter-1'), { recursive: true });
    place.edit({ workers: [{ id: 0 }] });
    const run = await place.start();
    assert.match(String((await run.line('warning')).text), /^worker 1 \(counter\) is a member .* dpr:forceRemove/);
    await edit(place, run, [{ id: 0 }], { forceRemove: [1] });
    assert.equal((await run.line('workerLeft')).forced, true);
  });
});
