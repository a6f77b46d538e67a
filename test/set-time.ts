/** Time that passes only when a test says so. */
import type { Time } from '@dpr/runtime/repeated-failures';

export interface SetTime {
  readonly time: Time;
  /** Lets time pass, and everything happen that is due, each at its moment. */
  readonly pass: (ms: number) => void;
  /** How many things are still to happen. */
  readonly timers: () => number;
}

export function setTime(): SetTime {
  const due = new Set<{ readonly at: number; readonly ring: () => void }>();
  let now = 0;
  return {
    time: {
      now: () => now,
      after(ms, ring) {
        const timer = { at: now + ms, ring };
        due.add(timer);
        return () => due.delete(timer);
      },
    },
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        due.delete(next);
        now = next.at;
        next.ring();
      }
      now = end;
    },
    timers: () => due.size,
  };
}
