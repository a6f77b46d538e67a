/** A promise that is settled from outside. */
export interface Deferred<T = void> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** One whose rejection may stay unseen: it ends no process. */
export function deferred<T = void>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => undefined);
  if (settle === undefined) throw new Error('a promise calls its executor at once');
  return { promise, ...settle };
}

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
  forget: () => void = () => undefined,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const aborted = (): void => {
      forget();
      reject(signal.reason as Error);
    };
    if (signal.aborted) aborted();
    else onAbort(signal, aborted);
    void promise.then(resolve, reject).finally(() => waiting.get(signal)?.delete(aborted));
  });
}
