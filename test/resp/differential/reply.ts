/** Replies of RESP2 and RESP3, as bytes and as trees. */

const CR = 13;
const AGGREGATES = '*~%>';
const PAIRED = '%';
const SIZED = '$=!';

/** One reply, or a part of one. */
export interface Reply {
  /** The byte that it begins with. */
  readonly type: string;
  /** The text of a leaf, each byte a letter; undefined: null, of any type. */
  readonly text: string | undefined;
  /** Of arrays, sets, maps and pushes; those of a map are keys and values in turn. */
  readonly items: readonly Reply[] | undefined;
}

interface Found {
  readonly reply: Reply;
  readonly end: number;
}

/** The reply that begins at a place; undefined while it is not complete. */
function read(bytes: Buffer, at: number): Found | undefined {
  const lineEnd = bytes.indexOf(CR, at);
  if (lineEnd < 0 || lineEnd + 2 > bytes.length) return undefined;
  const type = String.fromCharCode(bytes[at] ?? 0);
  const line = bytes.toString('latin1', at + 1, lineEnd);
  const next = lineEnd + 2;
  if (type === '_' || line === '-1') {
    const isNull = type === '_' || AGGREGATES.includes(type) || SIZED.includes(type);
    return { reply: { type, text: isNull ? undefined : line, items: undefined }, end: next };
  }
  if (AGGREGATES.includes(type)) return readItems(bytes, type, Number(line) * (type === PAIRED ? 2 : 1), next);
  if (!SIZED.includes(type)) return { reply: { type, text: line, items: undefined }, end: next };
  const end = next + Number(line);
  if (end + 2 > bytes.length) return undefined;
  return { reply: { type, text: bytes.toString('latin1', next, end), items: undefined }, end: end + 2 };
}

function readItems(bytes: Buffer, type: string, count: number, from: number): Found | undefined {
  const items: Reply[] = [];
  let at = from;
  for (let item = 0; item < count; item++) {
    const found = read(bytes, at);
    if (found === undefined) return undefined;
    items.push(found.reply);
    at = found.end;
  }
  return { reply: { type, text: undefined, items }, end: at };
}

/** @returns where the reply ends that begins at a place; undefined while it is not complete */
export function replyEnd(bytes: Buffer, at: number): number | undefined {
  return at < bytes.length ? read(bytes, at)?.end : undefined;
}

/** @throws Error when the bytes are not one reply */
export function parseReply(bytes: Buffer): Reply {
  const found = read(bytes, 0);
  if (found?.end !== bytes.length)
    throw new Error(`this is not one reply: ${JSON.stringify(bytes.toString('latin1'))}`);
  return found.reply;
}

export function isErrorReply({ type }: Reply): boolean {
  return type === '-' || type === '!';
}

/** Null, nothing, 0, an empty list, or an empty page that is the last one: what a command answers for a key that is not there. */
export function isEmptyReply({ type, text, items }: Reply): boolean {
  if (items?.length === 2) return items[0]?.text === '0' && items[1]?.items?.length === 0;
  if (items !== undefined) return items.length === 0;
  return text === undefined || text === '' || (type === ':' && text === '0');
}

const SHOWN = 300;

/** A reply as a person reads it. */
export function showReply(reply: Reply): string {
  const text = show(reply);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}… (${text.length} letters)`;
}

function show({ type, text, items }: Reply): string {
  if (items !== undefined) return `${type}[${items.map(show).join(', ')}]`;
  return text === undefined ? `${type}null` : `${type}${JSON.stringify(text)}`;
}
