import assert from 'node:assert/strict';
import { Scratch } from '../../services/store/scratch.ts';

describe('the memory for what is being made', () => {
  it('has room for what is asked for, and gives back what was large', () => {
    const scratch = new Scratch();
    for (const bytes of [2 ** 22, 500_000, 2 ** 21, 2 ** 20, 0, 70_000, 1]) {
      scratch.begin(bytes);
      assert.ok(scratch.memory.byteLength >= bytes, `${bytes} bytes`);
      assert.ok(scratch.memory.byteLength <= Math.max(2 * bytes, 2 ** 20), `no more than is needed for ${bytes}`);
    }
  });
});
