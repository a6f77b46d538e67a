import type { Host } from './host.ts';

/** A timer for state machines that say after each step when they want to be woken. */
export interface Alarm {
  /** Ring at `at`, in the time of the host's `now()`, or earlier; Infinity asks for nothing. */
  set(at: number): void;
  cancel(): void;
}

/** One that is set already and rings this much too late is left alone, since steps may name the same time a little differently. */
const TOLERANCE_MS = 1;

/** An alarm may ring too early: a ring costs nothing, while setting a timer for every step would. */
export function alarm(host: Host, ring: () => void): Alarm {
  let dueAt = Infinity;
  let cancel: (() => void) | undefined;

  function rings(): void {
    dueAt = Infinity;
    cancel = undefined;
    ring();
  }

  return {
    set(at) {
      if (at === Infinity || at > dueAt - TOLERANCE_MS) return;
      cancel?.();
      dueAt = at;
      const delay = at - host.now();
      if (delay <= 0) {
        const immediate = host.setImmediate(rings);
        cancel = () => host.clearImmediate(immediate);
      } else {
        const timer = host.setTimeout(rings, Math.ceil(delay));
        cancel = () => host.clearTimeout(timer);
      }
    },
    cancel() {
      cancel?.();
      cancel = undefined;
      dueAt = Infinity;
    },
  };
}
