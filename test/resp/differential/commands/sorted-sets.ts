import type { CommandSource, CommandSources } from '../command-source.ts';
import type { Draw } from '../draw.ts';
import type { Words } from '../peer.ts';
import { anything, pairsWithFloats, sameShape, scanned, withFloats } from '../rules.ts';

/** More members than a sorted set has here, so that one call tells all. */
const ALL = '100000';
/** At times a sorted set grows by so many at once, so that it is of the large ones. */
const GROWTH = 300;
const GROWTH_CHANCE = 0.02;
/** Keys of sorted sets whose scores are all 0: only of these does Redis say what a range by members is. */
const LEX_KEYS = ['lex0', 'lex1'];
/** One that nothing ever writes: what other commands write has all kinds of scores. */
const MISSING_LEX_KEY = 'lex-missing';
const LEX = 'lex';

const SCORES = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '1.5',
  '2.5',
  '0.1',
  '-0',
  '10',
  '1e3',
  '3.25',
  '1e20',
  '1e21',
  '1e-7',
  '100000000',
];
const ODD_SCORES = [
  'inf',
  '-inf',
  '+inf',
  'infinity',
  'nan',
  'x',
  '',
  '1 ',
  '9007199254740993',
  '1.7976931348623157e308',
];

const key = (draw: Draw): string => draw.key('zset');
const lexKey = (draw: Draw): string => (draw.chance(0.95) ? draw.pick(LEX_KEYS) : MISSING_LEX_KEY);
const score = (draw: Draw): string => draw.pick(draw.chance(0.9) ? SCORES : ODD_SCORES);
const onKey: CommandSource = { draw: (draw) => [key(draw)] };
const withScores = (draw: Draw): Words => draw.maybe(0.5, draw.word('WITHSCORES'));
const limit = (draw: Draw): Words =>
  draw.maybe(
    0.3,
    draw.word('LIMIT'),
    draw.pick(['0', '1', '2', '-1', '10', 'x']),
    draw.pick(['0', '1', '3', '-1', '100', 'x']),
  );

function byIndex(...more: readonly ((draw: Draw) => Words)[]): CommandSource {
  const draw = (draw: Draw): Words => [key(draw), draw.index(), draw.index(), ...more.flatMap((one) => one(draw))];
  return { draw, rule: withFloats };
}

function byScore(...more: readonly ((draw: Draw) => Words)[]): CommandSource {
  const draw = (draw: Draw): Words => [key(draw), ...scoreRange(draw), ...more.flatMap((one) => one(draw))];
  return { draw, rule: withFloats };
}

function byLex(...more: readonly ((draw: Draw) => Words)[]): CommandSource {
  const draw = (draw: Draw): Words => [lexKey(draw), ...lexRange(draw), ...more.flatMap((one) => one(draw))];
  return { draw, ruleFor: ([, first]) => (String(first).startsWith(LEX) ? withFloats : anything) };
}

/** Mostly in the order in which something is between them. */
function inOrder(draw: Draw, bounds: readonly [string, string], isReversed: boolean): Words {
  const [low, high] = bounds;
  return isReversed !== draw.chance(0.2) ? [high, low] : [low, high];
}

function scoreBound(draw: Draw): string {
  const bound = draw.chance(0.15) ? draw.pick(['-inf', '+inf', 'inf', 'x', '', '(', 'nan']) : draw.pick(SCORES);
  return draw.chance(0.3) ? `(${bound}` : bound;
}

function scoreRange(draw: Draw, isReversed = false): Words {
  const low = draw.chance(0.4) ? '-inf' : scoreBound(draw);
  const high = draw.chance(0.4) ? '+inf' : scoreBound(draw);
  return inOrder(draw, [low, high], isReversed);
}

function lexBound(draw: Draw): string {
  const bound = draw.pick(['a', 'b', 'c', 'ab', 'm1', 'm5', '1', '', '\xff', 'zz']);
  return draw.chance(0.95) ? `${draw.pick(['[', '('])}${bound}` : draw.pick(['+', '-', '', bound]);
}

function lexRange(draw: Draw, isReversed = false): Words {
  const low = draw.chance(0.4) ? '-' : lexBound(draw);
  const high = draw.chance(0.4) ? '+' : lexBound(draw);
  return inOrder(draw, [low, high], isReversed);
}

/** The words of ZRANGE behind its key, and whether it asks for a range by members. */
function anyRange(draw: Draw, isLex: boolean): Words {
  const isReversed = draw.chance(0.4);
  const reversed = isReversed ? [draw.word('REV')] : [];
  if (isLex) return [...lexRange(draw, isReversed), draw.word('BYLEX'), ...reversed, ...limit(draw)];
  if (draw.chance(0.5)) return [...scoreRange(draw, isReversed), draw.word('BYSCORE'), ...reversed, ...limit(draw)];
  return [draw.index(), draw.index(), ...reversed, ...draw.maybe(0.05, 'LIMIT', '0', '1')];
}

function range(draw: Draw): Words {
  const isLex = draw.chance(0.25);
  return [isLex ? lexKey(draw) : key(draw), ...anyRange(draw, isLex), ...withScores(draw)];
}

function rangeStore(draw: Draw): Words {
  const isLex = draw.chance(0.25);
  const keys = isLex ? [draw.pick(LEX_KEYS), lexKey(draw)] : [key(draw), key(draw)];
  return [...keys, ...anyRange(draw, isLex)];
}

