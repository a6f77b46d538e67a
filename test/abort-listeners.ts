/** Counts what calls leave at the signals that they are given. */

/* eslint-disable @typescript-eslint/unbound-method, no-restricted-properties -- they are put back, and it is what must not be called */
const { addEventListener, removeEventListener } = EventTarget.prototype;

export interface Counted {
  /** The most abort listeners that any one signal had at the same time. */
  readonly most: number;
  /** How often `AbortSignal.any` was asked, whose traces at a signal cannot be counted. */
  readonly combined: number;
}

/** Watches every signal of this process while something is done. */
export async function countAbortListeners(during: () => Promise<void>): Promise<Counted> {
  const listeners = new WeakMap<EventTarget, Set<unknown>>();
  const any = AbortSignal.any.bind(AbortSignal);
  let most = 0;
  let combined = 0;
  EventTarget.prototype.addEventListener = function (...args: Parameters<typeof addEventListener>) {
    if (args[0] === 'abort') {
      const known = listeners.get(this) ?? new Set();
      listeners.set(this, known.add(args[1]));
      most = Math.max(most, known.size);
    }
    addEventListener.apply(this, args);
  };
  EventTarget.prototype.removeEventListener = function (...args: Parameters<typeof removeEventListener>) {
    if (args[0] === 'abort') listeners.get(this)?.delete(args[1]);
    removeEventListener.apply(this, args);
  };
  AbortSignal.any = (signals) => {
    combined++;
    return any(signals);
  };
  try {
    await during();
  } finally {
    Object.assign(EventTarget.prototype, { addEventListener, removeEventListener });
    AbortSignal.any = any;
  }
  return { most, combined };
}
