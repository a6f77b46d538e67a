/** Clusters that `npm start` runs on this machine, found by what it writes into their data directories. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAddress } from '../addresses.ts';
import { NotRunningError, UsageError } from './complaint.ts';

/** A cluster that runs here. */
export interface Here {
  /** Where its data is. */
  readonly directory: string;
  /** The Finder's public and control address. */
  readonly cluster: string;
  readonly control: string;
  /** What its control port asks for, unless its configuration says; that, only its administrator knows. */
  readonly controlToken: string | undefined;
  readonly processes: readonly HereProcess[];
}

export interface HereProcess {
  /** Such as `dpr-finder` or `counter-0`. */
  readonly name: string;
  /** Null while there is no process. */
  readonly pid: number | null;
}

/** As commander gives them. */
export interface PlaceWords {
  readonly stack?: string;
  readonly data?: string;
}

/** In the directory of the stacks' files: a directory for each stack's data. */
const STACKS_DIRECTORY = '.dpr';
/** The stack of `npm start` where none is named. */
const DEFAULT_STACK = 'dev';
/** In a data directory: what runs there, and the token that `npm start` made. */
const CLUSTER_FILE = 'cluster.json';
const CONTROL_TOKEN_FILE = 'control-token';

/**
 * The clusters that run, of the stack or data directory that is named, or else of every stack of a directory.
 *
 * @throws NotRunningError when one is named that does not run
 */
export function clustersHere({ stack, data }: PlaceWords, directory: string): Here[] {
  const named = data ?? (stack === undefined ? undefined : path.join(STACKS_DIRECTORY, stack));
  if (named === undefined) return stacksOf(directory).flatMap((one) => clusterIn(one) ?? []);
  const found = clusterIn(path.resolve(directory, named));
  if (found !== undefined) return [found];
  const start = stack === undefined ? `npm start -- --data ${named}` : `npm start -- --stack ${stack}`;
  throw new NotRunningError(`no cluster runs with its data in ${named}: '${start}' starts it`);
}

/** The data directory that is named, or else that of the standard stack, whether anything runs there or not. */
export function dataDirectory({ stack = DEFAULT_STACK, data }: PlaceWords, directory: string): string {
  return path.resolve(directory, data ?? path.join(STACKS_DIRECTORY, stack));
}

/**
 * The one that is meant where no address is given. A directory in which a cluster was started before means that one: another that
 * happens to listen at the standard port is not its.
 *
 * @param clusters those that run in the directory
 * @returns undefined where no cluster was ever started
 * @throws NotRunningError when none of the directory's runs
 * @throws UsageError when it cannot be told which of several is meant
 */
export function theOneMeant(clusters: readonly Here[], directory: string): Here | undefined {
  if (clusters.length === 0 && existsSync(path.join(directory, STACKS_DIRECTORY))) throw noneRuns();
  return oneOf(clusters);
}

export function noneRuns(): NotRunningError {
  return new NotRunningError(
    "no cluster of this directory runs: 'npm start' starts one; --cluster, --stack or --data names another",
  );
}

function oneOf(clusters: readonly Here[]): Here | undefined {
  const [first, ...others] = clusters;
  if (others.length === 0) return first;
  const standard = clusters.find(({ directory }) => path.basename(directory) === DEFAULT_STACK);
  if (standard !== undefined) return standard;
  const names = clusters.map(({ directory }) => path.basename(directory)).sort();
  throw new UsageError(`clusters of several stacks run here, ${names.join(', ')}: name one with --stack`);
}

/** The one that an address, of the Finder's public or control port, belongs to. */
export function hereAt(clusters: readonly Here[], which: 'cluster' | 'control', address: string): Here | undefined {
  return clusters.find((here) => samePlace(here[which], address));
}

function samePlace(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)].map(({ hostname, port }) => {
    return `${hostname === 'localhost' ? '127.0.0.1' : hostname}:${port}`;
  });
  return a === b;
}

function stacksOf(directory: string): string[] {
  const stacks = path.join(directory, STACKS_DIRECTORY);
  try {
    return readdirSync(stacks).map((name) => path.join(stacks, name));
  } catch {
    return []; // there are none
  }
}

/** The cluster that runs with its data in a directory. */
export function clusterIn(directory: string): Here | undefined {
  const file = clusterFile(readIfThere(path.join(directory, CLUSTER_FILE)));
  if (file === undefined || !isAlive(file.supervisor)) return undefined;
  const controlToken = readIfThere(path.join(directory, CONTROL_TOKEN_FILE))?.trim();
  return { ...file, directory, controlToken: controlToken === '' ? undefined : controlToken };
}

type ClusterFile = Pick<Here, 'cluster' | 'control' | 'processes'> & { readonly supervisor: number };

/** What of the file matters here; undefined when it is none of this project. */
function clusterFile(text: string | undefined): ClusterFile | undefined {
  if (text === undefined) return undefined;
  try {
    const { supervisor, cluster, control, processes } = JSON.parse(text) as ClusterFile;
    for (const address of [cluster, control]) parseAddress(address);
    return Array.isArray(processes) ? { supervisor, cluster, control, processes } : undefined;
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

/** Whatever cannot be read, as when it is another user's, is as good as missing. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
