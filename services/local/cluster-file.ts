import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Phase } from './events.ts';

/** In the data directory of a cluster on one machine: what runs there, for other programs. */
export const CLUSTER_FILE = 'cluster.json';

/** What `cluster.json` says. It is replaced as a whole at each change, and removed when the cluster stops. */
export type ClusterFile = {
  /** The process that keeps the others running. When it is gone, nothing here is true any more. */
  readonly supervisor: number;
  /** Where clients and operators connect, as `ws://host:port`. */
  readonly cluster: string;
  readonly control: string;
  readonly config: string;
  readonly processes: readonly ClusterProcess[];
};

export type ClusterProcess = {
  /** Unique, and the same over restarts: `dpr-finder`, `counter-0`. */
  readonly name: string;
  readonly role: 'finder' | 'worker';
  /** Of a worker. */
  readonly id?: number;
  readonly type?: string;
  /** Null while there is no process. */
  readonly pid: number | null;
  readonly phase: Phase;
  /** When this phase began, ms since 1970. */
  readonly since: number;
  /** How many times it was started again since the cluster was. */
  readonly restarts: number;
  readonly ports: { readonly public: number; readonly admin: number; readonly control?: number };
  readonly dataDirectory: string;
  readonly log: string;
};

/** Readers see the old file or the new one, never a part. */
export function writeClusterFile(dataDirectory: string, content: ClusterFile): void {
  const file = path.join(dataDirectory, CLUSTER_FILE);
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o644 });
  renameSync(draft, file);
}

/**
 * What runs in a data directory; undefined when nothing does.
 *
 * @throws Error when the file cannot be read or is not of this project
 */
export function readClusterFile(dataDirectory: string): ClusterFile | undefined {
  const file = path.join(dataDirectory, CLUSTER_FILE);
  const content = readIfThere(file);
  if (content === undefined) return undefined;
  const cluster = JSON.parse(content) as ClusterFile;
  return isAlive(cluster.supervisor) ? cluster : undefined;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
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
