/** A promise that is settled from outside. */
export interface Deferred<T = void> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** One whose rejection may stay unseen: it ends no process. */
export function deferred<T = void>(): Deferred<T> {
  const made = unwatched<T>();
  made.promise.catch(ignore);
  return made;
}

/** One that the caller hands to who waits for it: an unseen rejection ends the process. */
export function unwatched<T = void>(): Deferred<T> {
  const promise = new Promise<T>(take);
  const { resolve, reject } = taken;
  taken = NONE; // these functions hold the promise, and what waits for it
  return { promise, resolve: resolve as Deferred<T>['resolve'], reject };
}

interface Taken {
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}
const NONE: Taken = { resolve: ignore, reject: ignore };

/** What settles the promise that is being made. */
let taken = NONE;

/** One function for all promises: one for each, with its variables, would be a third of what such a promise takes. */
function take(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  taken = { resolve, reject };
}

function ignore(): void {
  // the promise tells of it
}
