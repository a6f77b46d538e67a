import assert from 'node:assert/strict';
import { lastUse, noteUse } from '../../../services/store/engine/recency.ts';

const UNIT = 16;
const ROUND = 2 ** 31 * UNIT;
const MOST_AHEAD = 2 ** 24 * UNIT;

function markAt(now: number): number {
  const memory = new DataView(new ArrayBuffer(8));
  noteUse(memory, 4, now);
  return memory.getUint32(4, true);
}

describe('the last use of a key', () => {
  it('is its last write where there is no mark', () => {
    for (const place of [0, 1, 2 ** 31 - 1]) assert.equal(lastUse(place, 77, 1_000), 77);
  });

  it('is that of the mark, by units, or the write if that came later', () => {
    for (const used of [1, 15, 16, 17, 10_000, 2 ** 40 + 7, 2 ** 50 - 1]) {
      const end = used - (used % UNIT) + UNIT - 1;
      const now = used + 5_000_000;
      assert.equal(lastUse(markAt(used), 0, used), end);
      assert.equal(lastUse(markAt(used), 0, now), end);
      assert.equal(lastUse(markAt(used), end + 9, now), end + 9);
    }
  });

  it('is right as long as marks have not gone round', () => {
    for (const used of [0, ROUND - UNIT, 5 * ROUND + 3 * UNIT]) {
      const last = used + ROUND - MOST_AHEAD - UNIT;
      assert.equal(lastUse(markAt(used), 0, last), used + UNIT - 1);
      assert.equal(lastUse(markAt(used), 0, last + UNIT), last + 2 * UNIT - 1);
    }
  });

  it('is now where a rollback made the mark one that is still to come', () => {
    for (const ahead of [UNIT, MOST_AHEAD - UNIT]) {
      assert.equal(lastUse(markAt(8_000 + ahead), 0, 8_000), 8_000 + UNIT - 1);
    }
  });
});
