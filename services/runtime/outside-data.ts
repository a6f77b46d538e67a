/**
 * Data that another program wrote, another version of this one, or a person: parsed by a schema where it enters, with an error that
 * names the key which is wrong and what to do. The schema is one of zod, which is left to those who need it.
 */

/** Data from outside is not what its reader needs. */
export class OutsideDataError extends Error {
  override readonly name = 'OutsideDataError';
}

/** What this asks of a schema. */
export interface Schema<Value> {
  safeParse(
    data: unknown,
  ):
    | { readonly success: true; readonly data: Value }
    | { readonly success: false; readonly error: { readonly issues: readonly Issue[] } };
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Of a type that is wrong. */
  readonly expected?: string;
}

export interface Source {
  /** What was read, in words: `the file /data/cluster.json`. */
  readonly what: string;
  /** What the reader of the error can do: a sentence. */
  readonly remedy: string;
}

/** An error names no more keys than this. */
const MAX_NAMED_ISSUES = 3;
const MAX_SHOWN_CHARACTERS = 60;

/** @throws OutsideDataError when the text is no JSON, or the data does not fit the schema */
export function parseJson<Value>(schema: Schema<Value>, text: string, source: Source): Value {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw failure(source, text.trim() === '' ? 'it is empty' : `it is no JSON, and begins with ${shown(text)}`);
  }
  return checkData(schema, data, source);
}

/** @throws OutsideDataError when the data does not fit the schema */
export function checkData<Value>(schema: Schema<Value>, data: unknown, source: Source): Value {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const { issues } = result.error;
  const more = issues.length > MAX_NAMED_ISSUES ? `, and ${issues.length - MAX_NAMED_ISSUES} more` : '';
  const named = issues.slice(0, MAX_NAMED_ISSUES).map((issue) => described(issue, data));
  throw failure(source, named.join(', ') + more);
}

function failure({ what, remedy }: Source, problem: string): OutsideDataError {
  return new OutsideDataError(`${what} cannot be used: ${problem}. ${remedy}`);
}

function described({ path, message, expected }: Issue, data: unknown): string {
  const key = path.length === 0 ? 'the whole' : keyOf(path);
  if (expected === undefined) return `${key}: ${message}`;
  const value = path.reduce<unknown>((inside, name) => (inside as Record<PropertyKey, unknown>)[name], data);
  return value === undefined ? `${key} is missing` : `${key} is ${kindOf(value)} and not ${withArticle(expected)}`;
}

/** `items[0].metadata.uid` */
function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((name) =>
      typeof name === 'number' ? `[${name}]` : /^\w+$/.test(String(name)) ? `.${String(name)}` : `['${String(name)}']`,
    )
    .join('')
    .replace(/^\./, '');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return withArticle(Array.isArray(value) ? 'array' : typeof value);
}

function withArticle(noun: string): string {
  return noun === 'null' ? noun : `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS));
}
