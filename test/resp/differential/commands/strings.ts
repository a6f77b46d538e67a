import { type CommandSource, type CommandSources, type Mending, textsOf } from '../command-source.ts';
import type { Draw } from '../draw.ts';
import type { Words } from '../peer.ts';
import { withFloats } from '../rules.ts';

const key = (draw: Draw): string => draw.key('string');
const onKey: CommandSource = { draw: (draw) => [key(draw)] };
const range: CommandSource = { draw: (draw) => [key(draw), draw.index(), draw.index()] };

/** A time to live, or a deadline, as SET and GETEX take it. */
function time(draw: Draw): Words {
  switch (draw.int(0, 4)) {
    case 0:
      return [draw.word('EX'), draw.seconds()];
    case 1:
      return [draw.word('PX'), draw.ms()];
    case 2:
      return [draw.word('EXAT'), draw.secondOfClock()];
    case 3:
      return [draw.word('PXAT'), draw.msOfClock()];
    default:
      return [draw.pick(['EX', 'PX', 'EXAT', 'PXAT']), draw.pick(['0', '-1', 'x', '9223372036854775807', '1.5'])];
  }
}

/** The store adds exactly, and Redis with 64 bits: where they differ, Redis goes on with what the store has. */
function sameSum([, of = '']: Words, redis: Buffer, store: Buffer): readonly Mending[] {
  const [sum = ''] = textsOf(store);
  return redis.equals(store) ? [] : [{ words: ['SET', of, sum, 'KEEPTTL'], reply: '+OK\r\n' }];
}

function setOptions(draw: Draw): Words {
  const options = [
    draw.maybe(0.2, draw.word('NX')),
    draw.maybe(0.2, draw.word('XX')),
    draw.maybe(0.3, draw.word('GET')),
    draw.maybe(0.15, 'KEEPTTL'),
    draw.chance(0.3) ? time(draw) : [],
  ];
  return (draw.chance(0.5) ? options : options.reverse()).flat();
}

function keysWithValues(draw: Draw): Words {
  return draw.keys('string', 4).flatMap((one) => [one, draw.value()]);
}

export const STRINGS: CommandSources = {
  GET: { ...onKey, weight: 4 },
  SET: { draw: (draw) => [key(draw), draw.value(), ...(draw.chance(0.4) ? [] : setOptions(draw))], weight: 5 },
  SETNX: { draw: (draw) => [key(draw), draw.value()] },
  SETEX: { draw: (draw) => [key(draw), draw.chance(0.8) ? draw.seconds() : draw.pick(['0', '-1', 'x']), draw.value()] },
  PSETEX: { draw: (draw) => [key(draw), draw.chance(0.8) ? draw.ms() : draw.pick(['0', '-1', 'x']), draw.value()] },
  GETSET: { draw: (draw) => [key(draw), draw.value()] },
  GETDEL: onKey,
  GETEX: { draw: (draw) => [key(draw), ...draw.pick([[], ['PERSIST'], time(draw), time(draw), ['KEEPTTL']])] },
  APPEND: { draw: (draw) => [key(draw), draw.value()] },
  STRLEN: onKey,
  GETRANGE: range,
  SUBSTR: range,
  SETRANGE: {
    draw: (draw) => [key(draw), draw.chance(0.9) ? String(draw.int(0, 150)) : draw.index(), draw.value()],
  },
  INCR: { ...onKey, weight: 2 },
  DECR: onKey,
  INCRBY: { draw: (draw) => [key(draw), draw.anyInteger()], weight: 2 },
  DECRBY: { draw: (draw) => [key(draw), draw.anyInteger()] },
  INCRBYFLOAT: { draw: (draw) => [key(draw), draw.anyFloat()], rule: withFloats, mend: sameSum, weight: 2 },
  MGET: { draw: (draw) => draw.keys('string', 6) },
  MSET: { draw: keysWithValues },
  MSETNX: { draw: keysWithValues },
  LCS: { draw: (draw) => [key(draw), key(draw), ...draw.maybe(0.5, draw.pick(['LEN', 'IDX']))] },
};
