import { heldFrames } from '../../services/runtime/held-frames.ts';
import { inputTurns } from '../../services/runtime/input-turns.ts';
import type { Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { manualHost } from './incremental/manual-host.ts';

const TURN_MS = 2;
/** Frames that are handed over at a time. */
const SOME = 16;

/** Connections of a port at which each hand-over takes a millisecond. */
function port() {
  const host = manualHost();
  const log: string[] = [];
  const state = { isBusy: false };
  const turns = inputTurns(host, TURN_MS, () => state.isBusy);
  return {
    log,
    state,
    turn: () => host.runImmediates(),
    connection: (name: string) => {
      let isHeld = false;
      const frames = {
        isFull: () => false,
        pause: () => assert.fail('the peer reads'),
        holdReading: () => (isHeld = true),
        unsentBytes: () => 0,
      };
      const held = heldFrames(frames, turns, {
        isOpen: () => true,
        deliver(messages) {
          log.push(`${name} ${messages.length}`);
          host.work(1);
        },
        turn: () => (isHeld = !held.release()),
      });
      return {
        isHeld: () => isHeld,
        send: (count: number) =>
          held.hand(Array.from({ length: count }, (): Message => ({ kind: 'refresh', worldLine: 1 }))),
      };
    },
  };
}

describe('the input of a turn', () => {
  it('ends in time, and what is left comes first in the next one', () => {
    const { log, connection, turn } = port();
    const one = connection('one');
    one.send(5 * SOME);
    assert.deepEqual([log.splice(0), one.isHeld()], [['one 16', 'one 16'], true]);
    one.send(1);
    assert.deepEqual(log, [], 'it comes behind what is held back');
    turn();
    assert.deepEqual([log.splice(0), one.isHeld()], [['one 16', 'one 16'], true]);
    turn();
    assert.deepEqual([log, one.isHeld()], [['one 16', 'one 1'], false]);
    turn();
    assert.ok(!turn(), 'nothing comes by itself');
  });

  it('is shared by all connections of the port, which come in turn', () => {
    const { log, connection, turn } = port();
    const all = ['one', 'two', 'three'].map(connection);
    for (const each of all) each.send(2 * SOME);
    assert.deepEqual(log.splice(0), ['one 16', 'one 16']);
    assert.deepEqual(
      all.map((each) => each.isHeld()),
      [false, true, true],
    );
    all[0]?.send(SOME);
    turn();
    assert.deepEqual(log.splice(0), ['two 16', 'two 16']);
    turn();
    assert.deepEqual(log.splice(0), ['three 16', 'three 16']);
    turn();
    assert.deepEqual(log, ['one 16']);
  });

  it('begins with each turn, so that frames which come one by one never wait', () => {
    const { log, connection, turn } = port();
    const one = connection('one');
    for (let count = 0; count < 10; count++) {
      one.send(SOME);
      turn();
    }
    assert.equal(log.length, 10);
    assert.ok(!one.isHeld());
  });

  it('waits while the owner has older batches to execute', () => {
    const { log, state, connection, turn } = port();
    const one = connection('one');
    state.isBusy = true;
    one.send(1);
    for (let count = 0; count < 10; count++) assert.ok(turn());
    assert.deepEqual(log, []);
    state.isBusy = false;
    turn();
    assert.deepEqual([log, one.isHeld()], [['one 1'], false]);
  });
});
