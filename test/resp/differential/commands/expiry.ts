import type { CommandSource, CommandSources } from '../command-source.ts';
import type { Draw } from '../draw.ts';
import { nearMs, nearSeconds, type Rule } from '../rules.ts';

const CONDITIONS = ['NX', 'XX', 'GT', 'LT'];

function expires(time: (draw: Draw) => string): CommandSource {
  return {
    draw: (draw) => [
      draw.anyKey(),
      draw.chance(0.9) ? time(draw) : draw.pick(['x', '1.5', '9223372036854775807', '-9223372036854775808', '']),
      ...draw.maybe(0.6, draw.word(draw.pick(CONDITIONS))),
      ...draw.maybe(0.15, draw.pick([...CONDITIONS, 'YY'])),
    ],
    weight: 2,
  };
}

function tells(rule: Rule): CommandSource {
  return { draw: (draw) => [draw.anyKey()], rule };
}

/** At times one that has passed: the key is gone. */
const PASSED = 0.15;

export const EXPIRY: CommandSources = {
  EXPIRE: expires((draw) => (draw.chance(PASSED) ? draw.pick(['0', '-1', '-1000']) : draw.seconds())),
  PEXPIRE: expires((draw) => (draw.chance(PASSED) ? draw.pick(['0', '-1', '-1000']) : draw.ms())),
  EXPIREAT: expires((draw) => (draw.chance(PASSED) ? draw.past() : draw.secondOfClock())),
  PEXPIREAT: expires((draw) => (draw.chance(PASSED) ? draw.past() : draw.msOfClock())),
  TTL: tells(nearSeconds),
  PTTL: tells(nearMs),
  EXPIRETIME: tells(nearSeconds),
  PEXPIRETIME: tells(nearMs),
  PERSIST: { draw: (draw) => [draw.anyKey()], weight: 2 },
};
