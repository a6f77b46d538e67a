import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { type Config, ConfigError, parseConfig, type Target } from './config.ts';
import { meantBy } from './stack-config.ts';

const PREFIX = 'dpr:';

/** The secrets of a stack, for whoever cannot decrypt its file, by their keys. They win over the file. */
export type Secrets = { readonly controlToken?: string | undefined; readonly clientToken?: string | undefined };

/** Where Pulumi keeps a stack's configuration, relative to the project. */
export function stackFileName(stack: string): string {
  return `Pulumi.${stack}.yaml`;
}

/**
 * Reads the `dpr:` part of a stack's file, as in `await readStackFile('Pulumi.dev.yaml', 'local')`.
 *
 * @throws ConfigError for everything that the administrator can mend in the file, its absence included
 */
export async function readStackFile(file: string, target: Target, secrets: Secrets = {}): Promise<Config> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError([{ key: file, text: unreadable(error) }]);
  });
  return parseStackText(text, path.basename(file), target, secrets);
}

/**
 * The same for a text already read.
 *
 * @param name what errors call the file
 */
export function parseStackText(text: string, name: string, target: Target, secrets: Secrets = {}): Config {
  const stack = parseYaml(text, name);
  const config = isRecord(stack) ? stack.config : undefined;
  if (!isRecord(config)) {
    throw new ConfigError([{ key: name, text: 'has no "config:" with keys such as "dpr:workers" in it: add them' }]);
  }
  const own = Object.entries(config).filter(([key]) => key.startsWith(PREFIX));
  // `pulumi config set` writes numbers into the file as texts, those that were there before too.
  const raw = Object.fromEntries(
    own.map(([key, value]) => [key.slice(PREFIX.length), typeof value === 'string' ? meantBy(key, value) : value]),
  );
  return parseConfig({ ...withoutEncrypted(raw, name, secrets), ...given(secrets) }, target);
}

function unreadable(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    return 'does not exist: name another stack or file, or write it as infra/README.md shows';
  }
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

function parseYaml(text: string, name: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ key: name, text: `is not YAML: ${reason}` }]);
  }
}

/** Pulumi writes a secret as `{ secure: … }`, which nobody else can read. */
function withoutEncrypted(raw: Record<string, unknown>, name: string, secrets: Secrets): Record<string, unknown> {
  const hidden = Object.keys(raw).filter((key) => isRecord(raw[key]) && 'secure' in raw[key]);
  const unknown = hidden.filter((key) => secrets[key as keyof Secrets] === undefined);
  if (unknown.length === 0) return raw;
  throw new ConfigError(
    unknown.map((key) => {
      const variable = `DPR_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
      const text = `is encrypted in ${name}, for Pulumi only: set it in the environment, as ${variable}`;
      return { key: `${PREFIX}${key}`, text };
    }),
  );
}

function given(secrets: Secrets): Partial<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
