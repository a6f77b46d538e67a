/** What a Redis client should not send, by seed, and how the replies to it are counted. */
import {
  MAX_ARGUMENTS,
  MAX_BULK_BYTES,
  MAX_COUNT_BYTES,
  MAX_GUEST_BULK_BYTES,
  MAX_INLINE_BYTES,
} from '../../services/resp/limits.ts';
import type { Random } from '../simulation/random.ts';
import { encodeCommand } from './stage.ts';

/** Keys of all inputs; a client beside has others. */
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const NUMBERS = ['0', '-0', '1', '-1', '2', '007', '65536', '9223372036854775807', '-9223372036854775808'];
const WRONG_NUMBERS = ['9223372036854775808', '1e400', '-inf', '+inf', 'nan', '0x10', '1.5', '(1', '[', '-', '+', ''];
const OPTIONS = [
  ...['NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'GET', 'EX', 'PX', 'KEEPTTL', 'WITHSCORES', 'WITHVALUES', 'REV'],
  ...[
    'BYSCORE',
    'BYLEX',
    'LIMIT',
    'COUNT',
    'MATCH',
    'TYPE',
    'LEFT',
    'RIGHT',
    'BEFORE',
    'AFTER',
    'WEIGHTS',
    'AGGREGATE',
  ],
  ...[
    'MIN',
    'MAX',
    'SUM',
    'STORE',
    'REPLACE',
    'DB',
    'ASYNC',
    'ENCODING',
    'LIST',
    'INFO',
    'DOCS',
    'SETNAME',
    'NO-EVICT',
  ],
];
const PATTERNS = ['*', '[', '[^', '\\', '?*?*?*?', `${'*a'.repeat(50)}b`, '[z-a]'];
/** Beside those of the worker type. */
const CONNECTION = [
  ...['MULTI', 'MULTI', 'EXEC', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH', 'HELLO', 'RESET', 'CLIENT', 'COMMAND', 'INFO'],
  ...['CONFIG', 'SELECT', 'PING', 'ECHO', 'TIME', 'WAIT', 'WAITAOF', 'AUTH', 'NOPE', 'EVAL', 'SUBSCRIBE', ''],
];
const HEADS = [
  ...[
    '*0\r\n',
    '*-1\r\n',
    '*-9\r\n',
    '*\r\n',
    '*x\r\n',
    '*1\n',
    '*1\r',
    '*1\r\n$-1\r\n',
    '*1\r\n$\r\n',
    '*2\r\n$4\r\nPING\r\n',
  ],
  ...['*1\r\n*1\r\n$4\r\nPING\r\n', `${'*1\r\n'.repeat(1000)}$1\r\nx\r\n`, '*1\r\n$4\r\nPINGxx', '*1\r\n:1\r\n'],
  ...[
    '%1\r\n',
    '~1\r\n',
    '>2\r\n',
    '_\r\n',
    '#t\r\n',
    ',1.5\r\n',
    '(1\r\n',
    '=7\r\ntxt:abc\r\n',
    '+OK\r\n',
    '-ERR\r\n',
    '$3\r\nGET\r\n',
  ],
  ...[
    `*${MAX_ARGUMENTS}\r\n`,
    `*${MAX_ARGUMENTS + 1}\r\n`,
    '*2147483648\r\n',
    '*9223372036854775808\r\n',
    `*${'9'.repeat(400)}\r\n`,
  ],
  ...[`*1\r\n$${MAX_BULK_BYTES}\r\n`, `*1\r\n$${MAX_BULK_BYTES + 1}\r\n`, '*1\r\n$9223372036854775808\r\n'],
  ...[`*${'0'.repeat(MAX_COUNT_BYTES - 1)}1\r\n`, `*${'0'.repeat(MAX_COUNT_BYTES)}1\r\n`],
];
const LINES = [
  ...[
    'PING',
    'GET "a',
    "GET 'a",
    'SET a "\\x"',
    'SET a "\\xff\\x0"',
    'ECHO "a"b',
    '"" ""',
    '\0\0\0',
    '\t PING \t',
    '"\\',
    "ECHO '\\''",
  ],
  ...['x'.repeat(MAX_GUEST_BULK_BYTES + 1), 'x '.repeat(MAX_INLINE_BYTES / 2), 'x'.repeat(MAX_INLINE_BYTES + 1)],
];

/** Pieces as a connection may bring them. */
export function hostilePieces(random: Random, commands: readonly string[]): Buffer[] {
  const parts = Array.from({ length: random.int(1, 40) }, () => part(random, commands));
  return cut(random, Buffer.concat(parts));
}

function part(random: Random, commands: readonly string[]): Buffer {
  const drawn = random.next();
  if (drawn < 0.8) return encodeCommand(command(random, commands)); // so that most connections come to something
  if (drawn < 0.9) return damaged(random, encodeCommand(command(random, commands)));
  if (drawn < 0.94) return Buffer.from(random.pick(HEADS));
  if (drawn < 0.98) return Buffer.from(`${random.pick(LINES)}${random.pick(['\r\n', '\n', ''])}`, 'latin1');
  return binary(random, 300);
}

/** Most name a command that there is, with words that may fit it. */
function command(random: Random, commands: readonly string[]): (string | Buffer)[] {
  const name = random.chance(0.75) ? random.pick(commands) : random.pick(CONNECTION);
  const count = random.chance(0.02) ? random.int(100, 3000) : random.int(0, 6);
  const words = Array.from({ length: count }, () => word(random));
  if (count > 0 && random.chance(0.8)) words[0] = random.pick(KEYS);
  return [name, ...words];
}

function word(random: Random): string | Buffer {
  switch (random.int(0, 6)) {
    case 0:
    case 1:
      return random.pick(KEYS);
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return random.pick(WRONG_NUMBERS);
    case 4:
      return random.pick(OPTIONS);
    case 5:
      return random.pick(PATTERNS);
    default:
      return binary(random, random.chance(0.02) ? 100_000 : 20);
  }
}

function binary(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.int(0, most) }, () => random.int(0, 255)));
}

