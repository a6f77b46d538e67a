/** A promise that is settled from outside. */
export interface Deferred<T = void> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** One whose rejection may stay unseen: it ends no process. */
export function deferred<T = void>(): Deferred<T> {
  const made = unwatched<T>();
  made.promise.catch(() => undefined);
  return made;
}

/** One that the caller hands to who waits for it: an unseen rejection ends the process. */
export function unwatched<T = void>(): Deferred<T> {
  let resolve!: Deferred<T>['resolve'];
  let reject!: Deferred<T>['reject'];
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
