import path from 'node:path';
import { ConfigError } from '@dpr/infra/config';
import { prepareDirectory, type VolumeLock, volumeLock } from '@dpr/runtime/storage';
import { type Desired, readDesired } from './desired.ts';
import type { Options } from './options.ts';
import { obstacles, processesOf } from './preflight.ts';

/** Why the cluster cannot be started, one sentence each for the administrator. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export type Prepared = { readonly desired: Desired; readonly lock: VolumeLock };

/**
 * Reads the config, and makes sure that its processes can start and that no other `npm start` has the data directory.
 *
 * @throws StartError
 */
export async function prepare(options: Options): Promise<Prepared> {
  const desired = await readDesired(options).catch((error: unknown) => {
    throw error instanceof ConfigError ? new StartError(error.message.split('\n')) : error;
  });
  const lock = await lockData(options.data);
  const problems = await obstacles(processesOf(desired.plan), options.host, new Set());
  if (problems.length === 0) return { desired, lock };
  await lock.release();
  throw new StartError(problems);
}

async function lockData(data: string): Promise<VolumeLock> {
  try {
    await prepareDirectory(data);
    await prepareDirectory(logDirectory(data));
    return await volumeLock(data);
  } catch (error) {
    throw new StartError([error instanceof Error ? error.message : String(error)]);
  }
}

/** Where the logs of a cluster are. */
export function logDirectory(data: string): string {
  return path.join(data, 'logs');
}
