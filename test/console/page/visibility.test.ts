import assert from 'node:assert/strict';
import { HIDDEN_MS, whileShown } from '../../../services/console/page/visibility.ts';
import { createClock } from './clock.ts';

function openTab(isHidden = false) {
  const clock = createClock();
  const done: string[] = [];
  let changed = (): void => undefined;
  const showing = {
    isHidden: () => isHidden,
    onChange: (run: () => void) => (changed = run),
    after: clock.after,
  };
  whileShown(showing, () => {
    done.push('start');
    return () => done.push('stop');
  });
  return {
    done,
    pass: clock.pass,
    turn: (hidden: boolean) => {
      isHidden = hidden;
      changed();
    },
  };
}

describe('a hidden tab', () => {
  it('gives its connection up after a while, and opens it when it is shown', () => {
    const { done, pass, turn } = openTab();
    turn(true);
    pass(HIDDEN_MS - 1);
    assert.deepEqual(done, ['start']);
    pass(1);
    assert.deepEqual(done, ['start', 'stop']);
    turn(false);
    assert.deepEqual(done, ['start', 'stop', 'start']);
    pass(HIDDEN_MS);
    assert.equal(done.length, 3);
  });

  it('keeps it when it is shown again before, however often', () => {
    const { done, pass, turn } = openTab();
    for (let time = 0; time < 3; time++) {
      turn(true);
      pass(HIDDEN_MS - 1);
      turn(false);
    }
    pass(HIDDEN_MS);
    assert.deepEqual(done, ['start']);
  });

  it('gives it up, too, when it was opened behind another one', () => {
    const { done, pass } = openTab(true);
    pass(HIDDEN_MS);
    assert.deepEqual(done, ['start', 'stop']);
  });
});
