/** Waiting for a promise that a signal may end. */

/** Who wants to know when a signal aborts. One listener serves all, since Node warns of signals that have many. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

function onAbort(signal: AbortSignal, aborted: () => void): void {
  const known = waiting.get(signal);
  if (known !== undefined) {
    known.add(aborted);
    return;
  }
  const all = new Set([aborted]);
  waiting.set(signal, all);
  signal.addEventListener('abort', () => all.forEach((one) => one()), { once: true });
}

/**
 * The promise, unless the signal aborts first: then its reason. What the promise stands for goes on all the same.
 * @param forget called when that happens: the caller waits for the promise no more
 */
export function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  forget?: () => void,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const aborted = (): void => {
      forget?.();
      reject(signal.reason as Error);
    };
    if (signal.aborted) aborted();
    else onAbort(signal, aborted);
    void promise.then(resolve, reject).finally(() => waiting.get(signal)?.delete(aborted));
  });
}
