import assert from 'node:assert/strict';
import { addReached, judge, type Reached } from './coverage/index.ts';
import type { Request } from './command/job.ts';
import { createPool } from './command/pool.ts';

const RUN = { kind: 'run', keep: false, mutant: undefined, draw: 'usual', branches: true } as const;

/** In one process, which is asked after each round. V8 forgets some calls of functions that it inlines, so it inlines none. */
async function reachedIn(rounds: readonly Extract<Request, { kind: 'run' }>[]): Promise<readonly Reached[]> {
  const pool = createPool(1, ['--no-turbofan']);
  let reached: readonly Reached[] = [];
  try {
    for (const round of rounds) {
      const requests = [round];
      await pool.work(
        () => requests.pop(),
        () => undefined,
      );
      reached = (await pool.branches()).reduce<readonly Reached[]>(addReached, []);
    }
  } finally {
    pool.close();
  }
  return reached;
}

describe('coverage of blocks', () => {
  /** What two seeds reached in one round, and in two rounds. */
  let blocks: readonly Reached[] = [];
  let inRounds: readonly Reached[] = [];

  before(async () => {
    blocks = await reachedIn([{ ...RUN, first: 1, count: 2 }]);
    inRounds = await reachedIn([
      { ...RUN, first: 1, count: 1 },
      { ...RUN, first: 2, count: 1 },
    ]);
  });

  it('counts the same in two rounds as in one', () => {
    const differing = blocks.filter(({ times }, at) => times !== inRounds[at]?.times);
    assert.deepEqual(differing, []);
  });

  it('counts how often each ran', () => {
    const inCut = blocks.filter(({ file }) => file === 'services/core/cut.ts');
    assert.ok(inCut.some(({ times }) => times > 10));
    assert.ok(blocks.some(({ times }) => times === 0));
    const [sum] = addReached(inCut, inCut);
    assert.equal(sum?.times, 2 * (inCut[0]?.times ?? 0));
  });

  it('misses what two seeds do not reach, and not what is in it', () => {
    const { wrong, reached, excused, rarest } = judge(blocks);
    assert.ok(wrong.length > 0);
    assert.ok(reached + excused + wrong.length <= blocks.length);
    assert.equal(rarest.length, 10);
    const [missed] = blocks.filter(({ times, within }) => times === 0 && within === undefined);
    assert.ok(missed);
    const inIt = { ...missed, within: 0 };
    assert.equal(judge([missed, inIt]).wrong.filter((text) => text.startsWith('never')).length, 1);
  });

  it('complains of a block that ran and should be unreachable', () => {
    const everywhere = blocks.map((block) => ({ ...block, times: 1 }));
    const { wrong, reached } = judge(everywhere);
    assert.equal(reached, blocks.length);
    assert.match(wrong[0] ?? '', /^reached, and should be unreachable: /);
  });
});
