import assert from 'node:assert/strict';
import { MAX_EVENTS } from '../../../services/console/event-log.ts';
import { MAX_SAMPLES } from '../../../services/console/history.ts';
import { createModel, MAX_ROLLBACK_LINES, type Model } from '../../../services/console/page/model.ts';
import { event, hello, NOON, sample, update } from './views.ts';

describe('what the page knows', () => {
  it('is nothing before the server said hello', () => {
    const model = createModel();
    assert.equal(model.view(), undefined);
    model.update(update(1));
    assert.equal(model.view(), undefined);
  });

  it('is what hello told, and then the newest update with the past before it', () => {
    const model = createModel();
    model.welcome(hello({ history: [sample(-1), sample(0)], events: [event(1), event(2)] }));
    model.update(update(1, [event(3)]));
    const { title, now, history, events } = viewOf(model);
    assert.equal(title, 'Pulumi.dev.yaml');
    assert.equal(now.at, NOON + 1_000);
    assert.deepEqual(
      history.map(({ at }) => at - NOON),
      [-1_000, 0, 1_000],
    );
    assert.deepEqual(
      events.map(({ number }) => number),
      [3, 2, 1],
    );
  });

  it('is only what hello told after another connection', () => {
    const model = createModel();
    model.welcome(hello({ history: [sample(-5)], events: [event(1), event(2, true)] }));
    model.welcome(hello({ title: 'another', history: [sample(-1)], events: [event(1)] }));
    const { title, history, events, rollbacks } = viewOf(model);
    assert.equal(title, 'another');
    assert.equal(history.length, 1);
    assert.equal(events.length, 1);
    assert.deepEqual(rollbacks, []);
  });

  it('has no event twice', () => {
    const model = createModel();
    model.welcome(hello({ events: [event(1), event(2, true)] }));
    model.update(update(1, [event(2, true), event(3)]));
    assert.deepEqual(
      viewOf(model).events.map(({ number }) => number),
      [3, 2, 1],
    );
    assert.equal(viewOf(model).rollbacks.length, 1);
  });

  it('has events and rollbacks in the order in which they happened, and then in that of their numbers', () => {
    const model = createModel();
    const at = (second: number, number: number) => ({ ...event(number, true), at: NOON + second * 1_000 });
    model.welcome(hello({ events: [at(5, 1), at(3, 2)] }));
    model.update(update(6, [at(5, 3), at(1, 4)]));
    model.update(update(7, [at(5, 3), at(4, 5)]));
    const { events, rollbacks } = viewOf(model);
    assert.deepEqual(
      events.map(({ number }) => number),
      [3, 1, 5, 2, 4],
    );
    assert.deepEqual(
      rollbacks.map((time) => (time - NOON) / 1_000),
      [1, 3, 4, 5, 5],
    );
  });

  it('has the newest samples and events up to their limits', () => {
    const model = createModel();
    model.welcome(hello());
    for (let second = 1; second <= MAX_SAMPLES; second++) model.update(update(second, [event(second)]));
    assert.equal(viewOf(model).history.length, MAX_SAMPLES);
    assert.equal(viewOf(model).events.length, MAX_EVENTS);
    model.update(update(MAX_SAMPLES + 1, [event(MAX_SAMPLES + 1)]));
    const { history, events } = viewOf(model);
    assert.deepEqual([history.length, history[0]], [MAX_SAMPLES, sample(2)]);
    assert.deepEqual([events.length, events[0]?.number], [MAX_EVENTS, MAX_SAMPLES + 1]);
  });

  it('keeps the times of rollbacks that the log has dropped, up to their limit', () => {
    const model = createModel();
    model.welcome(hello({ events: [event(1, true)] }));
    for (let number = 2; number <= MAX_EVENTS + 1; number++) model.update(update(number, [event(number)]));
    assert.equal(viewOf(model).events.at(-1)?.number, 2);
    assert.deepEqual(viewOf(model).rollbacks, [NOON + 1_000]);
    for (let number = 1; number <= MAX_ROLLBACK_LINES; number++) model.update(update(0, [event(1_000 + number, true)]));
    const { rollbacks } = viewOf(model);
    assert.deepEqual([rollbacks.length, rollbacks[0]], [MAX_ROLLBACK_LINES, NOON + 1_001_000]);
  });
});

function viewOf(model: Model) {
  const view = model.view();
  assert.ok(view);
  return view;
}
