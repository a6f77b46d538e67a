import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dueAt, type Schedule, TargetError, type Victim, victimsOf } from '@dpr/chaos';

const VICTIMS: readonly Victim[] = [
  { name: 'dpr-finder', role: 'finder' },
  { name: 'counter-0', role: 'worker' },
  { name: 'counter-1', role: 'worker' },
  { name: 'counter-2', role: 'worker' },
];

const schedule = (choice: Schedule['choice'], rest: Partial<Schedule> = {}): Schedule => ({
  seed: 1,
  firstMs: 0,
  intervalMs: 100,
  restMs: 0,
  count: Infinity,
  durationMs: Infinity,
  ...rest,
  choice,
});

const random = (atOnce: number, among = ['all']) => ({ kind: 'random', among, atOnce }) as const;
const names = (victims: readonly Victim[]) => victims.map(({ name }) => name);

describe('a schedule', () => {
  it('repeats its choices from its seed, fault by fault in any order', () => {
    const arbitrary = fc.tuple(fc.nat(), fc.nat(1000), fc.integer({ min: 1, max: 6 }));
    fc.assert(
      fc.property(arbitrary, ([seed, index, atOnce]) => {
        const one = schedule(random(atOnce), { seed });
        const chosen = victimsOf(one, index, VICTIMS);
        assert.deepEqual(chosen, victimsOf({ ...one }, index, VICTIMS));
        assert.equal(new Set(names(chosen)).size, Math.min(atOnce, VICTIMS.length), 'each at most once');
      }),
    );
  });

  it('chooses every process about as often, and differently for another seed', () => {
    const chosen = (seed: number) =>
      Array.from({ length: 400 }, (_, index) => names(victimsOf(schedule(random(1), { seed }), index, VICTIMS)).join());
    const counts = VICTIMS.map(({ name }) => chosen(7).filter((one) => one === name).length);
    assert.ok(
      counts.every((count) => count > 60 && count < 140),
      String(counts),
    );
    assert.notDeepEqual(chosen(7), chosen(8));
  });

  it('chooses only from those it may', () => {
    for (let index = 0; index < 50; index++) {
      assert.notDeepEqual(names(victimsOf(schedule(random(1, ['workers'])), index, VICTIMS)), ['dpr-finder']);
      assert.deepEqual(names(victimsOf(schedule(random(2, ['finder'])), index, VICTIMS)), ['dpr-finder']);
    }
  });

  it('goes through a sequence, again from the start, groups at once', () => {
    const sequence = schedule({
      kind: 'sequence',
      entries: [['counter-1'], ['finder', 'counter-0'], ['workers'], ['all']],
    });
    const chosen = Array.from({ length: 5 }, (_, index) => names(victimsOf(sequence, index, VICTIMS)));
    assert.deepEqual(chosen, [
      ['counter-1'],
      ['dpr-finder', 'counter-0'],
      ['counter-0', 'counter-1', 'counter-2'],
      names(VICTIMS),
      ['counter-1'],
    ]);
  });

  it('names the victim that it cannot find', () => {
    const unknown = schedule({ kind: 'sequence', entries: [['counter-7']] });
    assert.throws(
      () => victimsOf(unknown, 0, VICTIMS),
      (error) => {
        assert.ok(error instanceof TargetError);
        assert.equal(
          error.message,
          'there is no "counter-7" here: choose from all, workers, finder, dpr-finder, counter-0, counter-1, counter-2',
        );
        return true;
      },
    );
  });

  it('keeps the interval between faults, and has none before all serve again', () => {
    const one = schedule(random(1), { firstMs: 30, count: 3, durationMs: 1000 });
    assert.equal(dueAt(one, 0, 0, 0), 30);
    assert.equal(dueAt(one, 1, 30, 80), 130);
    assert.equal(dueAt(one, 2, 130, 400), 400);
    assert.equal(dueAt({ ...one, restMs: 50 }, 2, 130, 400), 450);
    assert.equal(dueAt({ ...one, restMs: 50 }, 2, 130, 140), 230);
    assert.equal(dueAt(one, 3, 400, 450), undefined, 'that was the last one');
    assert.equal(dueAt(one, 2, 130, 1000), undefined, 'the time is over');
  });
});
