import { createArrivals } from '../../services/runtime/arrival-barrier.ts';
import assert from 'node:assert/strict';

describe('what was sent before', () => {
  function asking() {
    const told: string[] = [];
    const state = { urgent: false };
    const arrivals = createArrivals<string>({
      asked: () => told.push('asked'),
      answered: () => told.push('answered'),
      isUrgent: () => state.urgent,
    });
    return { told, state, arrivals };
  }

  it('has arrived when each who was connected has answered since, or is gone', () => {
    const { told, arrivals } = asking();
    const question = arrivals.ask(['a', 'b', 'c']);
    arrivals.heard('a', question);
    arrivals.heard('a', question);
    arrivals.heard('later', question);
    arrivals.gone('b');
    assert.deepEqual(told, ['asked']);
    assert.deepEqual(arrivals.ask(['a', 'c', 'later']), question, 'the same question for who did not answer');
    arrivals.heard('c', question);
    assert.deepEqual(told, ['asked', 'answered']);
  });

  it('has not because a client answers an earlier question', () => {
    const { told, arrivals } = asking();
    const earlier = arrivals.ask(['a']);
    arrivals.heard('a', earlier);
    const question = arrivals.ask(['a']);
    arrivals.heard('a', earlier);
    arrivals.heard('a', Buffer.alloc(0));
    assert.deepEqual(told, ['asked', 'answered', 'asked']);
    arrivals.heard('a', question);
    assert.deepEqual(told, ['asked', 'answered', 'asked', 'answered']);
  });

  it('has at once where no client is connected', () => {
    const { told, arrivals } = asking();
    arrivals.ask([]);
    assert.deepEqual(told, ['asked', 'answered']);
  });

  it('is waited for no longer than so many questions, if it is urgent', () => {
    const { state, arrivals } = asking();
    for (let times = 0; times < 2; times++) arrivals.ask(['a', 'b']);
    state.urgent = true;
    assert.deepEqual(arrivals.overdue(3), []);
    arrivals.heard('b', arrivals.ask(['a', 'b']));
    assert.deepEqual(arrivals.overdue(3), ['a']);
    state.urgent = false;
    assert.deepEqual(arrivals.overdue(3), []);
  });
});
