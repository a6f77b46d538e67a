/** What the commands for stores do. */
import { unlessAborted } from '../abort.ts';
import type { Session } from '../session/session.ts';
import type { Found, SetOptions } from '../session/store.ts';
import { inTime, withWorkers } from './commands.ts';
import { NotDoneError } from './error-report.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** What is asked of a store, by whom. */
export interface Asked {
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly worker: number;
}

interface WriteWords {
  readonly commit?: boolean;
  readonly replay?: boolean;
  readonly json?: boolean;
}

export type SetWords = WriteWords & Pick<SetOptions, 'ifAbsent' | 'ifPresent'> & { readonly ttl?: number };

export async function readKey(
  { settings, terminal, worker }: Asked,
  key: string,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  await withWorkers(settings, terminal, async (cluster) => {
    const session = cluster.session({ replay: true }); // reading again does no harm
    const late = `worker ${worker} did not answer; 'dpr status' shows how it is`;
    const found = await inTime(settings, terminal, late, (signal) => session.store(worker).get(key, { signal }));
    if (found === undefined) throw new NotDoneError(`worker ${worker} has no key '${key}'`);
    terminal.print(json ? JSON.stringify({ worker, key, ...foundJson(found) }) : textOf(found.value, terminal));
  });
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
  const revision = await write(asked, words, (session) => {
    return session.store(worker).set(key, value, { ifAbsent, ifPresent, timeToLiveMs });
  });
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
  const were = await write(asked, words, (session) => session.store(worker).deleteAll(keys));
  const deleted = were.filter((was) => was).length;
  const done = { worker, deleted, committed: words.commit === true };
  terminal.print(json ? JSON.stringify(done) : `${deleted} of ${keys.length} deleted`);
}

async function write<Result>(
  { settings, terminal, worker }: Asked,
  { commit = false, replay = true }: WriteWords,
  call: (session: Session) => { readonly then: Promise<Result>['then']; readonly committed: Promise<Result> },
): Promise<Result> {
  let result: Result | undefined;
  await withWorkers(settings, terminal, async (cluster) => {
    const session = cluster.session({ replay });
    const called = call(session);
    const late = `worker ${worker} did not answer, and may have done it all the same; 'dpr status' shows how it is`;
    result = await inTime(settings, terminal, late, (signal) => unlessAborted(called.then(), signal));
    if (!commit) return;
    const uncommitted = `worker ${worker} did it, and that was not committed`;
    await inTime(settings, terminal, uncommitted, (signal) => session.commit({ signal }));
    result = await called.committed; // another one, if it was done again
  });
  return result as Result;
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
