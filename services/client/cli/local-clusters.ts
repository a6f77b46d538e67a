/** Clusters that `npm start` runs on this machine, found by what it writes into their data directories. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseAddress } from '../connection/addresses.ts';
import { readIfThere, runningCluster, type ClusterProcess } from '../operator/running-cluster.ts';
import { NotRunningError, UsageError } from './error-report.ts';

/** A cluster that runs here. */
export interface Here {
  /** Where its data is. */
  readonly directory: string;
  /** The Finder's public and control address. */
  readonly cluster: string;
  readonly control: string;
  /** What its control port asks for, unless its configuration says; that, only its administrator knows. */
  readonly controlToken: string | undefined;
  readonly processes: readonly ClusterProcess[];
}

/** As commander gives them. */
export interface PlaceWords {
  readonly stack?: string;
  readonly data?: string;
}

/** In the directory of the stacks' files: a directory for each stack's data. */
const STACKS_DIRECTORY = '.dpr';
/** Beside it, in a checkout. */
const PROJECT_FILE = 'Pulumi.yaml';
/** The stack of `npm start` where none is named. */
const DEFAULT_STACK = 'dev';
/** In a data directory: the token that `npm start` made. */
const CONTROL_TOKEN_FILE = 'control-token';

/**
 * Where the stacks' files are: the directory in which the command is called, or the nearest one above it that is a checkout in which a
 * cluster was started.
 */
export function stacksDirectory(directory: string): string {
  const hasStacks = (one: string): boolean => existsSync(path.join(one, STACKS_DIRECTORY));
  if (hasStacks(directory)) return directory;
  for (let one = directory; one !== path.dirname(one);) {
    one = path.dirname(one);
    if (hasStacks(one) && existsSync(path.join(one, PROJECT_FILE))) return one;
  }
  return directory;
}

/**
 * The clusters that run, of the stack or data directory that is named, or else of every stack of a directory.
 *
 * @throws NotRunningError when one is named that does not run
 */
export async function clustersHere({ stack, data }: PlaceWords, directory: string): Promise<Here[]> {
  const named = data ?? (stack === undefined ? undefined : path.join(STACKS_DIRECTORY, stack));
  if (named === undefined) {
    const found = await Promise.all(stacksOf(directory).map(clusterIn));
    return found.flatMap((one) => one ?? []);
  }
  const found = await clusterIn(path.resolve(directory, named));
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
export async function clusterIn(directory: string): Promise<Here | undefined> {
  const running = await runningCluster(directory);
  if (running === undefined) return undefined;
  const { cluster, control, processes } = running;
  const controlToken = readIfThere(path.join(directory, CONTROL_TOKEN_FILE))?.trim();
  return { cluster, control, processes, directory, controlToken: controlToken === '' ? undefined : controlToken };
}

/** Where workers of a cluster that runs here serve Redis clients, by their ids: at the same host as the Finder. */
export async function respAddresses(
  place: PlaceWords,
  directory: string,
  cluster: string,
): Promise<ReadonlyMap<number, string>> {
  const here = hereAt(await clustersHere(place, directory), 'cluster', cluster);
  const { hostname } = parseAddress(cluster);
  return new Map(
    (here?.processes ?? []).flatMap(({ id, ports: { resp } }): [number, string][] =>
      id === undefined || resp === undefined ? [] : [[id, `${hostname}:${resp}`]],
    ),
  );
}
