import type { MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { statusOf } from '../fake-status.ts';
import { dpr, fakeClusters } from './dpr.ts';

describe('dpr remove-worker and dpr ensure', () => {
  const { withControl } = fakeClusters();

  it('removes a worker, and tells what it waits for until it left', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['remove-worker', '4', '--wait'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([{ id: 4, generation: 3 }]));
    const answers: Pick<MessageOf<'deleteAnswer'>, 'state' | 'waitingFor'>[] = [
      { state: 'leaving', waitingFor: 'worker 1' },
      { state: 'leaving', waitingFor: 'worker 1' },
      { state: 'leaving', waitingFor: 'its last checkpoints' },
      { state: 'left', waitingFor: '' },
    ];
    for (const answer of answers) {
      assert.equal((await peer.next('deleteWorker')).generation, 3, 'another generation stays');
      peer.send({ kind: 'deleteAnswer', worker: 4, ...answer });
    }
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, [
      'worker 4 left; what was committed there is kept: added again, its entry says state: kept or state: empty',
    ]);
    assert.deepEqual(run.said, ['worker 4 is leaving; it waits for worker 1', 'now it waits for its last checkpoints']);
  });

  it('does not wait for a leave unless asked to', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['remove-worker', '4', '--force'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([{ id: 4 }]));
    assert.equal((await peer.next('deleteWorker')).force, true);
    peer.send({ kind: 'deleteAnswer', worker: 4, state: 'leaving', waitingFor: 'worker 1' });
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['worker 4 is leaving; it waits for worker 1']);
  });

  it('tells how a removal went as JSON', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['remove-worker', '3', '--json'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([{ id: 3, generation: 2 }]));
    await peer.next('deleteWorker');
    peer.send({ kind: 'deleteAnswer', worker: 3, state: 'leaving', waitingFor: 'its last checkpoint' });
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(JSON.parse(run.printed.join()), {
      worker: 3,
      state: 'leaving',
      waitingFor: 'its last checkpoint',
    });
  });

  it('removes no worker because something was left out of ensure, and says what to write', async () => {
    for (const [words, says] of [
      [[], /^error: name the workers, as in counter:0-4, or say none$/],
      [['--remove-others'], /^error: name the workers, as in counter:0-4, or say none$/],
      [['none', 'counter:0', '--remove-others'], /^error: none stands alone$/],
      [['counter:0', '--force-remove', '1'], /^error: --force-remove removes workers, and needs --remove-others$/],
    ] as const) {
      const run = dpr(['ensure', ...words]);
      assert.equal(await run.exitCode, 2);
      assert.match(run.said.join('\n'), says);
    }
  });

  it('leaves members alone that ensure does not name, and says how they leave', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['ensure', 'none'], variables);
    const peer = await control.accept();
    for (let looks = 0; looks < 2; looks++) {
      await peer.next('status');
      peer.send(statusOf([{ id: 3, type: 'counter', state: 'serving' }]));
    }
    assert.equal(await run.exitCode, 1);
    assert.match(
      run.said.join('\n'),
      /others are members too, which stay: worker 3 \(counter\)\. --remove-others makes/,
    );
    await peer.closed;
  });
});