function add(draw: Draw): Words {
  if (draw.chance(0.15)) return [draw.pick(LEX_KEYS), ...draw.members(5).flatMap((member) => ['0', member])];
  const options = [
    draw.maybe(0.1, draw.word('NX')),
    draw.maybe(0.1, draw.word('XX')),
    draw.maybe(0.1, draw.word('GT')),
    draw.maybe(0.1, draw.word('LT')),
    draw.maybe(0.25, draw.word('CH')),
    draw.maybe(0.1, draw.word('INCR')),
  ].flat();
  if (draw.chance(GROWTH_CHANCE)) {
    const first = draw.int(0, 1_500);
    return [key(draw), ...Array.from({ length: GROWTH }, (_, index) => [score(draw), `m${first + index}`]).flat()];
  }
  const most = options.some((option) => String(option).toUpperCase() === 'INCR') && draw.chance(0.9) ? 1 : 4;
  return [key(draw), ...options, ...draw.members(most).flatMap((member) => [score(draw), member])];
}

function counted(draw: Draw): string[] {
  const keys = Array.from({ length: draw.int(1, 3) }, () => (draw.chance(0.1) ? draw.key('set') : key(draw)));
  return [draw.chance(0.95) ? String(keys.length) : draw.pick(['0', '-1', '9', 'x']), ...keys];
}

function combination(draw: Draw): Words {
  const [count = '', ...keys] = counted(draw);
  const weights = keys.map(() => draw.pick(['1', '2', '0', '-1', '0.5', 'inf', 'x']));
  return [
    count,
    ...keys,
    ...draw.maybe(0.4, draw.word('WEIGHTS'), ...weights),
    ...draw.maybe(0.4, draw.word('AGGREGATE'), draw.word(draw.pick(['SUM', 'MIN', 'MAX', 'SUM', 'MIN', 'MAX', 'AVG']))),
  ];
}

function several(draw: Draw): Words {
  const least = draw.word(draw.chance(0.95) ? draw.pick(['MIN', 'MAX']) : 'MEAN');
  return [...counted(draw), least, ...draw.maybe(0.5, draw.word('COUNT'), draw.count())];
}

const combines: CommandSource = { draw: (draw) => [...combination(draw), ...withScores(draw)], rule: withFloats };
const storesCombined: CommandSource = { draw: (draw) => [key(draw), ...combination(draw)], weight: 2 };
const pops: CommandSource = { draw: (draw) => [key(draw), ...draw.maybe(0.5, draw.count())], rule: withFloats };
const rank: CommandSource = { draw: (draw) => [key(draw), draw.member()] };

export const SORTED_SETS: CommandSources = {
  ZADD: { draw: add, rule: withFloats, weight: 12 },
  ZREM: { draw: (draw) => [draw.chance(0.1) ? draw.pick(LEX_KEYS) : key(draw), ...draw.members(4)], weight: 4 },
  ZINCRBY: { draw: (draw) => [key(draw), score(draw), draw.member()], rule: withFloats, weight: 3 },
  ZSCORE: { ...rank, rule: withFloats },
  ZMSCORE: { draw: (draw) => [key(draw), ...draw.members(5)], rule: withFloats },
  ZCARD: onKey,
  ZCOUNT: byScore(),
  ZLEXCOUNT: byLex(),
  ZRANK: rank,
  ZREVRANK: rank,
  ZRANGE: { draw: range, rule: withFloats, weight: 8 },
  ZRANGESTORE: { draw: rangeStore, weight: 3 },
  ZREVRANGE: byIndex(withScores),
  ZRANGEBYSCORE: { ...byScore(withScores, limit), weight: 2 },
  ZREVRANGEBYSCORE: {
    draw: (draw) => [key(draw), ...scoreRange(draw, true), ...withScores(draw), ...limit(draw)],
    rule: withFloats,
  },
  ZRANGEBYLEX: { ...byLex(limit), weight: 2 },
  ZREVRANGEBYLEX: { draw: (draw) => [lexKey(draw), ...lexRange(draw, true), ...limit(draw)] },
  ZREMRANGEBYRANK: byIndex(),
  ZREMRANGEBYSCORE: byScore(),
  ZREMRANGEBYLEX: byLex(),
  ZPOPMIN: pops,
  ZPOPMAX: pops,
  ZMPOP: { draw: several, rule: withFloats },
  ZRANDMEMBER: {
    draw: (draw) => [key(draw), ...draw.maybe(0.7, draw.count(), ...withScores(draw))],
    rule: sameShape,
  },
  ZUNION: combines,
  ZINTER: combines,
  ZDIFF: { draw: (draw) => [...counted(draw), ...withScores(draw)], rule: withFloats },
  ZUNIONSTORE: storesCombined,
  ZINTERSTORE: storesCombined,
  ZDIFFSTORE: { draw: (draw) => [key(draw), ...counted(draw)] },
  ZINTERCARD: { draw: (draw) => [...counted(draw), ...draw.maybe(0.5, draw.word('LIMIT'), draw.count())] },
  ZSCAN: {
    draw: (draw) => [key(draw), '0', 'COUNT', ALL, ...draw.maybe(0.5, 'MATCH', draw.glob())],
    rule: scanned(pairsWithFloats),
  },
};
