import { createLog } from '@dpr/runtime';
import {
  COUNTED_MS,
  kindOfEnd,
  kindOfText,
  LONGEST_COUNTED_MS,
  MAX_COUNTED_KINDS,
  moreText,
  repeats,
  type More,
  type Time,
} from '@dpr/runtime/repeated-failures';
import assert from 'node:assert/strict';
import { setTime } from '../set-time.ts';

function counting() {
  const told: [what: string, more?: More][] = [];
  const { time, pass, timers } = setTime();
  const same = repeats<string>((what, more) => told.push(more === undefined ? [what] : [what, more]), time);
  const note = (kind: string, what: string) => same.note(kind, what);
  return { told, note, pass, timers };
}

describe('the same failure', () => {
  it('is told once, and then how many more times it came, with its last words', () => {
    const { told, note, pass } = counting();
    assert.equal(note('disk', 'disk full, version 1'), true);
    for (let version = 2; version <= 13; version++) {
      pass(1_000);
      assert.equal(note('disk', `disk full, version ${version}`), false);
    }
    assert.deepEqual(told, [['disk full, version 1']]);
    pass(COUNTED_MS - 12_000 - 1);
    assert.equal(told.length, 1);
    pass(1);
    assert.deepEqual(told.slice(1), [['disk full, version 13', { times: 12, ms: COUNTED_MS }]]);
  });

  it('is told ever more seldom while it goes on, and at once when it begins anew', () => {
    const { told, note, pass } = counting();
    for (let second = 0; second < 3_600; second++) {
      note('away', 'away');
      pass(1_000);
    }
    const spans = told.map(([, more]) => more?.ms);
    assert.deepEqual(spans.slice(0, 7), [undefined, 30_000, 60_000, 120_000, 240_000, 480_000, LONGEST_COUNTED_MS]);
    assert.ok(told.length < 12);
    pass(2 * LONGEST_COUNTED_MS);
    assert.equal(note('away', 'again'), true);
  });

  it('is another one than any other', () => {
    const { told, note } = counting();
    note('a', 'one');
    note('b', 'two');
    assert.deepEqual(told, [['one'], ['two']]);
  });

  it('is counted for so many kinds and no more: with the next one the oldest is told and forgotten', () => {
    const { told, note, timers } = counting();
    for (let kind = 0; kind < MAX_COUNTED_KINDS; kind++) note(String(kind), String(kind));
    note('0', 'again');
    assert.equal(timers(), MAX_COUNTED_KINDS);
    assert.equal(told.length, MAX_COUNTED_KINDS);
    note('another', 'another');
    assert.equal(timers(), MAX_COUNTED_KINDS);
    assert.deepEqual(told.slice(-2), [['again', { times: 1, ms: 0 }], ['another']]);
    assert.equal(note('0', 'anew'), true);
  });

  it('is the same with any number or address that it names, and not for another worker', () => {
    assert.equal(kindOfText('version 1795884291100 at 0xfe12'), kindOfText('version 1795884291200 at 0xab'));
    assert.equal(
      kindOfText('boom at 2026-11-28T21:16:31.962Z, 0.393167188195618'),
      kindOfText('boom at 2026-11-28T21:17:02.007Z, 0.0068'),
    );
    assert.notEqual(kindOfText('127.0.0.1'), kindOfText('127.0.0.2'));
    assert.equal(
      kindOfEnd('exited with code 3: no file /tmp/12/a'),
      kindOfEnd('exited with code 3: no file /tmp/34/a'),
    );
    assert.notEqual(kindOfEnd('exited with code 3: no file'), kindOfEnd('exited with code 4: no file'));
    assert.notEqual(kindOfEnd('exited with code 3: no file'), kindOfEnd('exited with code 3: no disk'));
    assert.notEqual(kindOfEnd('exited with code 3'), kindOfEnd('exited with code 4'));
    assert.notEqual(kindOfText('worker 1 is away'), kindOfText('worker 2 is away'));
    assert.equal(moreText({ times: 12, ms: 30_000 }), '… 12 more times in 30 s');
    assert.equal(moreText({ times: 1, ms: 59_999 }), '… 1 more time in 60 s');
  });
});

describe('a log', () => {
  function logging(time: Time) {
    const lines: Record<string, unknown>[] = [];
    const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
    return { lines, log: createLog('debug', { role: 'worker' }, { destination, time }) };
  }
  const shown = ({ level, event, version, moreTimes, inMs }: Record<string, unknown>) => [
    level,
    event,
    version,
    ...(moreTimes === undefined ? [] : [moreTimes, inMs]),
  ];

  it('has a disk that stays full in one line, and then a count', () => {
    const { time, pass } = setTime();
    const { lines, log } = logging(time);
    for (let version = 1_000_001; version <= 1_000_020; version++) {
      log.error({ event: 'writeFailed', what: 'checkpoint', version, reason: `ENOSPC, write ${version}` });
      log.info({ event: 'sealed', version, reason: 'it is time' });
    }
    const failures = () => lines.filter(({ event }) => event === 'writeFailed').map(shown);
    assert.deepEqual(failures(), [['error', 'writeFailed', 1_000_001]]);
    assert.equal(lines.length, 21, 'what is no failure is told each time');
    pass(COUNTED_MS);
    assert.deepEqual(failures().slice(1), [['error', 'writeFailed', 1_000_020, 19, COUNTED_MS]]);
  });

  it('has other failures, those of other workers, and what has no reason each time', () => {
    const { lines, log } = logging(setTime().time);
    log.warn({ event: 'refused', worker: 1, reason: 'no' });
    log.warn({ event: 'refused', worker: 2, reason: 'no' });
    log.error({ event: 'refused', worker: 1, reason: 'no' });
    log.warn({ event: 'rollback', worldLine: 2, reason: 'no' });
    log.warn({ event: 'rollback', worldLine: 3, reason: 'no' });
    log.warn({ event: 'disconnected' });
    log.warn({ event: 'disconnected' });
    log.fatal({ event: 'failed', reason: 'no' });
    log.fatal({ event: 'failed', reason: 'no' });
    assert.equal(lines.length, 9);
  });
});
