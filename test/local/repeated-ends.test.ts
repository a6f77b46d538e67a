import { COUNTED_MS } from '@dpr/runtime/repeated-failures';
import assert from 'node:assert/strict';
import type { LocalEvent } from '../../services/local/events.ts';
import { calmLines } from '../../services/local/view/repeated-ends.ts';
import { setTime } from '../set-time.ts';

describe('the lines for people', () => {
  it('tell once of a process that ends again and again, then how often, and what became of it', () => {
    const { time, pass } = setTime();
    const lines: string[] = [];
    const emit = calmLines((text) => lines.push(text), time);
    const process = 'kv-4';
    const end = (reason: string): LocalEvent => ({
      event: 'processEnded',
      process,
      reason,
      phase: 'waiting',
      restartInMs: 5_000,
    });
    const goesOn: LocalEvent[] = [
      { event: 'processStarted', process, pid: 1, restart: true },
      { event: 'processServing', process, afterMs: 100 },
    ];
    for (let death = 0; death < 6; death++) {
      for (const event of [end('crashed: no disk'), ...goesOn]) emit(event);
      pass(5_000);
    }
    assert.deepEqual(lines, [
      'kv-4 crashed: no disk; restarting in 5000 ms',
      'kv-4 restarted as process 1',
      'kv-4 serves, after 100 ms',
      'kv-4 serves, after 100 ms',
      'kv-4 crashed: no disk; restarting in 5000 ms … 5 more times in 30 s',
    ]);
    lines.length = 0;
    pass(COUNTED_MS);
    assert.deepEqual(lines, ['kv-4 serves, after 100 ms … 4 more times in 30 s']);
    lines.length = 0;
    for (const event of [end('crashed: another reason'), ...goesOn]) emit(event);
    assert.equal(lines.length, 3);
  });

  it('tell everything of the others', () => {
    const lines: string[] = [];
    const emit = calmLines((text) => lines.push(text), setTime().time);
    for (const process of ['a', 'b', 'c']) {
      emit({ event: 'processEnded', process, reason: 'crashed', phase: 'waiting', restartInMs: 0 });
      emit({ event: 'processStarted', process, pid: 1, restart: true });
      emit({ event: 'warning', text: 'the same' });
    }
    assert.equal(lines.length, 9);
  });
});
