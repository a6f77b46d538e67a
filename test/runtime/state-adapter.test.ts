import { nodeHost } from '@dpr/runtime/node-host';
import assert from 'node:assert/strict';
import { adaptState } from '../../services/runtime/worker/state-adapter.ts';
import type { StateObject } from '../../services/runtime/worker/state-object.ts';

const never = (): never => {
  throw new Error('this does not happen');
};
const EVENTS = { executed: never, broken: never, batch: () => undefined };
const SIZE = 8;

/** A state of eight bytes, each of which is the last operation. */
function lastOperation(restored: () => void | Promise<void> = () => undefined): StateObject & { state: Uint8Array } {
  return {
    state: new Uint8Array(SIZE),
    apply(operations) {
      this.state.fill(operations[0] ?? 0);
      return new Uint8Array(0);
    },
    snapshot() {
      return this.state.slice();
    },
    restore(snapshot) {
      assert.ok(snapshot === undefined || snapshot instanceof Uint8Array);
      this.state = snapshot ?? new Uint8Array(SIZE);
      return restored();
    },
  };
}

describe('a state object of three functions', () => {
  async function after(versions: readonly number[], maxCopyBytes = Infinity, object = lastOperation()) {
    const state = adaptState(nodeHost, object, { maxStateBytes: Infinity, maxCopyBytes }, EVENTS);
    await state.restoreEmpty(1);
    for (const version of versions) {
      state.apply(Uint8Array.of(version), 1, version, 0);
      state.seal(version);
    }
    return { object, state };
  }

  it('goes back in memory to each version since the last one that was committed', async () => {
    for (const back of [6, 5, 3]) {
      const { object, state } = await after([3, 5, 6]);
      state.committed(3);
      state.apply(Uint8Array.of(9), 1, 9, 0);
      assert.equal(state.rollback(back), true);
      assert.equal(object.state[0], back);
    }
    const { object, state } = await after([3]);
    assert.equal(state.rollback(2), true, 'to what it was started with');
    assert.equal(object.state[0], 0);
  });

  it('goes back to the same version again, whatever was done to the memory that it got', async () => {
    const { object, state } = await after([3, 5]);
    for (const operation of [7, 8]) {
      assert.equal(state.rollback(3), true);
      assert.equal(object.state[0], 3);
      object.state.fill(operation);
    }
  });

  it('keeps snapshots of as many bytes as it may, and has older ones read from the volume', async () => {
    const { state } = await after([3, 5, 6], 2 * SIZE);
    assert.equal(state.rollback(4), false);
    assert.equal(state.rollback(5), true);
    const { state: tight } = await after([3, 5, 6], 2 * SIZE - 1);
    assert.equal(tight.rollback(5), false);
    assert.equal(tight.rollback(6), true);
  });

  it('has every version read from the volume if it takes one back later, or as a file', async () => {
    const { state } = await after(
      [3],
      Infinity,
      lastOperation(() => Promise.resolve()),
    );
    assert.equal(state.rollback(3), false);
  });
});
