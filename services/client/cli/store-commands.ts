/** What the commands for stores do. */
import type { Found, SetOptions } from '../session/store.ts';
import { NotDoneError } from './error-report.ts';
import type { Terminal } from './terminal.ts';
import { read, write, type Asked, type WriteWords } from './worker-calls.ts';

const DONE = { perhaps: 'done it', surely: () => 'did it' };

export type SetWords = WriteWords & Pick<SetOptions, 'ifAbsent' | 'ifPresent'> & { readonly ttl?: number };

export async function readKey(asked: Asked, key: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  const { worker, terminal } = asked;
  const found = await read(asked, (session, signal) => session.store(worker).get(key, { signal }));
  if (found === undefined) throw new NotDoneError(`worker ${worker} has no key '${key}'`);
  terminal.print(json ? JSON.stringify({ worker, key, ...foundJson(found) }) : textOf(found.value, terminal));
}

/** A time to live is in seconds. */
export async function setKey(
  asked: Asked,
  key: string,
  value: string,
  { ifAbsent, ifPresent, ttl, json = false, ...words }: SetWords,
): Promise<void> {
  const { worker, terminal } = asked;
  const timeToLiveMs = ttl === undefined ? undefined : Math.ceil(ttl * 1_000);
  const options = { ifAbsent, ifPresent, timeToLiveMs };
  const revision = await write(asked, words, (session) => session.store(worker).set(key, value, options), DONE);
  if (revision === undefined) {
    const why = ifAbsent === true ? `has the key '${key}' already` : `has no key '${key}'`;
    throw new NotDoneError(`worker ${worker} ${why}`);
  }
  const done = { worker, key, revision, committed: words.commit === true };
  terminal.print(json ? JSON.stringify(done) : `revision ${revision}`);
}

export async function deleteKeys(
  asked: Asked,
  keys: readonly string[],
  { json = false, ...words }: WriteWords,
): Promise<void> {
  const { worker, terminal } = asked;
  const were = await write(asked, words, (session) => session.store(worker).deleteAll(keys), DONE);
  const deleted = were.filter((was) => was).length;
  const done = { worker, deleted, committed: words.commit === true };
  terminal.print(json ? JSON.stringify(done) : `${deleted} of ${keys.length} deleted`);
}

/** A value that is no text is told in base64. */
function foundJson({ value, revision, expiresAt }: Found): object {
  const text = textIn(value);
  const shown = text === undefined ? { valueBase64: Buffer.from(value).toString('base64') } : { value: text };
  return { ...shown, revision, ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }) };
}

function textOf(value: Uint8Array, { say }: Terminal): string {
  const text = textIn(value);
  if (text !== undefined) return text;
  say('The value is no text; this is base64.');
  return Buffer.from(value).toString('base64');
}

function textIn(value: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}
