import assert from 'node:assert/strict';
import { MAX_CANDIDATES, VictimPool } from '../../../services/store/eviction/victim-pool.ts';
import { createRandom } from '../../simulation/random.ts';

function taken(pool: VictimPool): number[] {
  const all: number[] = [];
  for (let next = pool.take(); next !== undefined; next = pool.take()) all.push(next.used);
  return all;
}

describe('candidates for eviction', () => {
  it('are those that were used least recently, of all that were offered', () => {
    const random = createRandom(3);
    for (let round = 0; round < 50; round++) {
      const offered = Array.from({ length: random.int(0, 60) }, () => random.int(0, 1_000_000));
      const pool = new VictimPool();
      offered.forEach((used, hash) => pool.offer(hash, used));
      const oldest = offered.sort((a, b) => a - b).slice(0, MAX_CANDIDATES);
      assert.deepEqual(taken(pool), oldest);
    }
  });

  it('are at most as many as there may be', () => {
    const pool = new VictimPool();
    for (let hash = 0; hash <= MAX_CANDIDATES; hash++) pool.offer(hash, 5);
    assert.equal(taken(pool).length, MAX_CANDIDATES);
  });

  it('are each there once, unless it was used in between', () => {
    const pool = new VictimPool();
    for (const used of [4, 4, 9, 4, 9]) pool.offer(1, used);
    pool.offer(2, 4);
    pool.offer(1, 4);
    assert.deepEqual(taken(pool), [4, 4, 9]);
    pool.offer(1, 4);
    pool.clear();
    assert.equal(pool.take(), undefined);
  });
});
