import { type CommandSource, type CommandSources, type Mending, textsOf } from '../command-source.ts';
import type { Draw } from '../draw.ts';
import type { Words } from '../peer.ts';
import { pairs, sameShape, scanned, unordered, withFloats } from '../rules.ts';

/** More fields than a hash has here, so that one call tells all. */
const ALL = '100000';
/** At times a hash grows by so many at once, so that it is of the large ones. */
const GROWTH = 300;
const GROWTH_CHANCE = 0.02;

const key = (draw: Draw): string => draw.key('hash');
const onKey: CommandSource = { draw: (draw) => [key(draw)] };
const onField: CommandSource = { draw: (draw) => [key(draw), draw.member()] };

function fieldsWithValues(draw: Draw): Words {
  if (draw.chance(GROWTH_CHANCE)) {
    const first = draw.int(0, 1_000);
    return Array.from({ length: GROWTH }, (_, index) => [`m${first + index}`, draw.value()]).flat();
  }
  return draw.members(4).flatMap((field) => [field, draw.value()]);
}

/** The store adds exactly, and Redis with 64 bits: where they differ, Redis goes on with what the store has. */
function sameSum([, hash = '', field = '']: Words, redis: Buffer, store: Buffer): readonly Mending[] {
  const [sum = ''] = textsOf(store);
  return redis.equals(store) ? [] : [{ words: ['HSET', hash, field, sum], reply: ':0\r\n' }];
}

function randomField(draw: Draw): Words {
  return [key(draw), ...draw.maybe(0.7, draw.count(), ...draw.maybe(0.5, draw.word('WITHVALUES')))];
}

export const HASHES: CommandSources = {
  HSET: { draw: (draw) => [key(draw), ...fieldsWithValues(draw)], weight: 6 },
  HMSET: { draw: (draw) => [key(draw), ...fieldsWithValues(draw)] },
  HSETNX: { draw: (draw) => [key(draw), draw.member(), draw.value()], weight: 2 },
  HGET: { ...onField, weight: 2 },
  HMGET: { draw: (draw) => [key(draw), ...draw.members(5)], weight: 2 },
  HDEL: { draw: (draw) => [key(draw), ...draw.members(6)], weight: 3 },
  HLEN: onKey,
  HSTRLEN: onField,
  HEXISTS: onField,
  HKEYS: { ...onKey, rule: unordered },
  HVALS: { ...onKey, rule: unordered },
  HGETALL: { ...onKey, rule: pairs, weight: 2 },
  HINCRBY: { draw: (draw) => [key(draw), draw.member(), draw.anyInteger()], weight: 3 },
  HINCRBYFLOAT: {
    draw: (draw) => [key(draw), draw.member(), draw.anyFloat()],
    rule: withFloats,
    mend: sameSum,
    weight: 3,
  },
  HRANDFIELD: { draw: randomField, rule: sameShape },
  HSCAN: {
    draw: (draw) => [key(draw), '0', 'COUNT', ALL, ...draw.maybe(0.5, 'MATCH', draw.glob())],
    rule: scanned(pairs),
  },
};
