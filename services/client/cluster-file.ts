/** `cluster.json`, which `npm start` keeps in the data directory of a cluster on this machine: what runs there, for other programs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isLocked } from '@dpr/runtime/storage';
import { parseAddress } from './addresses.ts';

export const CLUSTER_FILE = 'cluster.json';

/** What the file says. It is replaced as a whole at each change, and removed when the cluster stops. */
export interface ClusterFile {
  /** The process that keeps the others running. When it is gone, nothing here is true any more. */
  readonly supervisor: number;
  /** Where clients and operators connect, as `ws://host:port`. */
  readonly cluster: string;
  readonly control: string;
  readonly config: string;
  readonly processes: readonly ClusterProcess[];
}

export interface ClusterProcess {
  /** Unique, and the same over restarts: `dpr-finder`, `counter-0`. */
  readonly name: string;
  readonly role: 'finder' | 'worker';
  /** Of a worker. */
  readonly id?: number;
  readonly type?: string;
  /** Null while there is no process. */
  readonly pid: number | null;
  readonly phase: string;
  /** When this phase began, ms since 1970. */
  readonly since: number;
  /** How many times it was started again since the cluster was. */
  readonly restarts: number;
  readonly ports: { readonly public: number; readonly admin: number; readonly control?: number };
  readonly dataDirectory: string;
  readonly log: string;
}

/**
 * The cluster that runs with its data in a directory; undefined when none does. A file alone is not believed: a machine that lost power,
 * or a supervisor that was killed, leaves one that names processes which are other programs' by now. The supervisor's lock tells for
 * certain.
 */
export async function runningCluster(directory: string): Promise<ClusterFile | undefined> {
  const file = clusterFile(readIfThere(path.join(directory, CLUSTER_FILE)));
  if (file === undefined || !isAlive(file.supervisor)) return undefined;
  return (await isLocked(directory)) ? file : undefined;
}

/** Undefined when it is none of this project. */
function clusterFile(text: string | undefined): ClusterFile | undefined {
  if (text === undefined) return undefined;
  try {
    const file = JSON.parse(text) as ClusterFile;
    for (const address of [file.cluster, file.control]) parseAddress(address);
    return Array.isArray(file.processes) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** A process of another user is alive too, and may not be signalled. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A file that cannot be read, as when it is another user's, is as good as missing. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
