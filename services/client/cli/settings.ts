/** The options that every command has, with what the environment says where they are not given. */
import { readFileSync } from 'node:fs';
import { DEFAULT_PORT } from '../addresses.ts';
import { UsageError } from './complaint.ts';
import { clustersHere, hereAt, theOneHere, type PlaceWords } from './here.ts';

export const DEFAULT_CLUSTER = `ws://127.0.0.1:${DEFAULT_PORT}`;
export const DEFAULT_TIMEOUT_S = 5;

/** As commander gives them. */
export interface CommonOptions extends PlaceWords {
  readonly cluster?: string;
  readonly control?: string;
  readonly tokenFile?: string;
  readonly controlTokenFile?: string;
  readonly ca?: string;
  readonly timeout?: number;
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
 * @param directory where the stacks' files are: what runs there needs no address, and its control port no token
 * @throws UsageError when a file cannot be read, or what is to be used is not clear
 */
export function settingsOf(options: CommonOptions, variables: Variables, directory: string): Settings {
  const running = clustersHere(options, directory);
  const isNamed = options.stack !== undefined || options.data !== undefined;
  const address = options.cluster ?? (isNamed ? undefined : given(variables.DPR_CLUSTER));
  const cluster = address ?? theOneHere(running)?.cluster ?? DEFAULT_CLUSTER;
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
