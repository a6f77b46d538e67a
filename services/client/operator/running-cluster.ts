/** `cluster.json`, which `npm start` keeps in the data directory of a cluster on this machine: what runs there, for other programs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseJson, type Schema } from '@dpr/runtime/outside-data';
import { isLocked } from '@dpr/runtime/storage';
import * as z from 'zod/mini';
import { parseAddress } from '../connection/addresses.ts';

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
  /** `resp`: for Redis clients. */
  readonly ports: {
    readonly public: number;
    readonly admin: number;
    readonly control?: number;
    readonly resp?: number;
  };
  readonly dataDirectory: string;
  readonly log: string;
}

/**
 * The cluster that runs with its data in a directory; undefined when none does. A file alone is not believed: a machine that lost power,
 * or a supervisor that was killed, leaves one that names processes which are other programs' by now. The supervisor's lock tells for
 * certain.
 *
 * @throws OutsideDataError when a cluster runs there and its file is not one that this version reads
 */
export async function runningCluster(directory: string): Promise<ClusterFile | undefined> {
  const file = path.join(directory, CLUSTER_FILE);
  const text = readIfThere(file);
  if (text === undefined || !(await isLocked(directory))) return undefined;
  const found = parseJson(CONTENT, text, { what: `the file ${file}`, remedy: REMEDY });
  return isAlive(found.supervisor) ? found : undefined;
}

const REMEDY =
  'A cluster runs there, perhaps of another version: stop it and start it with this one, or remove the file and start it again';

const ADDRESS = z.string().check(z.refine(isAddress, { error: 'this is no address, such as "ws://127.0.0.1:6379"' }));

const PROCESS = z.object({
  name: z.string(),
  role: z.enum(['finder', 'worker'], { error: 'this is neither "finder" nor "worker"' }),
  id: z.exactOptional(z.number()),
  type: z.exactOptional(z.string()),
  pid: z.nullable(z.number()),
  phase: z.string(),
  since: z.number(),
  restarts: z.number(),
  ports: z.object({
    public: z.number(),
    admin: z.number(),
    control: z.exactOptional(z.number()),
    resp: z.exactOptional(z.number()),
  }),
  dataDirectory: z.string(),
  log: z.string(),
});

const CONTENT: Schema<ClusterFile> = z.object({
  supervisor: z.number(),
  cluster: ADDRESS,
  control: ADDRESS,
  config: z.string(),
  processes: z.array(PROCESS),
});

function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
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
