import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { runningCluster } from '@dpr/client/running-cluster';
import { addTo, isAlive, makePlace, pidsOf, tearDown, until, worldLineOf } from './harness.ts';

/** A worker that ignores every wish to stop, and tells the process of a store behind it. */
const STUBBORN = [
  'node',
  '-e',
  `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);
   console.log('deaf', require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' }).pid)`,
];

describe('a cluster on this machine', () => {
  afterEach(tearDown);

  it('keeps everything over Ctrl-C, rolls nothing back, and leaves no process behind', async () => {
    const place = await makePlace();
    const first = await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
    const worldLine = await worldLineOf(place);
    assert.equal(await first.stop(), 0);
    assert.deepEqual(pidsOf(first).filter(isAlive), []);
    assert.equal(place.process('counter-0'), undefined);

    await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 1), [301, 301]);
    assert.equal(await worldLineOf(place), worldLine);
  });

  it('stops the Finder last, also when a worker stands still', async () => {
    const place = await makePlace();
    const run = await place.start();
    place.kill('counter-1', 'SIGSTOP');
    assert.equal(await run.stop(), 0);
    const stopped = run.lines.filter(({ event }) => event === 'processStopped').map((line) => line.process);
    assert.deepEqual(stopped.slice(0, 2).sort(), ['counter-0', 'counter-1']);
    assert.deepEqual(stopped.slice(2), ['dpr-finder']);
    assert.equal(run.lines.at(-1)?.event, 'stopped');
  });

  it('kills what does not stop when Ctrl-C comes again', async () => {
    const place = await makePlace({ workers: [{ id: 0, type: 'stubborn' }], commands: { stubborn: STUBBORN } });
    const run = place.launch();
    const said = (log: string) => (existsSync(log) ? /^deaf (\d+)\n/.exec(readFileSync(log, 'utf8')) : null);
    const { log } = await place.processIs('stubborn-0', (process) => said(process.log) !== null);
    const store = Number(said(log)?.[1]);
    assert.ok(isAlive(store));
    let ended: unknown;
    void run.exited.then((code) => (ended = code));
    await until('the end', () => {
      run.signal('SIGINT');
      return ended !== undefined;
    });
    assert.equal(ended, 130);
    await until('the end of every process', () => ![...pidsOf(run), store].some(isAlive));
  });

  it('leaves no process behind when it is killed itself, and loses nothing by it', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 7);
    const worldLine = await worldLineOf(place);
    run.signal('SIGKILL');
    assert.equal(await run.exited, 'SIGKILL');
    await until('the end of every process', () => !pidsOf(run).some(isAlive));
    assert.equal(await runningCluster(place.data), undefined, 'cluster.json is not believed any more');

    await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 1), [8, 8]);
    assert.equal(await worldLineOf(place), worldLine);
  });
});
