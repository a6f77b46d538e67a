/** What the application is told of a rollback, in operations. */

/** Operations `first` to `first + count - 1` of the session, all for one worker. */
export interface LostOperations {
  readonly worker: number;
  readonly first: number;
  readonly count: number;
}

/** What a failure did to a session. Operations are named by their numbers in the session, as in `Outcome.operation`. */
export interface RollbackReport {
  /** The world-line that the cluster is in now. */
  readonly worldLine: number;
  /** The last operation that survived, 0 if none did. Every one up to it did, but for `exceptions`. */
  readonly lastSurvivor: number;
  /** Operations that executed, or may have, and were lost. */
  readonly lost: readonly LostOperations[];
  /** How many those are. */
  readonly lostCount: number;
  /** Those of `lost` before `lastSurvivor`: they were in flight together with what overtook them. Never in a strict session. */
  readonly exceptions: readonly LostOperations[];
  /** Operations that were never sent and will not be; none when replaying. */
  readonly unsent: readonly LostOperations[];
  /** Whether the session issues the lost operations again by itself. */
  readonly replaying: boolean;
}
