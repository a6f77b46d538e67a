import { backOff } from '@dpr/runtime';
import { alarm } from '@dpr/runtime/alarm';
import { nodeHost } from '@dpr/runtime/host';
import assert from 'node:assert/strict';
import fc from 'fast-check';

describe('a back-off', () => {
  it('grows from the first pause to the longest, shortened at random by up to half', () => {
    const chance = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 100, max: 10_000 }),
        fc.constantFrom(1.25, 2),
        chance,
        (first, longest, growth, rolls) => {
          let roll = 0;
          const pauses = backOff(first, longest, growth, () => rolls[roll++] ?? 0);
          for (const [index] of rolls.entries()) {
            const full = Math.min(first * growth ** index, longest);
            const pause = pauses.next();
            assert.ok(pause < full + 1e-6 && pause > full / 2 - 1e-6, `${pause} of ${full}`);
          }
          pauses.reset();
          assert.ok(pauses.next() <= first);
        },
      ),
    );
  });
});

describe('an alarm', () => {
  /** Resolves with the time of each ring, once there were as many. */
  function ringing(count: number, during: (one: ReturnType<typeof alarm>) => void): Promise<number[]> {
    return new Promise((resolve) => {
      const rings: number[] = [];
      const one = alarm(nodeHost, () => {
        rings.push(performance.now());
        if (rings.length === count) resolve(rings);
      });
      during(one);
    });
  }

  it('rings at once for a time that has come, and not before one that has not', async () => {
    const now = performance.now();
    const [, late = 0] = await ringing(2, (one) => {
      one.set(now + 3_600_000);
      one.set(now - 5);
      setImmediate(() => one.set(now + 40));
    });
    assert.ok(late >= now + 39);
  });

  it('keeps the earliest of several times, and none when it is cancelled or asked for nothing', async () => {
    const now = performance.now();
    const cancelled = alarm(nodeHost, () => assert.fail('it was cancelled'));
    cancelled.set(now + 1);
    cancelled.cancel();
    const [first = 0] = await ringing(1, (one) => {
      one.set(Infinity);
      one.set(now + 10);
      one.set(now + 10_000);
    });
    assert.ok(first >= now + 9);
  });
});
