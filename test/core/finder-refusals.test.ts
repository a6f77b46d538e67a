import assert from 'node:assert/strict';
import { createFinder, FINDER_DEFAULTS, stepFinder, type FinderEffect, type FinderEvent } from '@dpr/core';
import type { Message } from '@dpr/protocol';

describe('a Finder that refuses a volume', () => {
  it('waits until what it refuses for is durable', () => {
    const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1, maxWorkers: 1 });
    let now = 0;
    /** What one event, and the time until the next write is due, brings about. */
    const step = (event: FinderEvent): FinderEffect[] => {
      now += FINDER_DEFAULTS.writeSpacingMs;
      return [...stepFinder(finder, event, now), ...stepFinder(finder, { kind: 'wake' }, now)];
    };
    const written = (effects: readonly FinderEffect[]): FinderEffect[] =>
      effects.flatMap((effect) => (effect.kind === 'write' ? step({ kind: 'written', counter: effect.counter }) : []));
    const told = (effects: readonly FinderEffect[]): string[] =>
      effects.flatMap((effect) => (effect.kind === 'send' ? [`${effect.connection}: ${effect.message.kind}`] : []));
    const claim = (worker: number): Message => ({
      kind: 'claim',
      worker,
      boot: String(worker).repeat(32),
      generation: 0,
      checkpoints: [],
      state: 'unsaid',
      from: 0,
      removed: 0,
      kept: [],
    });

    written(step({ kind: 'loaded', record: undefined, start: '5'.repeat(16), cluster: 'c'.repeat(32) }));
    for (const connection of [0, 1]) {
      step({ kind: 'opened', connection, role: 'worker', cluster: undefined, stamp: undefined });
    }
    const claimed = step({ kind: 'frame', connection: 0, message: claim(0) });
    assert.deepEqual(told(claimed), []);
    // There is room for one worker, and the first one has it, if this Finder lives until that is durable.
    const refused = step({ kind: 'frame', connection: 1, message: claim(1) });
    assert.deepEqual(told(refused), []);
    assert.deepEqual(told(written([...claimed, ...refused])), ['0: claimed', '1: error']);
  });
});
