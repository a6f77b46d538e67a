/** What a worker type tells the session of its results: how the bytes are read, and which operations failed. */

/** @typeParam Results what the bytes of one batch's results become */
export interface ResultsFormat<Results> {
  /** The type's name in the stack's config. */
  readonly name: string;

  /**
   * Called once for the results of each batch, which may hold the operations of many calls; without it, `Results` are the bytes. The
   * bytes stay valid, and nothing may change them.
   *
   * @param count how many operations the batch has
   * @throws any error when these are no results of as many operations: the calls then reject with ProtocolError
   */
  decodeResults?(results: Uint8Array, count: number): Results;

  /** For types whose operations can fail by themselves, while others of their batch succeed. */
  readonly failures?: FailureFormat<Results>;
}

export interface FailureFormat<Results> {
  /**
   * The places of the operations that failed among the `count` of a batch, rising from 0. Called once for each batch, so it is quick
   * when none failed.
   */
  find(results: Results, count: number): readonly number[];

  /**
   * What a call rejects with that has failed operations. If the application looks at no such call, `session.commit()` rejects with
   * the error of these operations, as if they were a call of their own.
   */
  error(failed: FailedOperations<Results>): Error;
}

/** The operations of one call, some of which failed. */
export interface FailedOperations<Results> {
  /** The worker's id. */
  readonly worker: number;
  /** Which operations of the call failed, counted from 0. */
  readonly indexes: readonly number[];
  /** The same by their numbers in the session, as in `Outcome.operation`. */
  readonly operations: readonly number[];
  /** The result of each operation of the call, also of those that succeeded. */
  readonly read: <Value>(read: (results: Results, index: number) => Value) => Value[];
}
