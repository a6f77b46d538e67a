import type { PastEvent } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { refusal, STAMP } from '../fake-cluster.ts';
import { PAST_EVENT_KINDS, pastEventOf } from '../fake-events.ts';
import { dpr, fakeClusters, type Run } from './dpr.ts';

describe('dpr events', () => {
  const { withControl } = fakeClusters();

  /** Runs the command at a Finder that keeps these events. */
  async function showing(events: readonly PastEvent[], ...words: readonly string[]): Promise<Run> {
    const { control, variables } = await withControl();
    const run = dpr(['events', ...words], variables);
    const peer = await control.accept();
    await peer.next('events');
    peer.send({ kind: 'eventsAnswer', start: STAMP.start, events });
    assert.equal(await run.exitCode, 0);
    return run;
  }

  it('shows what happened, the newest last', async () => {
    const others = [
      ...(['left', 'rolledBack'] as const).map((kind) => pastEventOf(kind, { forced: false, operations: 1 })),
      pastEventOf('restarted', { restarts: 1 }),
    ];
    const { printed } = await showing([...PAST_EVENT_KINDS.map((kind) => pastEventOf(kind)), ...others]);
    const words = printed.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}/, ''));
    assert.deepEqual(words, [
      'the Finder started, in world-line 1',
      'worker 0 joined (counter, generation 1)',
      'worker 0 was started anew (3 restarts after a failure so far)',
      'worker 0 is away: its connection to the Finder ended',
      'worker 0 is back',
      'worker 0 is silent for 1.5 s: nothing that depends on it commits',
      'worker 0 answers again',
      'worker 0 is leaving',
      'worker 0 was removed by force',
      'rollback: world-line 1 began, because worker 0 was removed by force; it took back about 1,234 operations',
      'worker 0 left',
      'rollback: world-line 1 began, because worker 0 was started anew without a clean stop; it took back about 1 operation',
      'worker 0 was started anew (1 restart after a failure so far)',
    ]);
  });

  it('tells when each happened, by the clock of this machine', async () => {
    const before = Date.now();
    const hour = 3_600_000;
    const events = [pastEventOf('joined', { agoMs: hour }), pastEventOf('away', { number: 2 })];
    const { printed } = await showing(events, '--json');
    const after = Date.now();
    assert.equal(printed.length, 1);
    const told = JSON.parse(printed[0] ?? '') as { start: string; events: { kind: string; at: string }[] };
    assert.equal(told.start, STAMP.start);
    assert.deepEqual(
      told.events.map(({ kind }) => kind),
      ['joined', 'away'],
    );
    for (const [place, agoMs] of [hour, 0].entries()) {
      const at = Date.parse(told.events[place]?.at ?? '') + agoMs;
      assert.ok(before <= at && at <= after);
    }
  });

  it('says that a Finder is too old to tell', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['events', '--json'], variables);
    const peer = await control.accept();
    await peer.next('events');
    peer.send(refusal('malformed'));
    assert.equal(await run.exitCode, 1);
    assert.match(run.said.join('\n'), /^error: the Finder does not know what it is asked, because it is older/);
    assert.equal((JSON.parse(run.printed[0] ?? '') as { exitCode: number }).exitCode, 1);
  });
});
