import { backOff } from '@dpr/runtime';
import { alarm } from '@dpr/runtime/alarm';
import type { Host } from '@dpr/runtime/host';
import { nodeHost } from '@dpr/runtime/node-host';
import { reconnection } from '@dpr/runtime/reconnection';
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

describe('attempts to connect again', () => {
  const times = { pauseShareOfOutage: 1 / 8, minPauseMs: 10, maxPauseMs: 1_000, stableMs: 100 };

  /** On a clock that stands still between these calls. */
  function attempts() {
    let now = 0;
    let pause = 0;
    let timer: object | undefined;
    const host: Host = {
      ...nodeHost,
      now: () => now,
      random: () => 0,
      setTimeout(_, ms) {
        pause = ms;
        return (timer = {});
      },
      clearTimeout(cleared) {
        if (cleared === timer) timer = undefined;
      },
    };
    const { opened, broke, stop } = reconnection(host, times, () => undefined);
    const pauseAfter = (ms: number): number => {
      now += ms;
      broke();
      return pause;
    };
    return { opened, pauseAfter, stop, isSet: () => timer !== undefined };
  }

  it('pause for a part of the outage, within bounds', () => {
    const { pauseAfter } = attempts();
    assert.equal(pauseAfter(0), 10);
    assert.equal(pauseAfter(80), 10);
    assert.equal(pauseAfter(8), 11);
    assert.equal(pauseAfter(7_912), 1_000);
    assert.equal(pauseAfter(3_600_000), 1_000);
  });

  it('count a connection that did not last as part of the outage, and one that did as its end', () => {
    const { opened, pauseAfter } = attempts();
    assert.equal(pauseAfter(800), 100);
    opened();
    assert.equal(pauseAfter(96), 112);
    assert.equal(pauseAfter(104), 125, 'that it was open once does not count for later attempts');
    opened();
    assert.equal(pauseAfter(100), 10);
    assert.equal(pauseAfter(160), 20);
  });

  it('end when they are stopped', () => {
    const { pauseAfter, stop, isSet } = attempts();
    pauseAfter(0);
    assert.ok(isSet());
    stop();
    assert.ok(!isSet());
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
