/** Files that survive crashes: the Finder's record, a worker's volume of checkpoints, and the lock on a directory. */
export type { Disk, DiskFile, OpenMode } from './disk.ts';
export { nodeDisk, prepareDirectory } from './node-disk.ts';
export { type TwoSlotFile, openTwoSlotFile } from './two-slot-file.ts';
export { type Claim, type ClaimedVolume, type Survey, claimVolume, findState, surveyVolume } from './volume.ts';
export type {
  Restored,
  RestoredState,
  RestoreReader,
  StateChain,
  StatePiece,
  StateReader,
  StateSource,
} from './checkpoint-reader.ts';
export type { CheckpointStore } from './checkpoint-store.ts';
export type { NewCheckpoint, SessionsSection, StateSection, StreamedSection } from './part-writer.ts';
export type { Checkpoint, CleanMarker, FinderStamp, Identity } from './manifest.ts';
export { isLocked, type VolumeLock, volumeLock } from './volume-lock.ts';
export {
  AppendBlockedError,
  CheckpointDroppedError,
  StateTooLargeError,
  StorageDamagedError,
  StorageLimitError,
  SupersededError,
  VolumeLockedError,
  VolumeLostError,
  WrongVolumeError,
  isGone,
  systemCode,
} from './errors.ts';
export * from './limits.ts';
