/** A host whose time passes when a test says so, and a little with each look at the clock. */
import type { Host, Timer } from '../../../services/runtime/host.ts';

export interface ManualHost extends Pick<
  Host,
  'now' | 'setTimeout' | 'clearTimeout' | 'setImmediate' | 'clearImmediate'
> {
  /** Let time pass, and run what is due, in order: as in an event loop, turns that wait for nothing come before a timer. */
  pass(ms: number): void;
  /** The thread is busy for so long: time passes, and nothing runs. */
  work(ms: number): void;
  /** Run the turns that wait for nothing but their turn. @returns whether there were any */
  runImmediates(): boolean;
  /** Timers and immediates that are set. */
  waiting(): number;
  /** The timers that are set: in how many ms they are due. */
  dueIn(): number[];
}

/** @param lookMs what a look at the clock takes */
export function manualHost(lookMs = 0): ManualHost {
  let time = 0;
  const timers = new Map<Timer, { readonly at: number; readonly run: () => void }>();
  const immediates = new Map<Timer, () => void>();

  function runImmediates(): boolean {
    const due = [...immediates];
    for (const [timer, run] of due) if (immediates.delete(timer)) run();
    return due.length > 0;
  }

  return {
    now: () => (time += lookMs),
    setTimeout(run, ms) {
      const timer = {};
      timers.set(timer, { at: time + ms, run });
      return timer;
    },
    clearTimeout(timer) {
      if (timer !== undefined) timers.delete(timer);
    },
    setImmediate(run) {
      const timer = {};
      immediates.set(timer, run);
      return timer;
    },
    clearImmediate(timer) {
      if (timer !== undefined) immediates.delete(timer);
    },
    pass(ms) {
      const end = time + ms;
      for (;;) {
        while (time <= end && runImmediates());
        const [next] = [...timers].sort(([, a], [, b]) => a.at - b.at);
        if (next === undefined || next[1].at > end) break;
        const [timer, { at, run }] = next;
        timers.delete(timer);
        time = Math.max(time, at);
        run();
      }
      time = Math.max(time, end);
    },
    work: (ms) => void (time += ms),
    runImmediates,
    waiting: () => timers.size + immediates.size,
    dueIn: () => [...timers.values()].map(({ at }) => at - time),
  };
}

/** The value of a promise that needs turns of the host. */
export async function settled<T>(host: ManualHost, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const done = promise.finally(() => (isSettled = true));
  done.catch(() => undefined);
  while (!isSettled) {
    for (let ticks = 0; ticks < 5 && !isSettled; ticks++) await Promise.resolve();
    if (!isSettled) host.runImmediates();
  }
  return done;
}
