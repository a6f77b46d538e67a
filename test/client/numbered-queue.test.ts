import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NumberedQueue } from '../../services/client/session/numbered-queue.ts';

describe('a queue of numbered things', () => {
  it('is what a map would be, in whichever order entries are deleted', () => {
    const change = fc.oneof(
      { weight: 10, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((count) => ({ kind: 'add' as const, count })) },
      { weight: 10, arbitrary: fc.integer({ min: 0, max: 3_000 }).map((count) => ({ kind: 'drop' as const, count })) },
      {
        weight: 5,
        arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((at) => ({ kind: 'dropAt' as const, at })),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(change, { maxLength: 20 }), (first, changes) => {
        const queue = new NumberedQueue<string>();
        const map = new Map<number, string>();
        let next = first;
        const drop = (number: number | undefined): void => {
          if (number === undefined) return;
          queue.delete(number);
          map.delete(number);
        };
        for (const one of changes) {
          if (one.kind === 'add') {
            for (const end = next + one.count; next < end; next++) {
              queue.add(next, `item ${next}`);
              map.set(next, `item ${next}`);
            }
          } else if (one.kind === 'drop') {
            for (const number of [...map.keys()].slice(0, one.count)) drop(number);
          } else if (one.kind === 'dropAt') {
            drop([...map.keys()][Math.floor(one.at * map.size)]);
          } else {
            queue.clear();
            map.clear();
          }
          assert.equal(queue.size, map.size);
          assert.deepEqual([...queue], [...map.values()]);
          for (const number of [0, first, next - 1, next]) assert.equal(queue.get(number), map.get(number));
          drop(next);
        }
      }),
    );
  });

  it('takes numbers that follow one another, and no others', () => {
    const queue = new NumberedQueue<string>();
    queue.add(7, 'seven');
    assert.throws(() => queue.add(9, 'nine'), RangeError);
    assert.throws(() => queue.add(7, 'again'), RangeError);
    queue.add(8, 'eight');
    assert.deepEqual([...queue], ['seven', 'eight']);
  });
});
