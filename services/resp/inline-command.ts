/** A command in one line, as a person types it: words with spaces between them, in quotes where they contain some. */
import type { Arguments } from './arguments.ts';

const QUOTE = 34;
const APOSTROPHE = 39;
const BACKSLASH = 92;
const LETTER_X = 120;
const ESCAPES: Readonly<Record<number, number>> = { 110: 10, 114: 13, 116: 9, 98: 8, 97: 7 };

/**
 * Read the line from byte `from` to `end`. Its words are written to `into.bytes`, which gets memory of its own.
 * @returns false where a quote has no end, or is followed by anything but a space
 */
export function readInline(line: Buffer, from: number, end: number, into: Arguments): boolean {
  into.bytes = Buffer.allocUnsafe(end - from);
  into.count = 0;
  let to = 0;
  let at = from;
  for (;;) {
    while (at < end && isSpace(line[at] ?? 0)) at++;
    if (at === end) return true;
    into.starts[into.count] = to;
    while (at < end && !isSpace(line[at] ?? 0)) {
      const byte = line[at] ?? 0;
      if (byte === QUOTE || byte === APOSTROPHE) {
        const after = readQuoted(line, at, end, into.bytes, to);
        if (after === undefined || (after.at < end && !isSpace(line[after.at] ?? 0))) return false;
        ({ at, to } = after);
      } else {
        into.bytes[to++] = byte;
        at++;
      }
    }
    into.ends[into.count++] = to;
  }
}

/** @returns where line and word go on; undefined: the quote has no end */
function readQuoted(line: Buffer, from: number, end: number, word: Buffer, to: number) {
  const quote = line[from] ?? 0;
  let written = to;
  for (let at = from + 1; at < end; at++) {
    const byte = line[at] ?? 0;
    if (byte === quote) return { at: at + 1, to: written };
    if (byte !== BACKSLASH || at + 1 === end) {
      word[written++] = byte;
      continue;
    }
    const next = line[++at] ?? 0;
    const hex = quote === QUOTE && next === LETTER_X ? hexOf(line, at + 1, end) : undefined;
    if (hex !== undefined) at += 2;
    else if (quote === APOSTROPHE && next !== APOSTROPHE) word[written++] = BACKSLASH;
    word[written++] = hex ?? (quote === QUOTE ? (ESCAPES[next] ?? next) : next);
  }
  return undefined;
}

function hexOf(line: Buffer, at: number, end: number): number | undefined {
  const digits = at + 2 <= end ? line.toString('latin1', at, at + 2) : '';
  return /^[0-9a-f]{2}$/i.test(digits) ? parseInt(digits, 16) : undefined;
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
