import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  createFinder,
  FINDER_DEFAULTS,
  finderWakeAt,
  stepFinder,
  type FinderRecord,
} from '../../services/core/index.ts';
import type { Cost, ScaleOutcome } from './scale-cost.ts';
import { DEPENDENCIES, measureScale } from './scale-world.ts';

/** How much of it there is for each report. */
function perReport(cost: Cost, what: 'messagesOut' | 'bytesOut' | 'bytesIn'): number {
  return cost[what] / cost.reports;
}

describe('a Finder with many workers', () => {
  let outcomes: readonly ScaleOutcome[] = [];
  before(() => {
    outcomes = [20, 300].map((workers) => measureScale(workers, 1_000));
  });

  it('sends one message of the same size for each report, however many workers there are', () => {
    for (const { steady, commitMs } of outcomes) {
      assert.equal(steady.messagesIn, steady.reports);
      assert.ok(perReport(steady, 'messagesOut') <= 1.01, `${perReport(steady, 'messagesOut')} messages`);
      assert.ok(perReport(steady, 'bytesOut') <= 41.5, `${perReport(steady, 'bytesOut')} bytes`);
      assert.ok(perReport(steady, 'bytesIn') <= 34 + 12 * DEPENDENCIES, `${perReport(steady, 'bytesIn')} bytes in`);
      assert.ok(commitMs.largest < 100, `a report was committed after ${commitMs.largest} ms`);
    }
  });

  it('sends a decision to each worker once', () => {
    for (const { rollback, workers } of outcomes) {
      const decision = 20 + workers * (12 + 8);
      // The one that restarts is told both decisions and answers.
      assert.ok(rollback.bytesOut < (workers + 1) * (decision + 150), `${rollback.bytesOut} bytes to ${workers}`);
    }
  });

  it('is measured by a program that says what is wrong with its options', () => {
    const words = ['--import', 'tsx', 'test/simulation/scale.ts', '--workers', '100,0'];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    assert.deepEqual([status, stderr.split('\n')[1]], [64, "'npm run scale -- --help' tells more."], stderr);
    assert.match(stderr, /argument '100,0' is invalid. Give a whole number from 1 to/);
  });

  it('waits longer between two writes of a longer record', () => {
    assert.equal(spacingMs(100), FINDER_DEFAULTS.writeSpacingMs);
    assert.equal(spacingMs(10_000), 50);
  });
});

/** From a write of the record until the next one, if a report comes in just after the first, and no client waits for it. */
function spacingMs(workers: number): number {
  const member = {
    generation: 1,
    base: 0,
    seed: undefined,
    restartsFrom: 1,
    type: 'counter',
    host: '',
    port: 1,
    leaving: false,
  };
  const boot = '00'.repeat(16);
  const life = { claimed: 1, registered: 1, boot, answer: { worldLine: 1, base: 0 } };
  const record: FinderRecord = {
    ...{
      cluster: '00'.repeat(16),
      counter: 7,
      starts: [{ start: '11'.repeat(8), counter: 7 }],
      worldLine: 1,
      membership: 2,
      decisions: [],
    },
    members: new Map([[0, { ...member, ...life }]]),
    tombstones: new Map(),
    cut: new Map(Array.from({ length: workers }, (_, id) => [id, 1])),
  };
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1 });
  stepFinder(finder, { kind: 'loaded', record, start: '00'.repeat(8), cluster: record.cluster }, 900);
  stepFinder(finder, { kind: 'written', counter: 7 }, 901);
  const connection = 1;
  stepFinder(finder, { kind: 'opened', connection, role: 'worker', cluster: undefined, stamp: undefined }, 902);
  const graph = { kind: 'graph', worker: 0, generation: 1, incarnation: 1, worldLine: 1 } as const;
  stepFinder(finder, { kind: 'frame', connection, message: { ...graph, checkpoints: [] } }, 1_000);
  stepFinder(finder, { kind: 'written', counter: 8 }, 1_001);
  const checkpoint = { worldLine: 1, version: 2, predecessor: 1, dependencies: new Map() };
  stepFinder(finder, { kind: 'frame', connection, message: { ...graph, checkpoints: [checkpoint] } }, 1_003);
  return finderWakeAt(finder) - 1_000;
}
