import assert from 'node:assert/strict';
import { workerWakeAt, type WorkerEffect } from '@dpr/core';
import { batchOf, servingWorker } from './serving-worker.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOON = 1_800_000_000_000;
const RESULTS = new Uint8Array(8);

/** A worker in which something executes at every moment, and whose clock is off by `skew` ms, which depends on the time since noon. */
function busyWorker(skew: (ms: number) => number, base = 0) {
  const wallAt = (ms: number): number => NOON + ms + skew(ms);
  const { worker, step } = servingWorker(() => RESULTS, { startWall: wallAt(0), base, maxVersionJump: 2 * DAY_MS });
  let sequence = 0;
  /** When each version was sealed, and its number. */
  const seals: { readonly at: number; readonly version: number }[] = [];
  const take = (effects: readonly WorkerEffect[], at: number): void => {
    for (const effect of effects) {
      if (effect.kind !== 'checkpoint') continue;
      const { version } = effect.info;
      seals.push({ at, version });
      take(step({ kind: 'durable', worldLine: 1, version }, at, wallAt(at)), at);
    }
  };
  return {
    seals,
    version: (): number => worker.version,
    wakeAt: (): number => workerWakeAt(worker),
    /** A batch of a session that has seen this version. */
    execute(at: number, seen = 0): void {
      const messages = [batchOf(++sequence, { version: seen, acknowledged: sequence - 1 })];
      take(step({ kind: 'clientFrames', connection: 1, messages }, at, wallAt(at)), at);
    },
    wake: (at: number): void => take(step({ kind: 'wake' }, at, wallAt(at)), at),
  };
}

type Busy = ReturnType<typeof busyWorker>;

/** Let time pass, a millisecond at a time: workers wake when they want, and execute a batch each time; `passes` may send more. */
function run(workers: readonly Busy[], from: number, to: number, passes: (ms: number) => void = () => undefined): void {
  for (let ms = from; ms < to; ms++) {
    for (const worker of workers) {
      if (worker.wakeAt() <= ms) worker.wake(ms);
      worker.execute(ms);
    }
    passes(ms);
  }
}

const timesOf = ({ seals }: Busy): number[] => seals.map(({ at }) => at);
const every100 = (from: number, to: number): number[] =>
  Array.from({ length: (to - from) / 100 }, (_, index) => from + 100 * index);

describe('the clock by which a worker seals', () => {
  it('is the wall clock, as long as that goes on', () => {
    const worker = busyWorker(() => 0);
    run([worker], 1, 1000);
    assert.deepEqual(timesOf(worker), every100(100, 1000));
    assert.deepEqual(
      worker.seals.slice(1).map(({ version }) => version),
      every100(100, 900).map((ms) => NOON + ms),
    );
  });

  for (const [how, skew] of Object.entries({
    'set back by a day': (ms: number) => (ms < 500 ? DAY_MS : 0),
    'set back by a little': (ms: number) => (ms < 500 ? 0 : -30),
    'set back again and again': (ms: number) => (ms < 500 ? DAY_MS : ms < 700 ? DAY_MS / 2 : -DAY_MS),
  })) {
    it(`goes on by monotonic time when the wall clock is ${how}: a seal each interval, as before`, () => {
      const worker = busyWorker(skew);
      run([worker], 1, 1500);
      assert.deepEqual(timesOf(worker), every100(100, 1500));
    });
  }

  it('goes along with a wall clock that is set forward', () => {
    const worker = busyWorker((ms) => (ms < 550 ? 0 : DAY_MS));
    run([worker], 1, 1000);
    assert.ok(worker.version() >= NOON + DAY_MS);
    assert.deepEqual(timesOf(worker), [100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  it('begins at what the volume holds, when that is ahead: a seal each interval from the start', () => {
    const worker = busyWorker(() => 0, NOON + DAY_MS);
    run([worker], 1, 1000);
    assert.deepEqual(timesOf(worker), every100(100, 1000));
  });

  it('follows a peer that is ahead, by less or more than an interval, in one seal for each of the peer’s', () => {
    for (const ahead of [30, 50, 250, DAY_MS + 70]) {
      const fast = busyWorker(() => ahead);
      const right = busyWorker(() => 0);
      run([fast, right], 1, 2000, (ms) => right.execute(ms, fast.version()));
      const [own, peers] = [right, fast].map((one) => one.seals.filter(({ at }) => at >= 500).length);
      assert.equal(peers, 15, `${ahead} ms ahead: seals of the peer`);
      assert.equal(own, 15, `${ahead} ms ahead: seals of the worker with the right clock`);
    }
  });

  it('does not push the peer that is ahead into more seals, with anything that they send each other', () => {
    for (const ahead of [30, 50, 250, DAY_MS + 70]) {
      const fast = busyWorker(() => ahead);
      const right = busyWorker(() => 0);
      run([fast, right], 1, 2000, (ms) => {
        if (ms % 7 === 0) right.execute(ms, fast.version());
        if (ms % 5 === 0) fast.execute(ms, right.version());
      });
      for (const { seals } of [fast, right]) assert.equal(seals.filter(({ at }) => at >= 500).length, 15);
    }
  });

  it('paces a worker by itself once the peer that pushed it is silent', () => {
    const worker = busyWorker(() => 0);
    run([worker], 1, 400);
    worker.execute(400, NOON + DAY_MS);
    run([worker], 401, 1400);
    assert.deepEqual(
      timesOf(worker).filter((at) => at > 400),
      every100(500, 1400),
    );
  });
});
