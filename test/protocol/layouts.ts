/**
 * Reads frames by nothing but the layouts that WIRE.md states, in the plain values of its JSON: a second implementation of the
 * protocol, made from the document, to which the codec is compared.
 */

/** What a layout says, as a tree. */
export type Shape =
  | { readonly is: 'number'; readonly bytes: number }
  | { readonly is: 'flag' }
  | { readonly is: 'identity'; readonly bytes: number }
  | { readonly is: 'text'; readonly maxBytes: number }
  | { readonly is: 'word'; readonly words: readonly string[] }
  | { readonly is: 'optional'; readonly item: Shape }
  | { readonly is: 'list'; readonly item: Shape; readonly max: number }
  | { readonly is: 'map'; readonly value: Shape; readonly max: number }
  | { readonly is: 'struct'; readonly fields: readonly [string, Shape][] };

const NUMBER_BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** @throws Error when `layout` is not in the vocabulary of WIRE.md's section "Bytes". */
export function parseLayout(layout: string): Shape {
  const bytes = NUMBER_BYTES[layout];
  if (bytes !== undefined) return { is: 'number', bytes };
  if (layout === 'u8 (0 or 1)') return { is: 'flag' };
  const rest = (pattern: RegExp): string[] | undefined => pattern.exec(layout)?.slice(1);

  const [identityBytes] = rest(/^(\d+) bytes$/) ?? [];
  if (identityBytes !== undefined) return { is: 'identity', bytes: Number(identityBytes) };
  const [maxBytes] = rest(/^u16 length \(<= (\d+)\), UTF-8$/) ?? [];
  if (maxBytes !== undefined) return { is: 'text', maxBytes: Number(maxBytes) };
  const [item] = rest(/^u8 present \(0 or 1\), if 1: (.*)$/) ?? [];
  if (item !== undefined) return { is: 'optional', item: parseLayout(item) };
  const [maxEntries, value] = rest(/^u32 count \(<= (\d+)\), each: u32 worker, (.*)$/) ?? [];
  if (value !== undefined) return { is: 'map', value: parseLayout(value), max: Number(maxEntries) };
  const [maxItems, each] = rest(/^u32 count \(<= (\d+)\), each: (.*)$/) ?? [];
  if (each !== undefined) return { is: 'list', item: parseLayout(each), max: Number(maxItems) };
  const [words] = rest(/^u8: (.*)$/) ?? [];
  if (words !== undefined) return { is: 'word', words: words.split(', ').map((word) => word.replace(/^\d+ /, '')) };
  const [body] = rest(/^\{ (.*) \}$/) ?? [];
  if (body !== undefined) return { is: 'struct', fields: splitFields(body).map(parseField) };
  throw new Error(`'${layout}' is not a layout of section "Bytes"`);
}

function parseField(field: string): [string, Shape] {
  const colon = field.indexOf(': ');
  return [field.slice(0, colon), parseLayout(field.slice(colon + 2))];
}

/** Split at the semicolons that are not inside inner braces. */
function splitFields(body: string): string[] {
  const fields: string[] = [];
  let field = '';
  let depth = 0;
  for (const part of body.split(/(\{ | \}|; )/)) {
    if (part === '; ' && depth === 0) {
      fields.push(field);
      field = '';
      continue;
    }
    if (part === '{ ') depth++;
    if (part === ' }') depth--;
    field += part;
  }
  return [...fields, field];
}

/** A place in a frame; reading moves it on. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

export function readNumber(cursor: Cursor, bytes: number): number {
  const value =
    bytes === 8 ? Number(cursor.bytes.readBigUInt64LE(cursor.at)) : cursor.bytes.readUIntLE(cursor.at, bytes);
  cursor.at += bytes;
  return value;
}

export function readHex(cursor: Cursor, bytes: number): string {
  cursor.at += bytes;
  return cursor.bytes.toString('hex', cursor.at - bytes, cursor.at);
}

export function readMap(cursor: Cursor, count: number, value: Shape): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, () => [readNumber(cursor, 4), readShape(cursor, value)]));
}

/** The value at the cursor, as WIRE.md writes it in JSON. */
export function readShape(cursor: Cursor, shape: Shape): unknown {
  switch (shape.is) {
    case 'number':
      return readNumber(cursor, shape.bytes);
    case 'flag':
      return readNumber(cursor, 1) === 1;
    case 'identity':
      return readHex(cursor, shape.bytes);
    case 'text':
      return Buffer.from(readHex(cursor, readNumber(cursor, 2)), 'hex').toString('utf8');
    case 'word':
      return shape.words[readNumber(cursor, 1)];
    case 'optional':
      return readNumber(cursor, 1) === 1 ? readShape(cursor, shape.item) : null;
    case 'list':
      return Array.from({ length: readNumber(cursor, 4) }, () => readShape(cursor, shape.item));
    case 'map':
      return readMap(cursor, readNumber(cursor, 4), shape.value);
    case 'struct':
      return Object.fromEntries(shape.fields.map(([name, field]) => [name, readShape(cursor, field)]));
  }
}

/** The JSON value as the codec takes it: maps as Map, what is absent as undefined. */
export function revive(shape: Shape, plain: unknown): unknown {
  switch (shape.is) {
    case 'optional':
      return plain === null ? undefined : revive(shape.item, plain);
    case 'list':
      return (plain as unknown[]).map((one) => revive(shape.item, one));
    case 'map':
      return reviveMap(plain);
    case 'struct': {
      const values = plain as Readonly<Record<string, unknown>>;
      return Object.fromEntries(shape.fields.map(([name, field]) => [name, revive(field, values[name])]));
    }
    default:
      return plain;
  }
}

export function reviveMap(plain: unknown): Map<number, number> {
  return new Map(Object.entries(plain as Record<string, number>).map(([worker, value]) => [Number(worker), value]));
}
