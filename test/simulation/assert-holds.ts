import assert from 'node:assert/strict';
import type { Outcome } from './run.ts';

/** @throws AssertionError that says how to see the violation again */
export function assertHolds({ seed, violation }: Outcome): void {
  const replay = `npm run simulate -- --seed ${seed} --trace`;
  assert.equal(violation, undefined, `seed ${seed}: ${violation ?? ''}\n  ${replay}`);
}
