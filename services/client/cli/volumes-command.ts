/** `dpr volumes`: what the workers of this machine's cluster have on their disks, also those that were removed. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  bytesText,
  deleteOnDisk,
  holdsCheckpoints,
  listGenerations,
  timeText,
  type GenerationOnDisk,
} from '@dpr/runtime/generations';
import { patience } from '@dpr/runtime/time-limit';
import { connectOperator, type ClusterStatus } from '../operator/operator.ts';
import { UsageError } from './error-report.ts';
import { table } from './format.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** Whose volumes they are. */
export interface VolumesPlace {
  /** The directory of the cluster's data. */
  readonly data: string;
  /** How its Finder is reached; undefined: nothing runs there, and no address is given. */
  readonly settings: Settings | undefined;
}

/**
 * `inUse`: a member's · `removed`: its worker was removed, and not added again since · `kept`: of an earlier life of the id ·
 * `unknown`: in use or removed, and the Finder does not answer.
 */
type Use = 'inUse' | 'removed' | 'kept' | 'unknown';

interface Volume extends GenerationOnDisk {
  readonly worker: number;
  readonly type: string;
  readonly directory: string;
  readonly use: Use;
  /** It holds something, so that the worker can begin with it. */
  readonly canBeBroughtBack: boolean;
}

const USES: Readonly<Record<Use, string>> = {
  inUse: 'in use',
  removed: 'removed',
  kept: 'kept',
  unknown: 'in use or removed',
};
/** The Finder of a cluster that runs here answers far sooner. */
const STATUS_LIMIT_MS = 2_000;

export async function showVolumes(
  place: VolumesPlace,
  terminal: Terminal,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  const volumes = await findVolumes(place, terminal);
  if (json) {
    const shown = volumes.map(({ directory, worker, type, generation, use, bytes, writtenAt, canBeBroughtBack }) => {
      return { worker, type, generation, use, bytes, writtenAt, canBeBroughtBack, directory };
    });
    terminal.print(JSON.stringify(shown));
    return;
  }
  if (volumes.length === 0) {
    terminal.print(`There are no volumes in ${place.data}.`);
    return;
  }
  const rows = volumes.map(({ worker, type, generation, use, bytes, writtenAt, canBeBroughtBack }) => [
    String(worker),
    type,
    String(generation),
    bytesText(bytes),
    timeText(writtenAt),
    USES[use],
    canBeBroughtBack ? 'yes' : 'no',
  ]);
  terminal.print(table([['WORKER', 'TYPE', 'GEN', 'SIZE', 'WRITTEN (UTC)', 'STATE', 'CAN BE BROUGHT BACK'], ...rows]));
}

export async function deleteVolume(
  place: VolumesPlace,
  terminal: Terminal,
  worker: number,
  generation: number,
  { yes = false, json = false }: { readonly yes?: boolean; readonly json?: boolean },
): Promise<void> {
  const volumes = (await findVolumes(place, terminal)).filter((one) => one.worker === worker);
  const volume = volumes.find((one) => one.generation === generation);
  const name = `generation ${generation} of worker ${worker}`;
  if (volume === undefined) throw new Error(`there is no ${name} in ${place.data}; 'dpr volumes' lists what there is`);
  const { directory, use, bytes, writtenAt, type } = volume;
  if (use === 'inUse') throw new Error(`${name} is in use: remove the worker first`);
  if (use === 'unknown')
    throw new Error(`${name} may be in use, and the Finder does not answer: start the cluster first`);
  const newest = volumes.find((one) => one.directory === directory && !one.kept);
  if (newest !== undefined && newest !== volume && !(await holdsCheckpoints(directory, newest.generation))) {
    throw new Error(
      `generation ${newest.generation} of worker ${worker} has no checkpoint yet, and may be about to begin with ${name}: let it begin first`,
    );
  }
  const what = `${name} (${type}, ${bytesText(bytes)}, written ${timeText(writtenAt)})`;
  if (!yes) throw new UsageError(`this would delete ${what}, and nothing brings it back; --yes does it`);
  await deleteOnDisk(directory, generation);
  terminal.print(json ? JSON.stringify({ deleted: { worker, type, generation, bytes } }) : `deleted ${what}`);
}

async function findVolumes({ data, settings }: VolumesPlace, terminal: Terminal): Promise<Volume[]> {
  const status = settings && (await statusOf(settings, terminal));
  const found: Volume[] = [];
  for (const [directory, type, worker] of await directoriesOf(data)) {
    for (const one of await listGenerations(directory)) {
      const use = useOf(one, worker, status);
      const canBeBroughtBack = use !== 'inUse' && (await holdsSomething(directory, one.generation));
      found.push({ ...one, worker, type, directory, use, canBeBroughtBack });
    }
  }
  return found.sort((a, b) => a.worker - b.worker || b.generation - a.generation);
}

/** What cannot be read cannot be brought back. */
async function holdsSomething(directory: string, generation: number): Promise<boolean> {
  try {
    return await holdsCheckpoints(directory, generation);
  } catch {
    return false;
  }
}

function useOf({ kept, generation }: GenerationOnDisk, worker: number, status: ClusterStatus | undefined): Use {
  if (kept) return 'kept';
  if (status === undefined) return 'unknown';
  return status.workers.some((member) => member.id === worker && member.generation <= generation) ? 'inUse' : 'removed';
}

async function statusOf(settings: Settings, { signal }: Terminal): Promise<ClusterStatus | undefined> {
  const connectTimeoutMs = Math.min(STATUS_LIMIT_MS, settings.connectTimeoutMs);
  const limit = patience({ signals: [signal], ms: connectTimeoutMs });
  try {
    const operator = await connectOperator({ ...settings, connectTimeoutMs, signal: limit.signal });
    try {
      return await operator.status({ signal: limit.signal });
    } finally {
      operator.close();
    }
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    limit.end();
  }
}

const DIRECTORY = /^([a-z](?:[-a-z0-9]*[a-z0-9])?)-(\d{1,5})$/;

/** Of each worker that ever had one: its path, type and id. */
async function directoriesOf(data: string): Promise<[string, string, number][]> {
  let names: string[];
  try {
    names = await readdir(data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${data} cannot be read: ${reason}. --data names the directory of the cluster`);
  }
  return names.flatMap((name) => {
    const [, type, id] = DIRECTORY.exec(name) ?? [];
    return type === undefined ? [] : [[path.join(data, name), type, Number(id)] as [string, string, number]];
  });
}
