import assert from 'node:assert/strict';
import { statusOf } from '../fake-status.ts';
import { until } from '../until.ts';
import { dpr, fakeClusters } from './dpr.ts';

describe('dpr status and dpr workers', () => {
  const { withWorker, withControl } = fakeClusters();

  it('lists the workers', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['workers'], variables);
    assert.equal(await run.exitCode, 0);
    const address = `ws://127.0.0.1:${worker.port}`;
    assert.deepEqual(run.printed[0]?.split('\n'), [`ID  TYPE     GEN  ADDRESS`, ` 0  counter    1  ${address}`]);
    const json = dpr(['workers', '--json'], variables);
    await json.exitCode;
    assert.deepEqual(JSON.parse(json.printed[0] ?? ''), [
      { id: 0, generation: 1, type: 'counter', address, leaving: false },
    ]);
  });

  it('shows how the cluster is', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['status'], variables);
    const peer = await control.accept();
    await peer.next('status');
    // Versions tell when a worker began to execute in them: that an idle one did so long ago says nothing of its commits.
    const opened = Date.now() - 5 * 3_600_000;
    const same = { committed: opened, durable: opened, executed: opened };
    peer.send(
      statusOf([
        {
          ...same,
          executed: opened + 9,
          committedAgoMs: 61_000,
          durableAgoMs: 900,
          lagOperations: 12_345,
          lagMs: 2_500,
        },
        { id: 1, ...same, allCommitted: true, committedAgoMs: 1_200, durableAgoMs: 1_210, restarts: 3 },
        { id: 2, ...same, allCommitted: true },
        { id: 3, ...same, state: 'away' },
        {
          id: 10,
          state: 'leaving',
          waitingFor: 'worker 0',
          committed: 56,
          durable: 57,
          committedAgoMs: 0,
          durableAgoMs: 0,
        },
        { id: 11, state: 'silent', silentMs: 3_000, executed: opened, lagOperations: 1 },
        { id: 12, allCommitted: true },
      ]),
    );
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed[0]?.split('\n'), [
      'cluster c1000000000000000000000000000001, world-line 1, 7 workers',
      'ID  TYPE     GEN  ADDRESS         STATE         COMMITTED     DURABLE                LAG  RESTARTS',
      ' 0  counter    1  127.0.0.1:7000  serving      61.0 s ago  900 ms ago  12,345 ops, 2.5 s         0',
      ' 1  counter    1  127.0.0.1:7000  serving  all, 1.2 s ago   1.2 s ago                  0         3',
      ' 2  counter    1  127.0.0.1:7000  serving             all           ?                  0         0',
      ' 3  counter    1  127.0.0.1:7000  away                  ?           ?                  ?         0',
      '10  counter    1  127.0.0.1:7000  leaving        0 ms ago    0 ms ago                  ?         0',
      '11  counter    1  127.0.0.1:7000  silent                -           -         1 op, 0 ms         0',
      '12  counter    1  127.0.0.1:7000  serving               -           -                  0         0',
      'worker 10 is leaving; it waits for worker 0',
      'worker 11 is silent for 3.0 s: nothing that depends on it commits',
    ]);
  });

  it('fits the terminal: columns give way, and what is still too long is cut', async () => {
    for (const columns of [120, 80, 60, 40]) {
      const { control, variables } = await withControl();
      const run = dpr(['status'], variables, { columns });
      const peer = await control.accept();
      await peer.next('status');
      const times = { committed: 1, committedAgoMs: 123_000, durable: 1, durableAgoMs: 100 };
      peer.send(statusOf([{ ...times, allCommitted: true, lagOperations: 12_345, lagMs: 2_500, silentMs: 1 }]));
      assert.equal(await run.exitCode, 0);
      const [title = '', head = '', ...rest] = run.printed[0]?.split('\n') ?? [];
      for (const line of [title, head, ...rest]) assert.ok(line.length <= columns, `${line.length}: ${line}`);
      assert.ok(head.startsWith('ID  TYPE') && head.includes('STATE') && head.includes('COMMITTED'));
      assert.equal(head.includes('DURABLE'), columns === 120);
      assert.equal(head.includes('…'), columns === 40);
    }
  });

  it('tells an empty cluster from one whose workers were removed', async () => {
    for (const [removed, words] of [
      [0, 'No worker has joined yet.'],
      [1, 'No worker is a member now; 1 was removed.'],
      [3, 'No worker is a member now; 3 were removed.'],
    ] as const) {
      const { control, variables } = await withControl();
      const run = dpr(['status'], variables);
      const peer = await control.accept();
      await peer.next('status');
      peer.send({ ...statusOf([]), removed });
      assert.equal(await run.exitCode, 0);
      assert.equal(run.printed[0]?.split('\n')[1], words);
    }
  });

  it('goes on showing it until Ctrl-C', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['status', '--watch', '--json'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([]));
    await peer.next('status');
    peer.send(statusOf([{}]));
    await until(() => run.printed.length === 2);
    run.interrupt();
    assert.equal(await run.exitCode, 0);
    const counts = run.printed.map((line) => (JSON.parse(line) as { workers: unknown[] }).workers.length);
    assert.deepEqual(counts, [0, 1]);
    await peer.closed;
  });
});
