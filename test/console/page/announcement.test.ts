import assert from 'node:assert/strict';
import type { Level, Verdict } from '../../../services/console/messages.ts';
import { isNews } from '../../../services/console/page/announcement.ts';

const verdict = (text: string, level: Level = 'well'): Verdict => ({ level, text, more: [] });

describe('a verdict is announced', () => {
  for (const [before, after] of [
    ['All 8 workers serve, committed 49 ms ago.', 'All 8 workers serve, committed 1.2 s ago.'],
    ['All 8 workers serve.', 'All 1,008 workers serve.'],
    ['Worker 3 is silent for 59.9 s: nothing commits.', 'Worker 3 is silent for 2 min: nothing commits.'],
    ['Worker 3 has operations that wait 7.2 s.', 'Worker 3 has operations that wait 2 days.'],
  ] as const) {
    it(`not when only numbers changed: ${after}`, () => {
      assert.equal(isNews(verdict(before), verdict(after)), false);
    });
  }

  for (const [before, after] of [
    ['Worker 3 is silent for 12 s.', 'Worker 4 is silent for 12 s.'],
    ['Worker 3 is silent for 12 s.', 'Worker 3 is away for 12 s.'],
    ['Worker counter-3 left.', 'Worker counter-4 left.'],
    ['The Finder at 10.0.0.1:7000 is away.', 'The Finder at 10.0.0.2:7000 is away.'],
  ] as const) {
    it(`when something else changed: ${after}`, () => {
      assert.equal(isNews(verdict(before), verdict(after)), true);
    });
  }

  it('when the level changed', () => {
    assert.equal(isNews(verdict('Worker 3 lags.', 'warning'), verdict('Worker 3 lags.', 'critical')), true);
  });
});
