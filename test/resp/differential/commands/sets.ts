import { type CommandSource, type CommandSources, type Mending, textsOf } from '../command-source.ts';
import type { Draw } from '../draw.ts';
import type { Words } from '../peer.ts';
import { sameShape, scanned, unordered } from '../rules.ts';

/** More members than a set has here, so that one call tells all. */
const ALL = '100000';
/** At times a set grows by so many at once, so that it is of the large ones. */
const GROWTH = 400;
const GROWTH_CHANCE = 0.02;

const key = (draw: Draw): string => draw.key('set');
const onKey: CommandSource = { draw: (draw) => [key(draw)] };
const combines: CommandSource = { draw: (draw) => draw.keys('set', 4), rule: unordered };
const stores: CommandSource = { draw: (draw) => [key(draw), ...draw.keys('set', 4)], weight: 2 };

function members(draw: Draw): Words {
  if (!draw.chance(GROWTH_CHANCE)) return draw.members(6);
  const [first, prefix] = [draw.int(0, 1_500), draw.pick(['', 'm'])];
  return Array.from({ length: GROWTH }, (_, index) => `${prefix}${first + index}`);
}

/** Redis has again what it picked, and loses what the store picked. */
function popTheSame([, set = '']: Words, redis: Buffer, store: Buffer): readonly Mending[] {
  const [theirs, ours] = [textsOf(redis), textsOf(store)];
  if (ours.length === 0) return [];
  const same = new Set(ours.map((one) => one.toString('latin1')));
  if (theirs.every((one) => same.has(one.toString('latin1')))) return [];
  return [
    { words: ['SADD', set, ...theirs], reply: `:${theirs.length}\r\n` },
    { words: ['SREM', set, ...ours], reply: `:${ours.length}\r\n` },
  ];
}

function interCard(draw: Draw): Words {
  const keys = draw.keys('set', 3);
  const count = draw.chance(0.95) ? String(keys.length) : draw.pick(['0', '-1', '9', 'x']);
  return [count, ...keys, ...draw.maybe(0.5, draw.word('LIMIT'), draw.pick(['0', '1', '2', '100', '-1', 'x']))];
}

export const SETS: CommandSources = {
  SADD: { draw: (draw) => [key(draw), ...members(draw)], weight: 8 },
  SREM: { draw: (draw) => [key(draw), ...members(draw)], weight: 4 },
  SCARD: onKey,
  SISMEMBER: { draw: (draw) => [key(draw), draw.member()], weight: 2 },
  SMISMEMBER: { draw: (draw) => [key(draw), ...draw.members(5)], weight: 2 },
  SMEMBERS: { ...onKey, rule: unordered, weight: 3 },
  SMOVE: { draw: (draw) => [key(draw), key(draw), draw.member()], weight: 2 },
  SPOP: { draw: (draw) => [key(draw), ...draw.maybe(0.6, draw.count())], rule: sameShape, mend: popTheSame, weight: 2 },
  SRANDMEMBER: { draw: (draw) => [key(draw), ...draw.maybe(0.6, draw.count())], rule: sameShape },
  SINTER: combines,
  SUNION: combines,
  SDIFF: combines,
  SINTERSTORE: stores,
  SUNIONSTORE: stores,
  SDIFFSTORE: stores,
  SINTERCARD: { draw: interCard, weight: 2 },
  SSCAN: {
    draw: (draw) => [key(draw), '0', 'COUNT', ALL, ...draw.maybe(0.5, 'MATCH', draw.glob())],
    rule: scanned(unordered),
  },
};
