import type { FrameSocket } from '@dpr/runtime/frame-socket';
import { paceOf } from '../../services/runtime/slow-peers.ts';
import assert from 'node:assert/strict';

const LIMITS = { messageMs: 3_000, unreadMs: 5_000, paceLookMs: 1_000 };

describe('the pace of a peer', () => {
  function watched() {
    const state = { paused: false, held: false, sent: 0, unsent: 0, unfinished: 0, finished: 0 };
    const frames = {
      isPaused: () => state.paused,
      isHeld: () => state.held,
      sentBytes: () => state.sent,
      unsentBytes: () => state.unsent,
      unfinishedBytes: () => state.unfinished,
      finishedMessages: () => state.finished,
    };
    return { state, look: paceOf(frames as FrameSocket, LIMITS) };
  }

  it('is too slow when a message takes longer than it may, however much of it comes meanwhile', () => {
    const { state, look } = watched();
    state.finished = 1;
    for (let second = 0; second <= 3; second++) {
      state.unfinished += 1_000;
      assert.equal(look(), undefined, 'not at the limit');
    }
    assert.equal(look(), 'a message was not complete within 3000 ms');
    state.finished++;
    assert.equal(look(), undefined, 'another message');
    state.unfinished = 0;
    for (let second = 0; second < 10; second++)
      assert.equal(look(), undefined, 'between messages it may take its time');
  });

  it('does not count the time for which the server reads nothing from it', () => {
    const { state, look } = watched();
    state.unfinished = 1;
    for (let second = 0; second <= 3; second++) look();
    state.paused = true;
    for (let second = 0; second <= 4; second++) assert.equal(look(), undefined);
    state.paused = false;
    state.held = true;
    for (let second = 0; second <= 4; second++) assert.equal(look(), undefined);
    state.held = false;
    assert.equal(look(), 'a message was not complete within 3000 ms');
  });

  it('is too slow when it does not read in time what made the server stop reading', () => {
    const { state, look } = watched();
    state.unsent = 1_000;
    state.paused = true;
    for (let second = 0; second <= 5; second++) {
      state.sent++;
      state.unsent--;
      assert.equal(look(), undefined, 'not at the limit');
    }
    assert.equal(look(), 'what was sent was not read within 5000 ms');
  });

  it('is right while it reads, though there is always more', () => {
    const { state, look } = watched();
    state.paused = true;
    state.unsent = 1_000;
    for (let second = 0; second < 100; second++) {
      state.sent += 250;
      assert.equal(look(), undefined);
    }
  });
});
