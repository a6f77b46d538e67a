import { COUNTED_MS } from '@dpr/runtime/repeated-failures';
import assert from 'node:assert/strict';
import { textOf } from '../../services/local/events.ts';
import type { Said } from '../../services/local/log-lines.ts';
import { shownWarnings } from '../../services/local/shown-warnings.ts';
import { setTime } from '../set-time.ts';

const AWAY: Said = { severity: 'warn', text: 'unreachable: ECONNREFUSED' };
const FULL: Said = { severity: 'error', text: 'write failed: ENOSPC' };
const COUNT = { more: { times: 5, ms: COUNTED_MS } };

describe('what people are shown of a process', () => {
  function processThatSays() {
    const { time, pass } = setTime();
    const lines: string[] = [];
    const shown = shownWarnings('counter-0', (event) => lines.push(textOf(event)), time.now, time);
    shown.started();
    return { shown, lines, pass };
  }

  it('is not what it warns of in its first moments, nor how often it did, unless it does not serve then', () => {
    const { shown, lines, pass } = processThatSays();
    shown.said(AWAY, false);
    pass(COUNTED_MS);
    shown.said({ ...AWAY, ...COUNT }, true);
    assert.deepEqual(lines, []);
    shown.said({ ...AWAY, ...COUNT }, false);
    assert.deepEqual(lines, ['counter-0 warns: unreachable: ECONNREFUSED … 5 more times in 30 s']);
  });

  it('is every other failure once, then its count: its own, or that of a program that does not count', () => {
    const { shown, lines, pass } = processThatSays();
    for (let times = 0; times < 4; times++) shown.said(FULL, false);
    assert.deepEqual(lines, ['counter-0 reports an error: write failed: ENOSPC']);
    pass(COUNTED_MS);
    assert.deepEqual(lines.slice(1), ['counter-0 reports an error: write failed: ENOSPC … 3 more times in 30 s']);
    shown.said({ ...FULL, ...COUNT }, true);
    assert.deepEqual(lines.slice(2), ['counter-0 reports an error: write failed: ENOSPC … 5 more times in 30 s']);
  });
});
