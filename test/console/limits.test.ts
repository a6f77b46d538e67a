import assert from 'node:assert/strict';
import { createEventLog, MAX_EVENT_CHARACTERS, MAX_EVENTS } from '../../services/console/event-log.ts';
import { createHistory, MAX_SAMPLES } from '../../services/console/history.ts';

describe('what the console keeps', () => {
  it('is a sample for each of the last 900 seconds', () => {
    const history = createHistory();
    for (let second = 0; second < 2 * MAX_SAMPLES + 1; second++) history.add({ at: second * 1_000 });
    const samples = history.samples();
    assert.equal(samples.length, MAX_SAMPLES);
    assert.equal(samples[0]?.at, (MAX_SAMPLES + 1) * 1_000);
    assert.equal(samples.at(-1)?.at, 2 * MAX_SAMPLES * 1_000);
  });

  it('is the newest sample of a second', () => {
    const history = createHistory();
    history.add({ at: 1_000, rate: 1 });
    history.add({ at: 1_999, rate: 2 });
    assert.deepEqual(history.samples(), [{ at: 1_999, rate: 2 }]);
  });

  it('is the last 200 events, each of a bounded length', () => {
    const events = createEventLog();
    const tell = (text: string) => events.add({ at: 0, level: 'well', text, isRollback: false });
    for (let number = 1; number <= MAX_EVENTS; number++) tell(`event ${number}`);
    assert.equal(events.after(0).length, MAX_EVENTS);
    tell('one more');
    assert.equal(events.after(0).length, MAX_EVENTS);
    assert.equal(events.after(0)[0]?.text, 'event 2');
    assert.deepEqual(
      events.after(MAX_EVENTS).map(({ number, text }) => [number, text]),
      [[MAX_EVENTS + 1, 'one more']],
    );
    tell('x'.repeat(MAX_EVENT_CHARACTERS));
    assert.equal(events.after(events.newest() - 1)[0]?.text, 'x'.repeat(MAX_EVENT_CHARACTERS));
    tell('x'.repeat(MAX_EVENT_CHARACTERS + 1));
    assert.equal(events.after(events.newest() - 1)[0]?.text.length, MAX_EVENT_CHARACTERS);
  });
});
