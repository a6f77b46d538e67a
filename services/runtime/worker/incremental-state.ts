/**
 * What an author of a worker type with a large state implements, in place of the three functions of `StateObject`: each checkpoint then
 * costs what changed since the last one, and a rollback undoes in memory. The harness owns everything else: when a version is sealed, when
 * parts of the base are written, what the disk holds, and to which version the worker goes back.
 *
 * Everything is called from one thread, one call after another. First `load`, then any number of the others. A *version* is what
 * executed between two seals; versions rise. The object keeps, for each version that may still be rolled back, what its keys had been
 * before (undo) beside what they became (changes). Effects are physical (a key and its new bytes, or that it is gone), so that
 * a base slice taken at any moment of a version is right once that version's changes, and those of later ones, are applied over it.
 */
export interface IncrementalState {
  /**
   * Apply `count` operations in order, in the open version, and return their results, at most `MAX_BATCH_BYTES`.
   * @param operations must not be kept or changed after the call
   * @param now the worker's clock, ms since 1970: it never goes back while the process runs, and says nothing exact
   * @throws MalformedOperations before anything is changed; anything else that is thrown ends the process
   */
  apply(operations: Uint8Array, count: number, now: number): Uint8Array;

  /**
   * End the open version and name it `version`, in constant time; the next one is open from then on.
   * @returns its changes, which the harness has encoded bit by bit while the next version executes
   */
  seal(version: number): SealedChanges;

  /**
   * Undo, in memory, everything that executed after `version`: the open version, and all sealed ones above it. It is never below what
   * `committed` said, nor below what was loaded. The changes of the versions undone are not asked for any more.
   */
  rollback(version: number): void;

  /** No rollback goes below `version` any more: the undo of versions up to it can be given back, in constant time here, by `release`. */
  committed(version: number): void;

  /** Give back up to `count` records that nothing needs since `committed`. @returns whether there are more */
  release(count: number): boolean;

  /** What undo takes now, in bytes of memory: of the open version, and of those that are sealed and not committed. */
  undoBytes(): number;

  /** About how many bytes the base takes when all of it is written. */
  baseBytes(): number;

  /**
   * A part of the base, of about `maxBytes` at most (a single record may be larger), as it is now.
   * A key that exists all the way from position 0 to the end, and that nothing changes meanwhile, is in one of the slices.
   * @param position 0: the beginning; otherwise the `next` of an earlier slice, perhaps one from before a rollback
   */
  base(position: number, maxBytes: number): BaseSlice;

  /** Begin with the empty state, in place of whatever there is. @returns what takes the chunks of a checkpoint */
  load(): StateLoader;
}

/** The changes of a sealed version. */
export interface SealedChanges {
  /**
   * The next chunk, of about `maxBytes` at most (a single record may be larger); undefined: that was all. Each change is in exactly one.
   * The harness keeps the chunk, and its bytes do not change any more.
   */
  next(maxBytes: number): Uint8Array | undefined;
}

export interface BaseSlice {
  /** A chunk, whose bytes do not change any more; empty if there was nothing at this position. */
  readonly bytes: Uint8Array;
  /** Where the next slice begins; undefined: the base ends here. */
  readonly next: number | undefined;
}

/** Takes a checkpoint back. */
export interface StateLoader {
  /**
   * One chunk that `base` or `next` returned, unchanged. They come in order: of each checkpoint of the chain first the base slices, then the
   * changes. What a chunk says of a key replaces what earlier ones said. Its bytes may change after the call.
   * @throws Error when the chunk cannot be understood; the worker then stops for an administrator to act
   */
  take(chunk: Uint8Array): void;
  /** That was all: the state is `version`, and committed. */
  end(version: number): void;
}
