import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import {
  type Config,
  ConfigError,
  outsideConfig,
  parseConfig,
  type Problem,
  type Target,
  withoutPrefix,
} from './config.ts';
import { meantBy } from './stack-config.ts';

const PREFIX = 'dpr:';

/** The secrets of a stack, for a program that cannot decrypt its file, by their keys. They win over the file. */
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
  const top = isRecord(stack) ? stack : {};
  const { config } = top;
  const strays = [...outsideConfig(Object.keys(top)), ...withoutPrefix(isRecord(config) ? Object.keys(config) : [])];
  if (strays.length > 0) throw new ConfigError(strays.map(({ key, text }) => ({ key: `${name}: ${key}`, text })));
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

/**
 * What Pulumi reads over in a stack's file without a word: keys that are surely ours and stand outside `config:`. Nothing of a file
 * that is not there, or not YAML: Pulumi has its configuration from elsewhere then, or says so itself.
 */
export async function straysInFile(file: string): Promise<Problem[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const { contents } = parseDocument(text);
  const keys = isMap(contents) ? contents.items.map(({ key }) => (isScalar(key) ? String(key.value) : '')) : [];
  const found = outsideConfig(keys);
  return found.map(({ key, text: what }) => ({ key: `${path.basename(file)}: ${key}`, text: what }));
}

function unreadable(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    return 'does not exist: name another stack or file, or write it as infra/README.md shows';
  }
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

/** With anchors, aliases and merge keys (`<<`), as Pulumi reads them. */
function parseYaml(text: string, name: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { merge: true, lineCounter: lines });
  const [second] = document.errors.filter(({ code }) => code === 'MULTIPLE_DOCS');
  if (second !== undefined) {
    const { line } = lines.linePos(second.pos[0]);
    const text = `has several documents, and only one is read: remove the "---" at line ${line}`;
    throw new ConfigError([{ key: name, text }]);
  }
  try {
    for (const error of document.errors) throw error;
    return document.toJS();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const place = reason.includes(' at line ') ? '' : placeOf(document, lines);
    throw new ConfigError([{ key: name, text: `is not YAML: ${reason}${place}` }]);
  }
}

/** Of the first alias without an anchor, or merge key without a map: the library tells no place for these. */
function placeOf(document: Document, lines: LineCounter): string {
  let found: Node | undefined;
  const target = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
  visit(document, (_key, node) => {
    if (isAlias(node) && node.resolve(document) === undefined) found = node;
    else if (isPair(node) && isScalar(node.key) && node.key.source === '<<') {
      const sources = isSeq(node.value) ? node.value.items : [node.value];
      if (!sources.every((source) => isMap(target(source)))) found = node.key;
    }
    return found === undefined ? undefined : visit.BREAK;
  });
  const [start] = found?.range ?? [];
  if (start === undefined) return '';
  const { line, col } = lines.linePos(start);
  return ` at line ${line}, column ${col}`;
}

/** Pulumi writes a secret as `{ secure: … }`, which Pulumi alone can read. */
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
