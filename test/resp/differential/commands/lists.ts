import type { CommandSource, CommandSources } from '../command-source.ts';
import type { Draw } from '../draw.ts';
import type { Words } from '../peer.ts';

/** At times a list grows by so many at once, so that it is of the large ones. */
const GROWTH = 400;
const GROWTH_CHANCE = 0.02;

const key = (draw: Draw): string => draw.key('list');
const side = (draw: Draw): string => draw.word(draw.chance(0.97) ? draw.pick(['LEFT', 'RIGHT']) : 'MIDDLE');
const pushes: CommandSource = { draw: (draw) => [key(draw), ...items(draw)] };
const pops: CommandSource = { draw: (draw) => [key(draw), ...draw.maybe(0.5, draw.count())] };

function items(draw: Draw): Words {
  if (!draw.chance(GROWTH_CHANCE)) return draw.members(5);
  const value = draw.value();
  return Array.from({ length: GROWTH }, (_, index) => (index % 7 === 0 ? value : `m${index}`));
}

function position(draw: Draw): Words {
  return [
    key(draw),
    draw.member(),
    ...draw.maybe(0.4, draw.word('RANK'), draw.pick(['1', '-1', '2', '-2', '0', '-9223372036854775808', 'x'])),
    ...draw.maybe(0.4, draw.word('COUNT'), draw.pick(['0', '1', '2', '3', '-1', 'x'])),
    ...draw.maybe(0.4, draw.word('MAXLEN'), draw.pick(['0', '1', '5', '10', '-1', 'x'])),
  ];
}

function popOfSeveral(draw: Draw): Words {
  const keys = draw.keys('list', 3);
  const count = draw.chance(0.95) ? String(keys.length) : draw.pick(['0', '-1', '9', 'x']);
  return [count, ...keys, side(draw), ...draw.maybe(0.5, draw.word('COUNT'), draw.count())];
}

export const LISTS: CommandSources = {
  LPUSH: { ...pushes, weight: 5 },
  RPUSH: { ...pushes, weight: 5 },
  LPUSHX: pushes,
  RPUSHX: pushes,
  LPOP: { ...pops, weight: 3 },
  RPOP: { ...pops, weight: 3 },
  LLEN: { draw: (draw) => [key(draw)] },
  LINDEX: { draw: (draw) => [key(draw), draw.index()], weight: 2 },
  LRANGE: {
    draw: (draw) => [
      key(draw),
      ...draw.pick([
        [draw.index(), draw.index()],
        ['0', '-1'],
      ]),
    ],
    weight: 4,
  },
  LSET: { draw: (draw) => [key(draw), draw.index(), draw.value()], weight: 3 },
  LREM: {
    draw: (draw) => [key(draw), draw.pick(['0', '1', '-1', '2', '-2', '100', 'x']), draw.member()],
    weight: 3,
  },
  LINSERT: {
    draw: (draw) => [
      key(draw),
      draw.word(draw.chance(0.97) ? draw.pick(['BEFORE', 'AFTER']) : 'BESIDE'),
      draw.member(),
      draw.value(),
    ],
    weight: 3,
  },
  LTRIM: {
    draw: (draw) => [key(draw), draw.pick(['0', '1', '-8', draw.index()]), draw.pick(['-1', '-2', '7', draw.index()])],
  },
  LPOS: { draw: position, weight: 2 },
  LMOVE: { draw: (draw) => [key(draw), key(draw), side(draw), side(draw)], weight: 3 },
  RPOPLPUSH: { draw: (draw) => [key(draw), key(draw)], weight: 2 },
  LMPOP: { draw: popOfSeveral, weight: 2 },
};
