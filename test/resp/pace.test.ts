import assert from 'node:assert/strict';
import { COMMAND_LIMIT_MS, PACE_LOOK_MS, UNREAD_LIMIT_MS } from '../../services/resp/limits.ts';
import { type Pace, paceOf } from '../../services/resp/pace.ts';

const IDLE: Pace = { commands: 0, isReceiving: false, unread: 0 };

/** How long a client that is always as `next` says is let be, ms. */
function patience(next: (look: number) => Pace, most: number): number {
  let look = 0;
  const pace = paceOf(() => next(look));
  while (look * PACE_LOOK_MS <= most) {
    if (pace() !== undefined) return look * PACE_LOOK_MS;
    look++;
  }
  return Infinity;
}

describe('slow Redis clients', () => {
  it('are let be while they say nothing, or make progress', () => {
    const most = 10 * UNREAD_LIMIT_MS;
    assert.equal(
      patience(() => IDLE, most),
      Infinity,
    );
    assert.equal(
      patience((look) => ({ commands: look, isReceiving: true, unread: 0 }), most),
      Infinity,
    );
    assert.equal(
      patience((look) => ({ ...IDLE, unread: 1_000_000 - look }), most),
      Infinity,
    );
  });

  it('are cut off when a command is not complete in time', () => {
    assert.equal(
      patience(() => ({ ...IDLE, isReceiving: true }), 2 * COMMAND_LIMIT_MS),
      COMMAND_LIMIT_MS,
    );
  });

  it('are cut off when they have read nothing in time', () => {
    assert.equal(
      patience(() => ({ ...IDLE, unread: 5 }), 2 * UNREAD_LIMIT_MS),
      UNREAD_LIMIT_MS,
    );
  });
});
