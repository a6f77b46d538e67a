import assert from 'node:assert/strict';
import fc from 'fast-check';
import { advanceCut, type Graph, type GraphCheckpoint } from '@dpr/core';

const WORKERS = [0, 1, 2, 3];

/** Per worker: versions in rising order, each with dependencies on versions of others, whether these exist or not. */
const chains = fc.array(
  fc.array(
    fc.record({
      step: fc.integer({ min: 1, max: 3 }),
      dependencies: fc.dictionary(fc.constantFrom('0', '1', '2', '3'), fc.integer({ min: 1, max: 14 }), { maxKeys: 3 }),
    }),
    { maxLength: 4 },
  ),
  { minLength: WORKERS.length, maxLength: WORKERS.length },
);
const cuts = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: WORKERS.length, maxLength: WORKERS.length });

type Chains = { step: number; dependencies: Record<string, number> }[][];

function graphOf(drawn: Chains, cut: ReadonlyMap<number, number>): Graph {
  const graph = new Map<number, GraphCheckpoint[]>();
  for (const [worker, steps] of drawn.entries()) {
    let predecessor = cut.get(worker) ?? 0;
    const chain = steps.map(({ step, dependencies }) => {
      const version = predecessor + step;
      const others = Object.entries(dependencies).map(([owner, needed]) => [Number(owner), needed] as const);
      const checkpoint = { version, predecessor, dependencies: new Map(others.filter(([owner]) => owner !== worker)) };
      predecessor = version;
      return checkpoint;
    });
    if (chain.length > 0) graph.set(worker, chain);
  }
  return graph;
}

/** Every closed set of whole prefixes, tried one by one; the greatest is the union of all. */
function greatestByTrying(graph: Graph, cut: ReadonlyMap<number, number>): Map<number, number> {
  const greatest = new Map<number, number>();
  const counts = WORKERS.map((worker) => (graph.get(worker)?.length ?? 0) + 1);
  for (let choice = 0; choice < counts.reduce((product, count) => product * count, 1); choice++) {
    let rest = choice;
    const taken = new Map<number, GraphCheckpoint[]>();
    for (const worker of WORKERS) {
      const count = counts[worker] ?? 1;
      taken.set(worker, (graph.get(worker) ?? []).slice(0, rest % count));
      rest = Math.floor(rest / count);
    }
    const newest = (list: readonly GraphCheckpoint[] | undefined, worker: number): number =>
      list?.at(-1)?.version ?? cut.get(worker) ?? 0;
    const reached = (worker: number): number => newest(taken.get(worker), worker);
    // Whether anything executed above what is durable is not known; up to there, it did in the checkpoints.
    const has = (owner: number, version: number): boolean =>
      version <= newest(graph.get(owner), owner) &&
      (graph.get(owner) ?? []).every((one) => one.version > version || one.version <= reached(owner));
    const closed = [...taken.values()]
      .flat()
      .every(({ dependencies }) => [...dependencies].every(([owner, version]) => has(owner, version)));
    if (!closed) continue;
    for (const worker of WORKERS) {
      if (reached(worker) > (greatest.get(worker) ?? cut.get(worker) ?? 0)) greatest.set(worker, reached(worker));
    }
  }
  return greatest;
}

describe('the cut', () => {
  it('is the greatest closed set, as found by trying all', () => {
    fc.assert(
      fc.property(chains, cuts, (drawn, versions) => {
        const cut = new Map(versions.entries());
        const graph = graphOf(drawn, cut);
        const sorted = (advanced: Map<number, number>): [number, number][] => [...advanced].sort(([a], [b]) => a - b);
        assert.deepEqual(sorted(advanceCut(graph, cut)), sorted(greatestByTrying(graph, cut)));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes in two checkpoints that depend on each other, and neither alone', () => {
    const left = { version: 5, predecessor: 0, dependencies: new Map([[1, 5]]) };
    const right = { version: 5, predecessor: 0, dependencies: new Map([[0, 5]]) };
    assert.deepEqual(advanceCut(new Map([[0, [left]]]), new Map()), new Map());
    const both = new Map([
      [0, [left]],
      [1, [right]],
    ]);
    assert.deepEqual(
      advanceCut(both, new Map()),
      new Map([
        [0, 5],
        [1, 5],
      ]),
    );
  });

  it('takes a dependency on a version in which nothing executed for one on the checkpoint before, once there is one above', () => {
    const dependent = { version: 8, predecessor: 0, dependencies: new Map([[1, 8]]) };
    const before = { version: 7, predecessor: 0, dependencies: new Map<number, number>() };
    const above = { version: 9, predecessor: 7, dependencies: new Map([[0, 9]]) };
    const cutOf = (...chain: GraphCheckpoint[]) => [
      ...advanceCut(
        new Map([
          [0, [dependent]],
          [1, chain],
        ]),
        new Map(),
      ),
    ];
    assert.deepEqual(cutOf(before), [[1, 7]]);
    assert.deepEqual(cutOf(before, above), [
      [0, 8],
      [1, 7],
    ]);
    assert.deepEqual(cutOf({ ...before, version: 8 }, { ...above, predecessor: 8 }), [
      [0, 8],
      [1, 8],
    ]);
  });

  it('counts a dependency on a removed worker by its entry of the cut', () => {
    const checkpoint = { version: 8, predecessor: 0, dependencies: new Map([[7, 3]]) };
    assert.deepEqual(advanceCut(new Map([[0, [checkpoint]]]), new Map([[7, 3]])), new Map([[0, 8]]));
    assert.deepEqual(advanceCut(new Map([[0, [checkpoint]]]), new Map([[7, 2]])), new Map());
  });
});
