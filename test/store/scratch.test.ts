import assert from 'node:assert/strict';
import { Scratch } from '../../services/store/scratch.ts';

describe('the memory for what is being made', () => {
  it('is not taken before it is needed', () => {
    const scratch = new Scratch();
    assert.equal(scratch.memory.byteLength, 0);
    scratch.begin(0);
    scratch.byte(7);
    assert.equal(scratch.memory.getUint8(0), 7);
  });

  it('has room for what is asked for, and gives back what was large', () => {
    const scratch = new Scratch();
    for (const bytes of [2 ** 22, 500_000, 2 ** 21, 2 ** 20, 0, 70_000, 1]) {
      scratch.begin(bytes);
      assert.ok(scratch.memory.byteLength >= bytes, `${bytes} bytes`);
      assert.ok(scratch.memory.byteLength <= Math.max(2 * bytes, 2 ** 20), `no more than is needed for ${bytes}`);
    }
  });
});
