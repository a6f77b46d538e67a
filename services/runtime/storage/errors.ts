/** What is on the disk is not what was written there; the message names the file and says what can be done. */
export class StorageDamagedError extends Error {
  override readonly name = 'StorageDamagedError';
}

/** @param what is wrong with a checkpoint, and where */
export function unusable(what: string): StorageDamagedError {
  return new StorageDamagedError(
    `${what}: this checkpoint cannot be restored. Restore the directory from a backup, or remove ` +
      'the worker by force and add it again with state: empty in its entry, which loses what it held',
  );
}

/** A later incarnation took the volume over; this process has to stop. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

/** The files of the volume are not under their names any more; nothing that is written to them counts. */
export class VolumeLostError extends Error {
  override readonly name = 'VolumeLostError';
}

/** The volume belongs to another cluster, worker or generation. */
export class WrongVolumeError extends Error {
  override readonly name = 'WrongVolumeError';
}

/** An earlier checkpoint could not be written and has to be retried (or dropped) before this one. */
export class AppendBlockedError extends Error {
  override readonly name = 'AppendBlockedError';
}

/** The checkpoint was still being written when a rollback dropped its version; it was not appended. */
export class CheckpointDroppedError extends Error {
  override readonly name = 'CheckpointDroppedError';
}

/** A limit of `limits.ts` is reached. */
export class StorageLimitError extends Error {
  override readonly name = 'StorageLimitError';
}

/** What is to be restored does not fit into the memory that this process may use. */
export class StateTooLargeError extends Error {
  override readonly name = 'StateTooLargeError';
}

/** Another process uses the directory. */
export class VolumeLockedError extends Error {
  override readonly name = 'VolumeLockedError';
}

const SYSTEM_CODE = /^E[A-Z0-9]+$/;

/** The `code` of a system error (`ENOENT`, `EIO`, …); undefined for defects, also those to which Node gives a code. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return SYSTEM_CODE.test(error.code) ? error.code : undefined;
}

/** The error of an operation whose file, or a directory above it, is not there. */
export function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
