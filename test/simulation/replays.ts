import assert from 'node:assert/strict';
import { runSeed } from './run.ts';

/** Each of the first seeds is the same in a second run, also while its story is told. @throws AssertionError */
export async function assertReplays(seeds: number): Promise<void> {
  const hashes = new Set<string>();
  for (let seed = 0; seed < seeds; seed++) {
    const outcome = await runSeed(seed);
    let told = 0;
    const again = await runSeed(seed, { tell: () => told++, withFrames: true });
    assert.deepEqual([again.hash, again.steps], [outcome.hash, outcome.steps]);
    assert.ok(told > 0);
    hashes.add(outcome.hash);
  }
  assert.equal(hashes.size, seeds);
}
