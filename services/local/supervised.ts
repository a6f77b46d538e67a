import { volumeLock, VolumeLockedError } from '@dpr/runtime/storage';

/**
 * Whether somebody keeps the cluster of this directory running. `cluster.json` may have been left behind, as by a machine that
 * lost power, and name processes that are anybody's by now, also as the supervisor; the lock of the directory tells for certain.
 *
 * @throws Error when the directory cannot be looked at
 */
export async function isSupervised(dataDirectory: string): Promise<boolean> {
  try {
    const lock = await volumeLock(dataDirectory);
    await lock.release();
    return false;
  } catch (error) {
    if (error instanceof VolumeLockedError) return true;
    throw error;
  }
}
