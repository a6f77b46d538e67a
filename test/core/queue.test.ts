import { Queue } from '@dpr/core';
import assert from 'node:assert/strict';
import fc from 'fast-check';

describe('a queue', () => {
  it('is what an array would be, with all that comes and goes', () => {
    const item = fc.integer().map((value) => ({ value }));
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.array(item, { maxLength: 3_000 }).map((items) => ({ kind: 'push' as const, items })) },
      { weight: 3, arbitrary: fc.nat(3_000).map((count) => ({ kind: 'shift' as const, count })) },
      { weight: 1, arbitrary: fc.array(item).map((items) => ({ kind: 'prepend' as const, items })) },
      { weight: 1, arbitrary: fc.constant({ kind: 'take' as const }) },
    );
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        const queue = new Queue<{ value: number }>();
        let model: { value: number }[] = [];
        for (const one of commands) {
          if (one.kind === 'push') {
            for (const each of one.items) queue.push(each);
            model.push(...one.items);
          } else if (one.kind === 'shift') {
            for (let i = 0; i < one.count; i++) assert.equal(queue.shift(), model.shift());
          } else if (one.kind === 'prepend') {
            queue.prepend(one.items);
            model.unshift(...one.items);
          } else {
            assert.deepEqual(queue.take(), model);
            model = [];
          }
          assert.equal(queue.first(), model[0]);
          assert.deepEqual([...queue], model);
        }
      }),
      { numRuns: 50 },
    );
  });
});
