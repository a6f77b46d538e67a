import assert from 'node:assert/strict';
import { countdown, finish, isDoubtful } from '../../services/local/countdown.ts';
import { withoutRemovals } from '../../services/local/diff-plans.ts';
import { planLocal } from '../../infra/plan/local.ts';

/** A clock that is set by hand. */
function handClock() {
  let time = 0;
  const timers = new Set<{ readonly at: number; readonly callBack: () => void }>();
  return {
    now: () => time,
    after(ms: number, callBack: () => void) {
      const timer = { at: time + ms, callBack };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    pass(ms: number) {
      time += ms;
      for (const timer of [...timers].filter(({ at }) => at <= time)) {
        timers.delete(timer);
        timer.callBack();
      }
    },
  };
}

describe('the countdown before a removal', () => {
  it('ends in the removal once nothing changed for so long', () => {
    const clock = handClock();
    const waiting = countdown(clock);
    let removals = 0;
    waiting.begin([1, 2], 5_000, () => removals++);
    clock.pass(4_999);
    assert.deepEqual([removals, [...waiting.left()]], [0, [[1, 1], [2, 1]]]); // prettier-ignore
    clock.pass(1);
    assert.deepEqual([removals, waiting.isOver()], [1, true]);
  });

  it('removes no worker whose entry came back in the last moment, or while it is looked', async () => {
    const clock = handClock();
    const waiting = countdown(clock);
    let removals = 0;
    const over = (): void => {
      waiting.begin([1], 5_000, () => undefined);
      clock.pass(5_000);
    };
    const look = (isStill: () => Promise<boolean>): Promise<void> =>
      finish(waiting, isStill, () => {
        removals++;
      });

    over();
    await look(() => Promise.resolve(false));
    assert.deepEqual([removals, waiting.cancel()], [0, [1]], 'the look that finds the entry again tells that');
    await look(() => Promise.resolve(true)); // it was cancelled
    over();
    await look(() => {
      waiting.cancel(); // the cluster stops meanwhile
      return Promise.resolve(true);
    });
    waiting.begin([1], 5_000, () => undefined); // an edit began it anew
    await look(() => Promise.resolve(true));
    assert.equal(removals, 0);
    over();
    await look(() => Promise.resolve(true));
    assert.deepEqual([removals, waiting.isOver(), waiting.left().size], [1, false, 0]);
  });

  it('begins anew with each change, so that a writer who pauses removes no worker', () => {
    const clock = handClock();
    const waiting = countdown(clock);
    let removals = 0;
    waiting.begin([1], 5_000, () => removals++); // the first half is there
    clock.pass(300);
    assert.deepEqual(waiting.cancel(), [1]); // the rest is there too
    clock.pass(60_000);
    waiting.begin([1], 5_000, () => removals++);
    clock.pass(4_000);
    waiting.begin([1, 2], 30_000, () => removals++);
    clock.pass(29_999);
    assert.equal(removals, 0);
    clock.pass(1);
    assert.equal(removals, 1);
  });

  it('is longer where half of the workers are missing at once, and not for a line', () => {
    assert.deepEqual([isDoubtful(1, 1), isDoubtful(1, 2), isDoubtful(1, 9)], [true, false, false]);
    assert.deepEqual([isDoubtful(2, 4), isDoubtful(2, 5), isDoubtful(4, 8)], [true, false, true]);
  });

  it('holds back removals and replacements, and nothing else of an edit', () => {
    const plan = (workers: readonly { id: number; type?: string; checkpointIntervalMs?: number }[]) =>
      planLocal(
        {
          ...{ basePort: 6379, respBasePort: undefined, logLevel: 'info', receiveTimeoutMs: undefined },
          ...{ controlToken: undefined, clientToken: undefined, hostNames: [], allowedOrigins: [] },
          workers: workers.map((worker) => ({
            ...{ type: 'counter', port: undefined, command: ['node'], checkpointIntervalMs: 100, state: undefined },
            ...{ maxMemory: undefined, eviction: undefined },
            resp: false,
            ...worker,
          })),
        },
        { dataDirectory: '/d', programDirectory: '/p', node: 'node', host: '127.0.0.1' },
      );
    const before = plan([{ id: 0 }, { id: 1 }, { id: 2 }]);
    const after = plan([{ id: 0, checkpointIntervalMs: 5 }, { id: 2, type: 'kv' }, { id: 3 }]);
    const held = withoutRemovals(before, after);
    assert.deepEqual(
      held.workers.map(({ id, type, environment }) => [id, type, environment.DPR_CHECKPOINT_INTERVAL_MS]).sort(),
      [
        [0, 'counter', '5'],
        [1, 'counter', '100'],
        [2, 'counter', '100'],
        [3, 'counter', '100'],
      ],
    );
  });
});
