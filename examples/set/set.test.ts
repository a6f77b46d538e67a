import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ANSWERS, encodeOperations, type Kind, MAX_MEMBER_BYTES } from './operations.ts';
import { createSet } from './set.ts';

const member = fc.constantFrom('', 'a', 'b', 'ü', 'order-17');
const kind = fc.constantFrom<Kind>('add', 'remove', 'has');
const batches = fc.array(fc.record({ kind, members: fc.array(member, { minLength: 1, maxLength: 5 }) }));

/** What a set answers, by the plain set that it should be like. */
function expected(model: Set<string>, asked: Kind, one: string): number {
  const was = model.has(one);
  if (asked === 'add') model.add(one);
  if (asked === 'remove') model.delete(one);
  return (asked === 'add' ? !was : was) ? ANSWERS.yes : ANSWERS.no;
}

describe('the example set', () => {
  it('answers as a set does, and goes on from a snapshot as if nothing had happened', () => {
    fc.assert(
      fc.property(batches, (asked) => {
        const model = new Set<string>();
        let worker = createSet();
        for (const batch of asked) {
          const results = worker.apply(encodeOperations(batch.kind, batch.members), batch.members.length);
          const answers = batch.members.map((one) => expected(model, batch.kind, one));
          assert.deepEqual(results, Uint8Array.from(answers));
          const snapshot = worker.snapshot();
          assert.ok(snapshot instanceof Uint8Array);
          worker = createSet();
          void worker.restore(snapshot);
        }
      }),
    );
  });

  it('is empty when it is told so', () => {
    const worker = createSet();
    void worker.apply(encodeOperations('add', ['a']), 1);
    void worker.restore(undefined);
    assert.deepEqual(worker.apply(encodeOperations('has', ['a']), 1), Uint8Array.of(ANSWERS.no));
  });

  it('refuses what is no operation, and has changed nothing by then', () => {
    const worker = createSet();
    const good = encodeOperations('add', ['a']);
    const malformed: [Uint8Array, number][] = [
      [Buffer.concat([good, Buffer.of(9, 0)]), 2],
      [Buffer.concat([good, Buffer.of(1)]), 2],
      [Buffer.concat([good, Buffer.of(1, 3, 65)]), 2],
      [Buffer.concat([good, Buffer.of(1, 1, 0xff)]), 2], // no text: written again, it would be longer
      [good, 2],
    ];
    for (const [bytes, count] of malformed) {
      assert.throws(() => worker.apply(bytes, count), { name: 'MalformedOperations' });
    }
    assert.deepEqual(worker.apply(encodeOperations('has', ['a']), 1), Uint8Array.of(ANSWERS.no));
    assert.throws(() => worker.restore(Buffer.of(9)), /not one of a set/);
  });

  it('says when it is full, and does what fits', () => {
    const worker = createSet(1);
    const results = worker.apply(encodeOperations('add', ['a', 'b', 'a']), 3);
    assert.deepEqual(results, Uint8Array.of(ANSWERS.yes, ANSWERS.full, ANSWERS.no));
  });

  it('takes no member that is too long', () => {
    assert.throws(() => encodeOperations('add', ['x'.repeat(MAX_MEMBER_BYTES + 1)]), /at most 255 bytes/);
  });
});
