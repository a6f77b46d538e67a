/** Options and arguments, checked where the application gives them: the type checker does not see all that it passes. */
import { MAX_TYPE_BYTES, MAX_WORKER_ID } from '@dpr/protocol';

/** What an option may be. */
export interface Rule {
  /** In words, to follow "give". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** A type is wrong, or a value of the right one. */
  readonly fault: typeof TypeError | typeof RangeError;
  /** Errors do not show its value. */
  readonly isSecret?: boolean;
  /** Must be given: there is no default. */
  readonly isRequired?: boolean;
}

/** One rule for each option that there is. */
export type Rules<T> = { readonly [Name in keyof Required<T>]: Rule };

export const A_BOOLEAN: Rule = { expected: 'true or false', accepts: isA('boolean'), fault: TypeError };
export const A_FUNCTION: Rule = { expected: 'a function', accepts: isA('function'), fault: TypeError };
export const AN_ARRAY: Rule = { expected: 'an array', accepts: Array.isArray, fault: TypeError };
export const AN_OBJECT: Rule = {
  expected: 'an object',
  accepts: (value) => typeof value === 'object' && value !== null,
  fault: TypeError,
};
export const A_STRING: Rule = { expected: 'a string', accepts: isA('string'), fault: TypeError };
/** Of the Finder. */
export const AN_ADDRESS: Rule = {
  expected: "the address of the Finder's public port, such as 'ws://localhost:6379'",
  accepts: isA('string'),
  fault: TypeError,
  isRequired: true,
};
export const A_SECRET: Rule = { ...A_STRING, isSecret: true };
export const A_SIGNAL: Rule = {
  expected: 'an AbortSignal, such as AbortSignal.timeout(1000)',
  accepts: (value) => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
  fault: TypeError,
};
/** How much may be under way. */
export const A_COUNT: Rule = {
  expected: 'a whole number from 1 on, or Infinity',
  accepts: (value) => value === Infinity || (Number.isSafeInteger(value) && Number(value) >= 1),
  fault: RangeError,
};

export function oneOf(...words: readonly string[]): Rule {
  const expected = words.map((word) => `'${word}'`).join(' or ');
  return { expected, accepts: (value) => words.includes(value as string), fault: TypeError };
}

export function wholeNumber(most: number): Rule {
  return {
    expected: `a whole number from 0 to ${most}`,
    accepts: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most,
    fault: RangeError,
  };
}

export const WORKER_ID = wholeNumber(MAX_WORKER_ID);
export const WORKER_TYPE: Rule = {
  expected: `its name in the stack's config, 1 to ${MAX_TYPE_BYTES} bytes`,
  accepts: (value) => typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_TYPE_BYTES,
  fault: TypeError,
};

/** @throws TypeError or RangeError that names the argument, what it is, and what to give */
export function checkArgument(name: string, value: unknown, { expected, accepts, fault: Fault, isSecret }: Rule): void {
  if (accepts(value)) return;
  throw new Fault(`${name} is ${isSecret === true ? `of type ${typeof value}` : shown(value)}: give ${expected}`);
}

/**
 * @param whose in words, such as `session`
 * @throws TypeError or RangeError that names the option, what it is, and what to give
 */
export function checkOptions<T>(whose: string, options: T, rules: Rules<T>): void {
  // Of other objects, an AbortSignal or an array perhaps, no option would ever be looked at.
  if (!isPlain(options)) throw new TypeError(`the ${whose} options are ${shown(options)}: give a plain object`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) throw new TypeError(unknownOption(whose, name, Object.keys(rules)));
    if (value !== undefined) checkArgument(`the ${whose} option '${name}'`, value, rules[name as keyof T]);
  }
  for (const [name, { expected, isRequired }] of Object.entries<Rule>(rules)) {
    if (isRequired === true && options[name as keyof T] === undefined) {
      throw new TypeError(`the ${whose} option '${name}' is missing: give ${expected}`);
    }
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isA(type: string): (value: unknown) => boolean {
  return (value) => typeof value === type;
}

const MAX_SHOWN_CHARACTERS = 60;

function shown(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > MAX_SHOWN_CHARACTERS ? `a string of ${value.length} characters` : `'${value}'`;
  }
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function unknownOption(whose: string, name: string, known: readonly string[]): string {
  const alike = known.find((one) => distance(one.toLowerCase(), name.toLowerCase()) <= MAX_TYPING_MISTAKES);
  const hint = alike === undefined ? `it may be ${known.join(', ')}` : `did you mean '${alike}'?`;
  return `there is no ${whose} option ${shown(name)}: ${hint}`;
}

const MAX_TYPING_MISTAKES = 2;

/** How many letters must be put in, left out or exchanged to make one word of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const exchanged = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(exchanged, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
