/** All that keys hold, as it is read by RESP, of any type. */
import type { Words } from '../../resp/differential/peer.ts';
import { parseReply, type Reply } from '../../resp/differential/reply.ts';

/** What a key holds. A key that is not there is of the type `none`. */
export interface Held {
  readonly type: string;
  /** Its value, the same for values that are the same: where Redis promises no order, there is one here. */
  readonly value: string;
  /** When its time is over, ms since 1970; below 0: never. */
  readonly deadline: number;
}

export type Contents = ReadonlyMap<string, Held>;

type Items = readonly string[];

interface Reading {
  readonly words: (key: string) => Words;
  /** Its items in an order of their own. */
  readonly order: (items: Items) => Items;
}

/** How all of a key is read, by its type. Of another type it answers an error. */
const READINGS: Readonly<Record<string, Reading>> = {
  string: { words: (key) => ['GET', key], order: (items) => items },
  hash: { words: (key) => ['HGETALL', key], order: (items) => inPairs(items).sort() },
  list: { words: (key) => ['LRANGE', key, '0', '-1'], order: (items) => items },
  set: { words: (key) => ['SMEMBERS', key], order: (items) => [...items].sort() },
  zset: { words: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'], order: (items) => inPairs(items, score) },
};
const TYPES = Object.keys(READINGS);
const COMMANDS_PER_KEY = TYPES.length + 2;

/** Times of both were set one after the other, and the ones of the model perhaps much later. They are drawn from thousands of days. */
const NEAR_MS = 120_000;
/** The store keeps all later times as the last one. */
const BEYOND_CLOCKS_MS = 9e15;

export function readingCommands(keys: readonly string[]): Words[] {
  return keys.flatMap((key) => [
    ['TYPE', key],
    ['PEXPIRETIME', key],
    ...Object.values(READINGS).map(({ words }) => words(key)),
  ]);
}

/** @param replies of `readingCommands` */
export function contentsOf(keys: readonly string[], replies: readonly Buffer[]): Contents {
  return new Map(keys.map((key, index) => [key, heldOf(replies.slice(index * COMMANDS_PER_KEY).map(parseReply))]));
}

function heldOf([typeReply, deadline, ...values]: readonly Reply[]): Held {
  const type = typeReply?.text ?? '';
  const reply = values[TYPES.indexOf(type)];
  const items = reply === undefined ? [] : textsIn(reply);
  const value = READINGS[type]?.order(items) ?? [];
  return { type, value: JSON.stringify(value), deadline: Number(deadline?.text) };
}

function textsIn({ type, text, items }: Reply): Items {
  if (items === undefined) return [type === ',' || text !== undefined ? (text ?? '') : 'null'];
  return items.flatMap((item) => textsIn(item));
}

function inPairs(items: Items, second: (text: string) => string = (text) => text): string[] {
  const pairs: string[] = [];
  for (let at = 0; at < items.length; at += 2) pairs.push(JSON.stringify([items[at], second(items[at + 1] ?? '')]));
  return pairs;
}

/** Redis writes 17 digits, and the store as many as it takes. */
function score(text: string): string {
  return Number.isNaN(Number(text)) ? text : String(Number(text));
}

/** @returns the first key that is not the same */
export function difference(expected: Contents, found: Contents): string | undefined {
  for (const [key, held] of expected) if (!isSame(held, found.get(key))) return key;
  return undefined;
}

function isSame(expected: Held, found: Held | undefined): boolean {
  return found?.type === expected.type && found.value === expected.value && isNear(expected.deadline, found.deadline);
}

function isNear(expected: number, found: number): boolean {
  if (expected < 0 || found < 0) return expected === found;
  if (Math.min(expected, found) >= BEYOND_CLOCKS_MS) return true;
  return Math.abs(expected - found) <= NEAR_MS;
}

const SHOWN_LETTERS = 400;

export function showHeld(held: Held | undefined): string {
  if (held === undefined) return 'nothing';
  const { type, value, deadline } = held;
  const text = value.length <= SHOWN_LETTERS ? value : `${value.slice(0, SHOWN_LETTERS)}… (${value.length} letters)`;
  return `${type} ${text}${deadline < 0 ? '' : `, until ${deadline}`}`;
}
