import assert from 'node:assert/strict';
import type { PastEvent } from '@dpr/client';
import { createConsoleState, MAX_RECENT_RATES, type Surroundings } from '../../services/console/console-state.ts';
import type { ProcessKey, ProcessRates } from '../../services/console/process-metrics.ts';
import { statusOf } from '../client/fake-status.ts';

describe('what the console knows', () => {
  const { members, ...status } = statusOf([{ id: 0 }]);
  const workers = members.map((member) => ({ ...member, address: 'ws://127.0.0.1:7000' }));
  const around = (rate: number): Surroundings => ({
    observed: {
      finder: { state: 'serving', text: '' },
      finderSince: 0,
      status: { ...status, workers },
      statusAt: 0,
      awaySince: new Map(),
    },
    now: 0,
    at: 0,
    rates: new Map<ProcessKey, ProcessRates>([
      [0, { rate, stateBytes: undefined, writeMs: undefined }],
      ['finder', { rate: 7, stateBytes: undefined, writeMs: 3 }],
    ]),
    processes: new Map([[0, { name: 'counter-0', phase: 'serving' }]]),
  });

  it('are events in sentences, and of a rollback not the word that its mark has', () => {
    const state = createConsoleState();
    const event = { number: 1, agoMs: 250, worldLine: 2, worker: 1, generation: 1 };
    const told: PastEvent[] = [
      { ...event, kind: 'rolledBack', forced: false, operations: 1_234 },
      { ...event, kind: 'back' },
    ];
    state.happened(told, 1_000);
    assert.deepEqual(
      state.eventsAfter(0).map(({ at, level, text, isRollback }) => [at, level, text, isRollback]),
      [
        [
          750,
          'warning',
          'World-line 2 began, because worker 1 was started anew without a clean stop; it took back about 1,234 operations.',
          true,
        ],
        [750, 'well', 'Worker 1 is back.', false],
      ],
    );
    const { rollbacks, lostOperations, worldLineSince } = state.update(around(0), 0);
    assert.deepEqual([rollbacks, lostOperations, worldLineSince], [1, 1_234, 750]);
  });

  it('are the last 60 rates of each worker, and its process', () => {
    const state = createConsoleState();
    for (let rate = 1; rate <= MAX_RECENT_RATES + 1; rate++) state.sample(around(rate));
    const update = state.update(around(99), 0);
    const [worker] = update.workers;
    assert.equal(worker?.rates.length, MAX_RECENT_RATES);
    assert.deepEqual([worker.rates[0], worker.rates.at(-1)], [2, MAX_RECENT_RATES + 1]);
    assert.deepEqual([worker.rate, worker.process?.name], [99, 'counter-0']);
    assert.deepEqual([update.sample.rate, update.sample.recordWriteMs], [99, 3], 'the Finder executes nothing');
  });
});