/** Bytes of it are other ones, are left out or are too many, or it ends early. */
function damaged(random: Random, bytes: Buffer): Buffer {
  const at = random.int(0, bytes.length - 1);
  const rest = bytes.subarray(at + random.int(0, 2));
  return Buffer.concat([bytes.subarray(0, at), binary(random, 2), random.chance(0.5) ? rest : Buffer.alloc(0)]);
}

function cut(random: Random, bytes: Buffer): Buffer[] {
  const most = random.pick([1, 7, 100, 5000, 1_000_000]);
  // Byte by byte only where that is over soon.
  const least = Math.ceil(bytes.length / 5000);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + Math.max(least, random.int(1, most));
    pieces.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return pieces;
}

/** How many replies these are, pushed messages not counted. @throws Error when they are none, or the last one is not whole */
export function countReplies(bytes: Buffer): number {
  let at = 0;
  function line(): string {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) throw new Error(`no end of line behind byte ${at} of ${bytes.length}`);
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  }
  function skipBulk(length: number): void {
    if (length < 0) return;
    at += length;
    if (line() !== '') throw new Error(`a bulk string of ${length} bytes does not end before byte ${at}`);
  }
  /** @returns the first byte */
  function skip(): string {
    const text = line();
    const kind = text[0] ?? '';
    const number = Number(text.slice(1));
    if ('*%~>$='.includes(kind) && !Number.isInteger(number)) throw new Error(`not a length: ${text}`);
    if ('$='.includes(kind)) skipBulk(number);
    else if ('*%~>'.includes(kind)) for (let left = kind === '%' ? 2 * number : number; left > 0; left--) skip();
    else if (!'+-:_#,('.includes(kind) || kind === '') throw new Error(`no reply begins so: ${text.slice(0, 100)}`);
    return kind;
  }
  let count = 0;
  while (at < bytes.length) if (skip() !== '>') count++;
  return count;
}
