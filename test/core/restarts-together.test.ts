import { createFinder, FINDER_DEFAULTS, stepFinder, type FinderEffect, type FinderEvent } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import assert from 'node:assert/strict';

const WORKERS = [0, 1];

/** A Finder that two workers serve under, and what processes of theirs do. */
function servingCluster() {
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 1 });
  const begun: number[] = [];
  let now = 0;
  /** One event, and what is written for it. */
  const step = (event: FinderEvent): void => {
    now += FINDER_DEFAULTS.writeSpacingMs;
    stepFinder(finder, event, now).forEach(perform);
  };
  const perform = (effect: FinderEffect): void => {
    if (effect.kind === 'write') step({ kind: 'written', counter: effect.counter });
    if (effect.kind === 'log' && effect.event === 'rollback') begun.push(Number(effect.details.worldLine));
  };
  const connectionOf = (worker: number, incarnation: number): number => 10 * incarnation + worker;
  const bootOf = (worker: number, incarnation: number): string => `${incarnation}${worker}`.padEnd(32, '0');

  /** A process begins: it is let in as that incarnation, and every earlier one is fenced. */
  const claim = (worker: number, incarnation: number): void => {
    const connection = connectionOf(worker, incarnation);
    step({ kind: 'opened', connection, role: 'worker', cluster: undefined, stamp: undefined });
    const message: Message = {
      ...{ kind: 'claim', worker, boot: bootOf(worker, incarnation), generation: incarnation === 1 ? 0 : 1 },
      ...{ checkpoints: [], state: 'unsaid', from: 0, removed: 0, kept: [] },
    };
    step({ kind: 'frame', connection, message });
  };
  const register = (worker: number, incarnation: number): void => {
    const connection = connectionOf(worker, incarnation);
    const message: Message = {
      ...{ kind: 'register', worker, generation: 1, incarnation, boot: bootOf(worker, incarnation) },
      ...{ type: 'text', host: '', port: 6380, checkpoints: [], clean: undefined },
    };
    step({ kind: 'frame', connection, message });
  };
  /** The process was told of the present world-line, and says so. */
  const serve = (worker: number, incarnation: number): void => {
    const connection = connectionOf(worker, incarnation);
    const { worldLine } = finder.record;
    const message: Message = { kind: 'graph', worker, generation: 1, incarnation, worldLine, checkpoints: [] };
    step({ kind: 'frame', connection, message });
  };
  const crash = (worker: number, incarnation: number): void =>
    step({ kind: 'closed', connection: connectionOf(worker, incarnation) });
  const waitForOthers = (): void => {
    now += FINDER_DEFAULTS.decisionGraceMs;
    step({ kind: 'wake' });
  };

  step({ kind: 'loaded', record: undefined, start: '5'.repeat(16), cluster: 'c'.repeat(32) });
  for (const worker of WORKERS) {
    claim(worker, 1);
    register(worker, 1);
    serve(worker, 1);
  }
  /** `begun`: the world-lines that a rollback began. */
  return { begun, claim, register, serve, crash, waitForOthers };
}

describe('two workers that crash together', () => {
  const crashed = () => {
    const cluster = servingCluster();
    for (const worker of WORKERS) cluster.crash(worker, 1);
    return cluster;
  };

  it('cost one world-line where both are let in before it: what it takes of both is not taken again', () => {
    const { begun, claim, register, serve } = crashed();
    for (const worker of WORKERS) claim(worker, 2);
    for (const worker of WORKERS) {
      register(worker, 2);
      serve(worker, 2);
    }
    assert.deepEqual(begun, [2]);
  });

  it('cost one each where the second is let in after that of the first: its predecessor may have gone on until then', () => {
    const { begun, claim, register, serve, waitForOthers } = crashed();
    claim(0, 2);
    register(0, 2);
    assert.deepEqual(begun, [], 'the second may be let in before it');
    waitForOthers();
    serve(0, 2);
    claim(1, 2);
    register(1, 2);
    assert.deepEqual(begun, [2, 3]);
  });

  it('cost another one where a process crashes that was let in before it, and registered', () => {
    const { begun, claim, register, serve, crash } = crashed();
    for (const worker of WORKERS) claim(worker, 2);
    for (const worker of WORKERS) {
      register(worker, 2);
      serve(worker, 2);
    }
    crash(1, 2);
    claim(1, 3);
    register(1, 3);
    assert.deepEqual(begun, [2, 3]);
  });
});
