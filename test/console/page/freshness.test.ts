import assert from 'node:assert/strict';
import {
  ageOf,
  CLOCK_DRIFT,
  doubtOf,
  type Pace,
  paceAfter,
  STALE_AFTER_MS,
} from '../../../services/console/page/freshness.ts';
import { NOON } from './views.ts';

/** Updates over one connection. @param delays in ms of the way of each; they were sent once a second, from noon and from 0 */
function paceOf(delays: readonly number[]): Pace {
  const last = delays.reduce<Pace | undefined>(
    (pace, delay, second) => paceAfter(pace, NOON + second * 1_000, second * 1_000 + delay),
    undefined,
  );
  assert.ok(last);
  return last;
}

const doubtAfter = (delays: readonly number[]) => {
  const pace = paceOf(delays);
  return doubtOf({ since: 0, pace }, pace.heardAt);
};

describe('what the page shows', () => {
  it('is live while updates come at the pace of the freshest', () => {
    assert.equal(doubtAfter([40]), undefined);
    assert.equal(doubtAfter([40, 900, 41, 1_200]), undefined);
  });

  it('is live however far the clocks are apart', () => {
    assert.equal(doubtOf({ since: 0, pace: paceAfter(undefined, NOON, 5) }, 5), undefined);
    assert.equal(doubtOf({ since: 0, pace: paceAfter(undefined, 0, NOON) }, NOON), undefined);
  });

  it('is old when an update took too long, though it has just come', () => {
    const base = { since: 0, pace: paceOf([0]) };
    const pace = (delay: number) => paceAfter(base.pace, NOON, delay);
    const slack = STALE_AFTER_MS * (1 + CLOCK_DRIFT);
    assert.equal(doubtOf({ since: 0, pace: pace(STALE_AFTER_MS) }, STALE_AFTER_MS), undefined, 'but for the drift');
    assert.match(doubtOf({ since: 0, pace: pace(slack + 5) }, slack + 5)?.text ?? '', /^What is shown was so 2/);
    const { level, text, label } = doubtAfter([...Array.from({ length: 5 }, () => 30), 14_200]) ?? {};
    assert.equal(text, 'What is shown was so 14 s ago: the connection is slow.');
    assert.deepEqual([level, label], ['warning', 'slow: 14 s old']);
  });

  it('becomes old while nothing comes', () => {
    const connection = { since: 0, pace: paceAfter(undefined, NOON, 5_000) };
    assert.equal(doubtOf(connection, 5_000 + STALE_AFTER_MS - 1), undefined);
    assert.match(doubtOf(connection, 5_000 + STALE_AFTER_MS)?.text ?? '', /not answered for 2 s/);
    assert.equal(doubtOf(connection, 9_900)?.label, 'reconnecting: no answer for 4 s');
  });

  it('is not old because two clocks drift apart for days', () => {
    let pace = paceAfter(undefined, NOON, 0);
    const days = 3 * 24 * 3_600;
    for (let second = 1; second <= days; second++) {
      pace = paceAfter(pace, NOON + second * 1_000 * (1 - CLOCK_DRIFT / 2), second * 1_000);
      assert.ok(ageOf(pace, pace.heardAt) < 1, `second ${second}`);
    }
  });

  it('is not old because the clock of the server was set back', () => {
    const pace = paceAfter(paceOf([10, 10]), NOON - 60_000, 2_010);
    assert.equal(ageOf(pace, 2_010), 0);
  });

  it('is what a console that ended said last, until another one says hello', () => {
    const stopped = { since: 0, pace: paceOf([0]), stopped: 'The console was stopped.' };
    assert.equal(doubtOf(stopped, 100)?.text, stopped.stopped);
    assert.equal(doubtOf(stopped, 90_000)?.text, stopped.stopped);
    const refusal = 'The console refuses this page: it is full.';
    assert.equal(doubtOf({ ...stopped, refusal }, 90_000)?.text, refusal);
  });

  it('is not laid to the console after the page was hidden, unless that does not answer now', () => {
    const shown = { since: 600_000, pace: paceOf([0]), wasHidden: true };
    assert.equal(doubtOf(shown, 600_000)?.text, 'The page was hidden and connects again.');
    assert.match(doubtOf(shown, 600_000 + STALE_AFTER_MS)?.text ?? '', /not answered for 2 s/);
  });
});
