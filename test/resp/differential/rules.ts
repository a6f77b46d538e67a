/**
 * When two replies say the same. Most commands answer the same bytes; the rules here are for those of which Redis does not promise that:
 * the order of sets and hashes, what chance picks, times that pass.
 */
import { isEmptyReply, isErrorReply, parseReply, type Reply } from './reply.ts';

/** @returns whether the reply of the store says what that of Redis does; these differ, and neither is an error */
export type Rule = (redis: Reply, store: Reply) => boolean;

/** Times of both were set one after the other, and are told one after the other. */
const NEAR_S = 30;
const SECOND_MS = 1_000;

/** No clock will say more; the store keeps all later times as the last one. */
const BEYOND_CLOCKS_S = 9e12;

/** Errors that say the same in other words: first Redis' text, then the store's. */
const SAME_ERRORS: readonly (readonly [redis: RegExp, store: RegExp])[] = [
  [/^ERR string exceeds maximum allowed size/, /^ERR string exceeds maximum allowed size/],
  // Of an infinite number and one that is none, each tells of another one.
  [/^ERR (value|hash value) is not a( valid)? float/, /^ERR increment would produce NaN or Infinity/],
  [/^ERR increment would produce NaN or Infinity/, /^ERR (value|hash value) is not a( valid)? float/],
];

/**
 * The store looks at all words of a command before it looks at the key. Redis does so the other way round at times, and then answers what
 * becomes of a key that is not there, or is of another type.
 */
const ERROR_OF_WORDS = new RegExp(
  `^ERR (${[
    'syntax error|value is not|value is out of range|invalid expire time|offset is out of range',
    "weight value is not|LIMIT can't be negative",
  ].join('|')})`,
);

/** Byte for byte. */
export const exact: Rule = () => false;

/** Neither is an error. */
export const anything: Rule = () => true;

/** The same items in any order. */
export const unordered: Rule = (redis, store) => isSame(sorted(redis), sorted(store));

/** Keys with values: a map, an array in which they take turns, or an array of pairs; in any order. */
export const pairs: Rule = (redis, store) => isSame(sorted(inPairs(redis)), sorted(inPairs(store)));

/** The same, of which numbers with fractions may be written otherwise: Redis 7.0 writes 17 digits, and later ones as many as it takes. */
export const withFloats: Rule = (redis, store) => isSame(floats(redis), floats(store));

export const pairsWithFloats: Rule = (redis, store) => pairs(floats(redis), floats(store));

/** A cursor, which is at its end, and items as the rule says. */
export function scanned(rule: Rule): Rule {
  return (redis, store) => {
    const [theirs, ours] = [redis.items ?? [], store.items ?? []];
    const [those, these] = [theirs[1], ours[1]];
    if (theirs[0]?.text !== '0' || ours[0]?.text !== '0') return false;
    return those !== undefined && these !== undefined && alike(those, these, rule);
  };
}

/** A number of seconds, or of ms, of which some may have passed. */
export const nearSeconds: Rule = (redis, store) => isNear(redis, store, 1);
export const nearMs: Rule = (redis, store) => isNear(redis, store, SECOND_MS);

/** As many of the same types: chance picks which. */
export const sameShape: Rule = (redis, store) => isSame(shapeOf(redis), shapeOf(store));

/** A number of keys, of which the store still counts some whose time is over. */
export const atLeast: Rule = (redis, store) =>
  redis.type === ':' && store.type === ':' && Number(store.text) > Number(redis.text);

/** Of EXEC: each reply by the rule of its command. */
export function eachBy(rules: readonly Rule[]): Rule {
  return (redis, store) => {
    const [theirs, ours] = [redis.items, store.items];
    if (theirs?.length !== rules.length || ours?.length !== rules.length) return false;
    return rules.every((rule, index) => {
      const [that, this_] = [theirs[index], ours[index]];
      return that !== undefined && this_ !== undefined && alike(that, this_, rule);
    });
  };
}

/** Whether these replies are the same, or say the same by a rule. */
export function alike(redis: Reply, store: Reply, rule: Rule): boolean {
  if (isSame(redis, store)) return true;
  if (!isErrorReply(redis) && !isErrorReply(store)) return rule(redis, store);
  if (isErrorReply(store) && ERROR_OF_WORDS.test(store.text ?? '')) return isErrorReply(redis) || isEmptyReply(redis);
  return isErrorReply(redis) && isErrorReply(store) && isSameError(redis, store);
}

/** The same of replies as they came. */
export function alikeBytes(redis: Buffer, store: Buffer, rule: Rule): boolean {
  return redis.equals(store) || alike(parseReply(redis), parseReply(store), rule);
}

/** An error may say more than Redis' does. */
function isSameError(redis: Reply, store: Reply): boolean {
  const [theirs, ours] = [redis.text ?? '', store.text ?? ''];
  return ours.startsWith(theirs) || SAME_ERRORS.some(([first, second]) => first.test(theirs) && second.test(ours));
}

/** A zero with a sign is written with it, by all of them. */
const FLOAT = /^(?!-0$)-?\d+(\.\d+)?(e[+-]\d+)?$/;

function floats(reply: Reply): Reply {
  const { text, items } = reply;
  if (items !== undefined) return { ...reply, items: items.map(floats) };
  return text !== undefined && FLOAT.test(text) ? { ...reply, text: String(Number(text)) } : reply;
}

function sorted(reply: Reply): Reply {
  const order = (item: Reply): string => JSON.stringify(item);
  return { ...reply, items: reply.items?.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)) };
}

function inPairs(reply: Reply): Reply {
  const { type, items = [] } = reply;
  if (type !== '%' && items.every((item) => item.items !== undefined)) return reply;
  const found: Reply[] = [];
  for (let at = 0; at < items.length; at += 2) {
    found.push({ type: 'pair', text: undefined, items: items.slice(at, at + 2) });
  }
  return { ...reply, items: found };
}

function shapeOf({ type, text, items }: Reply): Reply {
  return { type, text: text === undefined ? undefined : '', items: items?.map(shapeOf) };
}

function isNear(redis: Reply, store: Reply, second: number): boolean {
  if (redis.type !== ':' || store.type !== ':') return false;
  const [theirs, ours] = [Number(redis.text) / second, Number(store.text) / second];
  if (Math.min(theirs, ours) >= BEYOND_CLOCKS_S) return true;
  return theirs > 0 && ours > 0 && Math.abs(theirs - ours) <= NEAR_S;
}

function isSame(redis: Reply, store: Reply): boolean {
  return JSON.stringify(redis) === JSON.stringify(store);
}
