import { encode, type Message } from '@dpr/protocol';
import { CLOSE, CLOSE_TIMEOUT_MS, frameSocket } from '@dpr/runtime/frame-socket';
import type { Host } from '@dpr/runtime/host';
import assert from 'node:assert/strict';
import type { MessageSocket, MessageSocketUser } from '../../services/runtime/message-socket.ts';

const LIMITS = { pauseBytes: 100, closeBytes: 1_000 };
const FRAME = encode({ kind: 'left' } satisfies Message);

/** A socket that a test makes up, and frames over it. */
function framed() {
  const did: string[] = [];
  const timers: { readonly ms: number; readonly run: () => void }[] = [];
  const ticks: (() => void)[] = [];
  let user: MessageSocketUser | undefined;
  const state = { isOpen: true, unsent: 0, mayReadOn: true };
  const socket: MessageSocket = {
    attach: (given) => (user = given),
    isOpen: () => state.isOpen,
    send: (message) => did.push(`send ${message.length}`),
    cork: () => did.push('cork'),
    uncork: () => did.push('uncork'),
    ping: () => did.push('ping'),
    close(code) {
      state.isOpen = false;
      did.push(`close ${code}`);
    },
    terminate: () => did.push('terminate'),
    pause: () => did.push('pause'),
    resume: () => did.push('resume'),
    unsentBytes: () => state.unsent,
    sentBytes: () => 0,
    receivedBytes: () => 0,
    unfinishedBytes: () => 0,
    finishedMessages: () => 0,
  };
  const host = {
    setTimeout: (run: () => void, ms: number) => timers.push({ ms, run }),
    clearTimeout: () => timers.splice(0),
    setImmediate: (run: () => void) => timers.push({ ms: 0, run }),
    nextTick: (run: () => void) => ticks.push(run),
  };
  const nothing = (): void => undefined;
  const frames = frameSocket(host as unknown as Host, socket, LIMITS, {
    opened: nothing,
    message: nothing,
    received: nothing,
    pong: nothing,
    drained() {
      if (!state.mayReadOn) frames.pause();
      return state.mayReadOn;
    },
    failed: nothing,
    closed: nothing,
  });
  return {
    frames,
    state,
    timers,
    user: () => user ?? assert.fail('the frames listen to no socket'),
    /** What the socket was told since this was asked last. */
    did: () => did.splice(0),
    endTick: () => ticks.splice(0).forEach((run) => run()),
  };
}

describe('frames over a socket', () => {
  it('leave together at the end of their tick', () => {
    const { frames, did, endTick } = framed();
    for (let count = 0; count < 3; count++) frames.send(FRAME);
    assert.deepEqual(did(), ['cork']);
    endTick();
    const [sent, ...rest] = did();
    assert.match(sent ?? '', /^send /);
    assert.deepEqual(rest, ['uncork']);
  });

  it('stop being read above the limit of what is unsent, not at it, until all of it was taken over', () => {
    const { frames, did, endTick, state, user } = framed();
    const sendMore = (unsent: number): string[] => {
      state.unsent = unsent;
      frames.send(FRAME);
      endTick();
      return did().slice(3);
    };
    assert.deepEqual(sendMore(LIMITS.pauseBytes), []);
    assert.deepEqual(sendMore(LIMITS.pauseBytes + 1), ['pause']);
    assert.ok(frames.isPaused());
    frames.ping();
    assert.deepEqual(did(), [], 'an answer to a ping would not be read');
    state.mayReadOn = false;
    user().drained();
    assert.deepEqual([did(), frames.isPaused()], [['pause'], true], 'frames are held back');
    state.mayReadOn = true;
    user().drained();
    assert.deepEqual([did(), frames.isPaused()], [['resume'], false]);
    frames.ping();
    assert.deepEqual(did(), ['ping']);
  });

  it('are read on when they were handed over and the peer has read, whichever is later', () => {
    const { frames, did, endTick, state, user } = framed();
    const fill = (): void => {
      state.unsent = LIMITS.pauseBytes + 1;
      frames.send(FRAME);
      endTick();
      did();
    };
    frames.holdReading();
    assert.deepEqual([did(), frames.isHeld(), frames.isPaused()], [['pause'], true, false]);
    user().drained();
    assert.deepEqual(did(), [], 'they wait for their turn');
    frames.goOnReading(() => true);
    assert.deepEqual([did(), frames.isHeld()], [['resume'], false]);

    frames.holdReading();
    fill();
    frames.goOnReading(() => true);
    assert.deepEqual([did(), frames.isPaused()], [[], true], 'the peer has not read');
    user().drained();
    assert.deepEqual([did(), frames.isPaused()], [['resume'], false]);

    fill();
    frames.holdReading();
    did();
    user().drained();
    assert.deepEqual(did(), [], 'the peer has read, and they wait for their turn');
    frames.goOnReading(() => false);
    assert.deepEqual(did(), [], 'some are held back');
    frames.goOnReading(() => true);
    assert.deepEqual(did(), ['resume']);
  });

  it('end their connection above the limit of what piles up, not at it', () => {
    const { frames, did, endTick, state } = framed();
    state.unsent = LIMITS.closeBytes;
    frames.send(FRAME);
    endTick();
    assert.ok(!did().includes('terminate'));
    state.unsent++;
    frames.send(FRAME);
    endTick();
    assert.ok(did().includes('terminate'));
  });

  it('are sent before the connection is closed, which its peer has a limited time to agree to', () => {
    const { frames, did, timers, user } = framed();
    frames.send(FRAME);
    frames.close(CLOSE.refused, '');
    frames.close(CLOSE.refused, '');
    assert.deepEqual(did(), ['cork', `send ${FRAME.length}`, 'close 1008', 'close 1008']);
    const [late, another] = timers;
    assert.deepEqual([late?.ms, another], [CLOSE_TIMEOUT_MS, undefined]);
    late?.run();
    assert.deepEqual(did(), ['terminate']);
    user().closed(1006);
    assert.deepEqual(timers, []);
    frames.close(CLOSE.refused, '');
    assert.deepEqual(did(), []);
  });

  it('are cut off with a last word, and at once', () => {
    const { frames, did, timers } = framed();
    frames.cutOff(CLOSE.short, '');
    assert.deepEqual(did(), ['close 1013', 'pause']);
    timers[0]?.run();
    assert.deepEqual(did(), ['terminate']);
  });
});
