/** The options that every command has, with what the environment says where they are not given. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_PORT } from '../connection/addresses.ts';
import { NotRunningError, UsageError } from './error-report.ts';
import { clustersHere, hereAt, theOneMeant, type PlaceWords } from './local-clusters.ts';

export const DEFAULT_CLUSTER = `ws://127.0.0.1:${DEFAULT_PORT}`;
export const DEFAULT_TIMEOUT_S = 5;
/** How often it is looked whether a cluster that is waited for runs by now. */
const LOOK_MS = 100;

/** As commander gives them. */
export interface CommonOptions extends PlaceWords {
  readonly cluster?: string;
  readonly control?: string;
  readonly tokenFile?: string;
  readonly controlTokenFile?: string;
  readonly ca?: string;
  readonly timeout?: number;
  readonly json?: boolean;
}

export interface Settings {
  readonly cluster: string;
  readonly control: string | undefined;
  readonly token: string | undefined;
  readonly controlToken: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly connectTimeoutMs: number;
  /** Whether a refused connection may be followed by a better one: it is waited for if it was asked for, or will come back. */
  readonly awaitFinder: boolean;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * As `settingsOf`, but where it was asked for to wait, the cluster may be one that is only being started.
 *
 * @throws NotRunningError when it does not run in time
 */
export async function settingsInTime(
  options: CommonOptions,
  variables: Variables,
  directory: string,
  signal: AbortSignal,
): Promise<Settings> {
  const late = performance.now() + (options.timeout ?? 0) * 1_000;
  for (let timeout = options.timeout; ; timeout = (late - performance.now()) / 1_000) {
    try {
      return await settingsOf({ ...options, ...(timeout === undefined ? {} : { timeout }) }, variables, directory);
    } catch (error) {
      if (!(error instanceof NotRunningError) || performance.now() + LOOK_MS >= late) throw error;
    }
    await pause(LOOK_MS, undefined, { signal });
  }
}

/**
 * @param directory where the stacks' files are: what runs there needs no address, and its control port no token
 * @throws UsageError when a file cannot be read, or what is to be used is not clear
 * @throws NotRunningError when it is a cluster of this machine that does not run
 */
export async function settingsOf(options: CommonOptions, variables: Variables, directory: string): Promise<Settings> {
  const running = await clustersHere(options, directory);
  const isNamed = options.stack !== undefined || options.data !== undefined;
  const address = options.cluster ?? (isNamed ? undefined : given(variables.DPR_CLUSTER));
  const cluster = address ?? theOneMeant(running, directory)?.cluster ?? DEFAULT_CLUSTER;
  const own = hereAt(running, 'cluster', cluster);
  const control = options.control ?? given(variables.DPR_CONTROL) ?? own?.control;
  return {
    cluster,
    control,
    token: tokenOf('client', options.tokenFile, variables.DPR_CLIENT_TOKEN, variables.DPR_CLIENT_TOKEN_FILE),
    controlToken:
      tokenOf('control', options.controlTokenFile, variables.DPR_CONTROL_TOKEN, variables.DPR_CONTROL_TOKEN_FILE) ??
      (control === undefined ? undefined : hereAt(running, 'control', control)?.controlToken),
    ca: options.ca === undefined ? undefined : readText(options.ca, 'the certificate'),
    connectTimeoutMs: Math.ceil((options.timeout ?? DEFAULT_TIMEOUT_S) * 1_000), // signals take whole milliseconds only
    awaitFinder: options.timeout !== undefined || own !== undefined,
  };
}

function tokenOf(
  which: string,
  optionFile: string | undefined,
  variable: string | undefined,
  variableFile: string | undefined,
): string | undefined {
  const file = optionFile ?? (given(variable) === undefined ? given(variableFile) : undefined);
  return file === undefined ? given(variable) : readText(file, `the ${which} token`).trim();
}

/** An empty variable is one that is not set. */
function given(variable: string | undefined): string | undefined {
  return variable === '' ? undefined : variable;
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
