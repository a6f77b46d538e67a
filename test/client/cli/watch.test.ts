import assert from 'node:assert/strict';
import { absenceTold } from '../../../services/client/cli/commands.ts';
import { cut, fakeServer, refusal, welcome } from '../fake-cluster.ts';
import { statusOf } from '../fake-status.ts';
import { until } from '../until.ts';
import { dpr, fakeClusters } from './dpr.ts';

describe('dpr watch', () => {
  const { closing, withControl } = fakeClusters();

  it('watches what happens until Ctrl-C', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['watch'], variables);
    const peer = await control.accept();
    await peer.next('subscribe');
    await peer.next('status');
    assert.deepEqual(run.said, [], 'it may not have subscribed yet');
    peer.send(statusOf([]));
    await until(() => run.said.join() === 'Watching; Ctrl-C ends.');
    peer.send(cut({ 0: 5 }));
    peer.send(cut({ 0: 1_505 }));
    peer.send(cut({ 0: 1_505 }, { worldLine: 2 }));
    for (const told of [{ state: 'silent', silentMs: 2_500 } as const, {}]) {
      await peer.next('status');
      peer.send(statusOf([told]));
    }
    await until(() => run.printed.length === 4);
    run.interrupt();
    assert.equal(await run.exitCode, 0);
    assert.match(run.printed[2] ?? '', /worker 0 is silent for 2\.5 s: nothing that depends on it commits$/);
    assert.match(run.printed[3] ?? '', /worker 0 answers again$/);
    assert.match(run.printed[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} {2}more is committed of worker 0$/);
    assert.match(run.printed[1] ?? '', /rollback: world-line 2 began; what was not committed in 1 is lost$/);
  });

  it('watches no longer when the Finder refuses it for good', async () => {
    const control = closing(
      await fakeServer({ answer: (_, count) => (count === 1 ? welcome() : refusal('unauthorized')) }),
    );
    const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
    const run = dpr(['watch'], { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` });
    const peer = await control.accept();
    await peer.next('subscribe');
    peer.cut();
    assert.equal(await run.exitCode, 4);
    assert.match(run.said.join('\n'), /Give the right token/);
  });

  it('tells once why the Finder is away, however its reasons alternate, and again after it was back', () => {
    const said: string[] = [];
    const told = absenceTold((text) => said.push(text));
    const away = (message: string): void => told({ event: 'disconnected', message });
    for (let times = 0; times < 5; times++) ['ECONNRESET', 'socket hang up'].forEach(away);
    told({ event: 'connected', message: '' });
    away('ECONNRESET');
    assert.deepEqual(said, [
      'the Finder is away: ECONNRESET',
      'the Finder is away: socket hang up',
      'the Finder is back',
      'the Finder is away: ECONNRESET',
    ]);
  });
});
