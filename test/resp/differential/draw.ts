/** What commands are made of: few keys that all types share, and values that say something of each border. */
import { createRandom, type Random } from '../../simulation/random.ts';

/** Each has its own keys, where the commands of its table go mostly. */
export const KEY_TYPES = ['string', 'hash', 'list', 'set', 'zset'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

const KEYS_OF_TYPE = 3;
const OTHER_KEY_CHANCE = 0.12;
/** Members and fields that are common, so that commands meet them again. */
const COMMON = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'aa',
  'ab',
  'abc',
  'b1',
  '1',
  '2',
  '3',
  '10',
  '-5',
  '007',
  '1.5',
  '',
  ' ',
];
const WIDE = 2_000;
const INTEGERS = ['0', '1', '-1', '5', '7', '10', '42', '-100', '1000', '4294967296'];
const HUGE_INTEGERS = ['9223372036854775807', '-9223372036854775808', '9223372036854775800', '-9223372036854775800'];
/** What a 64-bit binary number has exactly, so that no rounding is compared. */
const FLOATS = ['0', '1', '-1', '0.5', '1.25', '-3.5', '10', '100', '2.0', '+3', '1e3', '5.0e1', '.5', '-0.125'];
/** Such that what is appended to them is not taken for an exponent: the store has a smaller one than Redis. */
const STORED_FLOATS = FLOATS.filter((text) => !text.includes('e'));
const NO_NUMBERS = ['', 'abc', '1 ', ' 1', '0x10', '1.5', '9223372036854775808', '01', '--1', '+1', '1e2x', 'nan'];
const NO_FLOATS = ['', 'abc', '1 ', ' 1', '1,5', 'nan', '1e2x', '--1', '1..2'];
const GLOBS = ['*', 'a*', '*b', '?', 'a?', '[ab]', '[^a]*', '[a-c]?', '\\*', '1*', '', 'ab', '*1*', '[', 'a[', '\\'];
const DAY_S = 86_400;

export interface Draw extends Random {
  /** A key: mostly one that has this type. */
  key(type: KeyType): string;
  anyKey(): string;
  /** One to `most` keys. */
  keys(type: KeyType, most: number): string[];
  /** A member of a collection, a field of a hash. */
  member(): string | Buffer;
  members(most: number): (string | Buffer)[];
  /** A string: short, empty, binary, a number, and at times long. */
  value(): string | Buffer;
  integer(): string;
  /** A whole number, near the borders of 64 bits at times, or none. */
  anyInteger(): string;
  float(): string;
  anyFloat(): string;
  /** A place in a collection, from either end, and outside of it. */
  index(): string;
  /** How many; 0 and negative ones too. */
  count(): string;
  glob(): string;
  /** A word in upper or lower case. */
  word(text: string): string;
  /** The words, or none of them. */
  maybe(chance: number, ...words: readonly (string | Buffer)[]): (string | Buffer)[];
  /** Seconds from now on: far away, and never the same twice. */
  seconds(): string;
  ms(): string;
  /** One of few moments that are far away; seconds, and ms. */
  secondOfClock(): string;
  msOfClock(): string;
  /** A moment that has passed. */
  past(): string;
}

export function allKeys(): string[] {
  return KEY_TYPES.flatMap((type) => Array.from({ length: KEYS_OF_TYPE }, (_, index) => `${type}${index}`));
}

/** @param now the time of day when the run began, ms */
export function createDraw(seed: number, now: number): Draw {
  const random = createRandom(seed);
  const second = Math.floor(now / 1_000);
  const anyKey = (): string => random.pick(ALL_KEYS);
  const key = (type: KeyType): string =>
    random.chance(OTHER_KEY_CHANCE) ? anyKey() : `${type}${random.int(0, KEYS_OF_TYPE - 1)}`;
  const bytes = (length: number): Buffer => Buffer.from(random.hex(length), 'hex');

  function member(): string | Buffer {
    const kind = random.next();
    if (kind < 0.7) return random.pick(COMMON);
    if (kind < 0.85) return `m${random.int(0, WIDE)}`;
    if (kind < 0.93) return String(random.int(-WIDE, WIDE));
    if (kind < 0.97) return bytes(random.int(1, 12));
    return `${'x'.repeat(random.int(60, 400))}${random.int(0, 3)}`;
  }

  function value(): string | Buffer {
    const kind = random.next();
    if (kind < 0.3) return random.pick(INTEGERS);
    if (kind < 0.5) return random.pick(STORED_FLOATS);
    if (kind < 0.8) return member();
    if (kind < 0.95) return bytes(random.int(0, 100));
    return Buffer.alloc(random.int(100, 20_000), random.pick(['x', 'xyz', '\xff\r\n']), 'latin1');
  }

  const some = <T>(most: number, draw: () => T): T[] => Array.from({ length: random.int(1, most) }, draw);
  const integer = (): string => random.pick(INTEGERS);
  const float = (): string => random.pick(FLOATS);
  return {
    ...random,
    key,
    anyKey,
    keys: (type, most) => some(most, () => key(type)),
    member,
    members: (most) => some(most, member),
    value,
    integer,
    anyInteger: () =>
      random.chance(0.85) ? integer() : random.chance(0.6) ? random.pick(HUGE_INTEGERS) : random.pick(NO_NUMBERS),
    float,
    anyFloat: () => (random.chance(0.9) ? float() : random.pick(NO_FLOATS)),
    index: () =>
      random.chance(0.9)
        ? String(random.int(-12, 12))
        : random.pick(['100', '-100', '1000', '-1000', ...HUGE_INTEGERS]),
    count: () =>
      random.chance(0.85)
        ? String(random.int(1, 6))
        : random.pick(['0', '-1', '-2', '100', '1000', 'x', '9223372036854775808']),
    glob: () => random.pick(GLOBS),
    word: (text) => (random.chance(0.8) ? text : text.toLowerCase()),
    maybe: (probability, ...words) => (random.chance(probability) ? [...words] : []),
    seconds: () => String(random.int(DAY_S, 10_000 * DAY_S)),
    ms: () => String(random.int(DAY_S * 1_000, 10_000 * DAY_S * 1_000)),
    secondOfClock: () => String(second + DAY_S * random.int(20_000, 20_003)),
    msOfClock: () => String((second + DAY_S * random.int(20_000, 20_003)) * 1_000 + 123),
    past: () => random.pick(['1', '1000000', '0', '-1']),
  };
}

const ALL_KEYS = [...allKeys(), 'missing'];
