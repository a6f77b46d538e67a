import type { FrameSocket } from '@dpr/runtime/frame-socket';
import { silenceWatch, UNANSWERED_INTERVALS, WATCH_INTERVAL_MS } from '@dpr/runtime/keep-alive';
import assert from 'node:assert/strict';

/** A peer on a connection that a test makes up, and one who watches it. */
function watched() {
  const told: number[] = [];
  let pings = 0;
  let [received, sent, paused, held] = [0, 0, false, false];
  const frames = {
    receivedBytes: () => received,
    sentBytes: () => sent,
    isPaused: () => paused,
    isHeld: () => held,
    ping: () => {
      pings++;
    },
  };
  const look = silenceWatch(frames as FrameSocket, WATCH_INTERVAL_MS, (ms) => told.push(ms));
  return {
    told,
    look,
    pings: () => pings,
    says: () => received++,
    reads: () => sent++,
    pause: () => (paused = true),
    hold: (isHeld: boolean) => (held = isHeld),
  };
}

describe('who watches a peer', () => {
  const limitMs = UNANSWERED_INTERVALS * WATCH_INTERVAL_MS;

  it('finds its silence within two seconds', () => assert.ok(limitMs + WATCH_INTERVAL_MS <= 2_000));

  it('tells of it after so many intervals and not before, once, and again when it is over', () => {
    const { look, told, says } = watched();
    for (let interval = 1; interval < UNANSWERED_INTERVALS; interval++) look();
    assert.deepEqual(told, []);
    look();
    assert.deepEqual(told, [limitMs]);
    for (let more = 0; more < 100; more++) look();
    assert.deepEqual(told, [limitMs]);
    says();
    look();
    assert.deepEqual(told, [limitMs, 0]);
  });

  it('asks it only when it says nothing by itself', () => {
    const { look, told, says, pings } = watched();
    for (let interval = 0; interval < 100; interval++) {
      says();
      look();
    }
    assert.equal(pings(), 0);
    look();
    assert.equal(pings(), 1);
    for (let interval = 0; interval < 100; interval++) {
      says();
      look();
      look(); // the answer came since, and nothing after it
    }
    assert.equal(pings(), 101);
    assert.deepEqual(told, []);
  });

  it('takes it for alive while it reads what was sent, though it is not listened to', () => {
    const { look, told, reads, pause } = watched();
    pause();
    for (let interval = 0; interval < 10; interval++) {
      reads();
      look();
    }
    assert.deepEqual(told, []);
    for (let interval = 0; interval < UNANSWERED_INTERVALS; interval++) look();
    assert.deepEqual(told, [limitMs]);
  });

  it('takes it for alive while what it sent waits for its turn', () => {
    const { look, told, hold } = watched();
    hold(true);
    for (let interval = 0; interval < 10; interval++) look();
    assert.deepEqual(told, []);
    hold(false);
    for (let interval = 0; interval < UNANSWERED_INTERVALS; interval++) look();
    assert.deepEqual(told, [limitMs]);
  });
});
