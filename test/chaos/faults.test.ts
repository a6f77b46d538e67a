import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type Fault,
  type Recovery,
  injectFaults,
  type Injection,
  TargetError,
  type FaultRun,
  type Target,
} from '@dpr/chaos';
import { countAbortListeners } from '../abort-listeners.ts';

const KILL: Fault = { kind: 'kill' };

/** A cluster that only writes down what is done to it. */
function fakeTarget(recovered: (name: string, signal: AbortSignal) => Promise<number>) {
  const log: string[] = [];
  const target: Target = {
    victims: () =>
      Promise.resolve([
        { name: 'dpr-finder', role: 'finder' },
        { name: 'counter-0', role: 'worker' },
      ]),
    inject: ({ name }, fault) => {
      log.push(`${fault.kind} ${name}`);
      return Promise.resolve({
        since: performance.now(),
        recovered: async (signal) => {
          const tookMs = await recovered(name, signal);
          log.push(`${name} is back`);
          return { tookMs };
        },
      });
    },
    release: () => void log.push('release'),
  };
  return { target, log };
}

const runOn = (target: Target, rest: Partial<FaultRun> = {}): FaultRun => ({
  target,
  schedule: {
    seed: 1,
    firstMs: 0,
    intervalMs: 0,
    restMs: 0,
    count: 2,
    durationMs: Infinity,
    choice: { kind: 'sequence', entries: [['finder'], ['finder', 'counter-0']] },
  },
  fault: KILL,
  patienceMs: 5_000,
  signal: new AbortController().signal,
  injected: () => undefined,
  recovered: () => undefined,
  ...rest,
});

/** Waits for the signal alone. */
const never = async (signal: AbortSignal) => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

describe('faults', () => {
  it('leave nothing behind at the signals that end them', async () => {
    const { target } = fakeTarget(() => Promise.resolve(1));
    const schedule = { ...runOn(target).schedule, count: 50 };
    const enough = new AbortController().signal;
    const counted = await countAbortListeners(() => injectFaults(runOn(target, { schedule, enough })));
    assert.ok(counted.most <= 2, `${counted.most} listeners at one signal after 50 faults`);
    assert.equal(counted.combined, 0);
  });

  it('wait until every victim serves again, and tell of each', async () => {
    const { target, log } = fakeTarget((name) => Promise.resolve(name.length));
    const injections: Injection[] = [];
    const recoveries: Recovery[] = [];
    await injectFaults(
      runOn(target, { injected: (one) => injections.push(one), recovered: (one) => recoveries.push(one) }),
    );
    assert.deepEqual(log.slice(0, 4), ['kill dpr-finder', 'dpr-finder is back', 'kill dpr-finder', 'kill counter-0']);
    assert.deepEqual(log.slice(4).sort(), ['counter-0 is back', 'dpr-finder is back', 'release']);
    assert.equal(log.at(-1), 'release');
    assert.deepEqual(
      injections.map(({ index, victims }) => [index, victims.length]),
      [
        [0, 1],
        [1, 2],
      ],
    );
    assert.deepEqual(
      recoveries.map(({ index, tookMs }) => [index, tookMs]),
      [
        [0, 10],
        [1, 10],
        [1, 9],
      ],
    );
  });

  it('name a victim that does not come back', async () => {
    const { target, log } = fakeTarget((_, signal) => never(signal));
    await assert.rejects(
      injectFaults(runOn(target, { patienceMs: 1 })),
      new TargetError('dpr-finder does not serve again 1.0 ms after fault 1'),
    );
    assert.equal(log.at(-1), 'release');
  });

  it('end when they are told to, and let go of every victim', async () => {
    const controller = new AbortController();
    const { target, log } = fakeTarget((_, signal) => never(signal));
    await injectFaults(runOn(target, { signal: controller.signal, injected: () => controller.abort() }));
    assert.deepEqual(log, ['kill dpr-finder', 'release']);
  });

  it('let stopped victims go on, too, when another one cannot have the fault', async () => {
    const { target, log } = fakeTarget((_, signal) => never(signal));
    const partly: Target = {
      ...target,
      async inject(victim, fault) {
        if (victim.role === 'finder') throw new TargetError('not allowed');
        await new Promise((resolve) => setImmediate(resolve));
        return target.inject(victim, fault);
      },
    };
    const { schedule } = runOn(partly);
    const both = { ...schedule, choice: { kind: 'sequence', entries: [['all']] } } as const;
    await assert.rejects(injectFaults(runOn(partly, { schedule: both })), new TargetError('not allowed'));
    assert.deepEqual(log, ['kill counter-0', 'release']);
  });

  it('pass on why a victim cannot have the fault', async () => {
    const { target, log } = fakeTarget(() => Promise.resolve(0));
    const cannot = { ...target, inject: () => Promise.reject(new TargetError('not allowed')) };
    await assert.rejects(injectFaults(runOn(cannot)), new TargetError('not allowed'));
    assert.deepEqual(log, ['release']);
  });
});
