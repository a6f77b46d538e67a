import assert from 'node:assert/strict';
import { amounts, cut, decided, fakeFinder, reply } from '../fake-cluster.ts';
import { dpr, fakeClusters } from './dpr.ts';

describe('dpr add and dpr get', () => {
  const { closing, withWorker } = fakeClusters();

  it('adds to a counter, and prints its value', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '-5'], variables);
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    assert.deepEqual(amounts(batch), [-5n]);
    peer.send(reply(batch, 1, [-5n]));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual([run.printed, run.said], [['-5'], []]);
    await peer.closed;
  });

  it('waits for the commit if asked to', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '7', '--commit'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [7n]));
    await peer.next('commit');
    assert.deepEqual(run.printed, []);
    peer.send(cut({ 0: 1 }));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['7']);
  });

  it('reads a counter', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['get', '0'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [12n]));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['12']);
  });

  it('says that no worker has joined yet, and where to look', async () => {
    const finder = closing(await fakeFinder());
    const variables = { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` };
    for (const words of [
      ['get', '0'],
      ['add', '0', '1'],
    ]) {
      const run = dpr(words, variables);
      assert.equal(await run.exitCode, 5);
      assert.match(run.said.join(), /^error: no worker has joined the cluster yet, .*'dpr status --watch' .* log /);
    }
  });

  it('does not wait for ever, and says what may have happened', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['--timeout', '1.0005', 'add', '0', '7'], variables);
    await (await worker.accept()).next('batch');
    assert.equal(await run.exitCode, 3);
    assert.match(run.said.join(), /worker 0 did not answer, and may have added 7 all the same; .* \(waited 1\.001 s\)/);
  });

  it('prints what it did as JSON, and why it did not', async () => {
    const { worker, variables } = await withWorker();
    const answerTo = async (words: readonly string[], value: bigint) => {
      const run = dpr(words.includes('get') ? ['--json', ...words] : [...words, '--json'], variables);
      const peer = await worker.accept();
      peer.send(reply(await peer.next('batch'), 1, [value]));
      if (words.includes('--commit')) {
        await peer.next('commit');
        peer.send(cut({ 0: 1 }));
      }
      assert.equal(await run.exitCode, 0);
      return JSON.parse(run.printed.join('\n')) as unknown;
    };
    const most = 2n ** 63n - 1n;
    assert.deepEqual(await answerTo(['add', '0', '7'], most), { worker: 0, value: String(most), committed: false });
    assert.deepEqual(await answerTo(['add', '0', '7', '--commit'], 7n), { worker: 0, value: '7', committed: true });
    assert.deepEqual(await answerTo(['get', '0'], 12n), { worker: 0, value: '12' });
    for (const [words, exitCode, error] of [
      [['get', '7'], 5, /^no worker has the id 7/],
      [['get', 'x'], 2, /A worker's id is a whole number/],
      [['nonsense'], 2, /^unknown command 'nonsense'/],
    ] as const) {
      const run = dpr([...words, '--json'], variables);
      assert.equal(await run.exitCode, exitCode);
      assert.equal(run.printed.length, 1);
      const told = JSON.parse(run.printed[0] ?? '') as { readonly error: string; readonly exitCode: number };
      assert.equal(told.exitCode, exitCode);
      assert.match(told.error, error);
    }
  });

  it('reads again when a failure came between', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['get', '0'], variables);
    const peer = await worker.accept();
    await peer.next('batch');
    peer.send(decided({ 0: 3 }));
    const { session } = await peer.next('table');
    peer.send({ kind: 'tableAnswer', session, worldLine: 2, last: 0 });
    peer.send(reply(await peer.next('batch'), 5, [12n]));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual([run.printed, run.said], [['12'], []]);
  });

  it('adds again what a failure took back, and prints the value that is committed', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '12', '--commit'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 4, [312n]));
    await peer.next('commit');
    peer.send(decided({ 0: 3 }));
    const again = await peer.next('batch');
    assert.deepEqual(amounts(again), [12n]);
    peer.send(reply(again, 5, [12n]));
    peer.send(cut({ 0: 5 }, { worldLine: 2 }));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['12']);
  });

  it('says what to do when a failure took back what it did', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '12', '--commit', '--no-replay'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 4, [312n]));
    await peer.next('commit');
    peer.send(decided({ 0: 3 }));
    assert.equal(await run.exitCode, 6);
    assert.deepEqual(run.said, [
      'error: a failure took back what this command did, and world-line 2 began: give it again',
    ]);
  });

  it('ends at once on Ctrl-C while it waits for an answer', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['get', '0'], variables);
    const peer = await worker.accept();
    await peer.next('batch');
    run.interrupt();
    assert.equal(await run.exitCode, 130);
    await peer.closed;
    assert.deepEqual([run.printed, run.said], [[], []]);
  });
});
