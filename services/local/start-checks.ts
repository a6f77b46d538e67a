import path from 'node:path';
import { ConfigError } from '@dpr/infra/config';
import type { LocalProcess } from '@dpr/infra/plan';
import { prepareDirectory, type VolumeLock, volumeLock } from '@dpr/runtime/storage';
import { type Desired, desiredBy, readConfig } from './desired-cluster.ts';
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
  const config = await readConfig(options).catch((error: unknown) => {
    throw startErrorOf(error);
  });
  const lock = await lockData(options.data);
  try {
    const desired = desiredBy(config, options);
    const processes = processesOf(desired.plan);
    const taken = consoleProblems(options, processes);
    const problems = [...taken, ...(await obstacles(processes, options.host, new Set()))];
    if (problems.length > 0) throw new StartError(problems);
    return { desired, lock };
  } catch (error) {
    await lock.release();
    throw startErrorOf(error);
  }
}

/** The console would be there first. */
function consoleProblems({ consolePort = 0 }: Options, processes: readonly LocalProcess[]): string[] {
  return processes
    .filter(({ ports }) => Object.values<number | undefined>(ports).includes(consolePort))
    .map(({ name }) => `--console-port ${consolePort} is a port of ${name}: choose another one`);
}

/** Mistakes in the config are the administrator's to mend; anything else is as it was. */
function startErrorOf(error: unknown): unknown {
  return error instanceof ConfigError ? new StartError(error.message.split('\n')) : error;
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
