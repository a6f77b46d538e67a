/** The options that every command has, with what the environment says where they are not given. */
import { readFileSync } from 'node:fs';
import { DEFAULT_PORT } from '../addresses.ts';
import { UsageError } from './complaint.ts';

export const DEFAULT_CLUSTER = `ws://127.0.0.1:${DEFAULT_PORT}`;
export const DEFAULT_TIMEOUT_S = 5;

/** As commander gives them. */
export interface CommonOptions {
  readonly cluster?: string;
  readonly control?: string;
  readonly tokenFile?: string;
  readonly controlTokenFile?: string;
  readonly ca?: string;
  readonly timeout: number;
}

export interface Settings {
  readonly cluster: string;
  readonly control: string | undefined;
  readonly token: string | undefined;
  readonly controlToken: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly connectTimeoutMs: number;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** @throws UsageError when a file cannot be read */
export function settingsOf(options: CommonOptions, variables: Variables): Settings {
  return {
    cluster: options.cluster ?? given(variables.DPR_CLUSTER) ?? DEFAULT_CLUSTER,
    control: options.control ?? given(variables.DPR_CONTROL),
    token: tokenOf('client', options.tokenFile, variables.DPR_CLIENT_TOKEN, variables.DPR_CLIENT_TOKEN_FILE),
    controlToken: tokenOf(
      'control',
      options.controlTokenFile,
      variables.DPR_CONTROL_TOKEN,
      variables.DPR_CONTROL_TOKEN_FILE,
    ),
    ca: options.ca === undefined ? undefined : readText(options.ca, 'the certificate'),
    connectTimeoutMs: Math.ceil(options.timeout * 1_000), // signals take whole milliseconds only
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
