import type { CommandSource, CommandSources } from '../command-source.ts';
import { KEY_TYPES, type Draw } from '../draw.ts';
import type { Words } from '../peer.ts';
import { atLeast, sameShape, scanned, unordered } from '../rules.ts';

/** More than there are, so that one call tells all. */
const ALL = '100000';

const onKey: CommandSource = { draw: (draw) => [draw.anyKey()] };
const onKeys: CommandSource = { draw: someKeys };
/** Mostly a key moves to one of its own type. */
const toOther: CommandSource = { draw: twoKeys };

function someKeys(draw: Draw): Words {
  return Array.from({ length: draw.int(1, 4) }, () => draw.anyKey());
}

function twoKeys(draw: Draw): Words {
  const type = draw.pick(KEY_TYPES);
  return [draw.key(type), draw.key(type)];
}

function scan(draw: Draw): Words {
  const type = draw.pick([...KEY_TYPES, 'STRING', 'stream', 'nothing']);
  return ['0', 'COUNT', ALL, ...draw.maybe(0.4, 'MATCH', draw.glob()), ...draw.maybe(0.4, 'TYPE', type)];
}

export const KEYS: CommandSources = {
  DEL: { ...onKeys, weight: 6 },
  UNLINK: { ...onKeys, weight: 2 },
  EXISTS: onKeys,
  TOUCH: onKeys,
  TYPE: { ...onKey, weight: 2 },
  RENAME: { ...toOther, weight: 2 },
  RENAMENX: { ...toOther, weight: 2 },
  COPY: {
    draw: (draw) => [...twoKeys(draw), ...draw.maybe(0.1, 'DB', draw.pick(['0', 'x'])), ...draw.maybe(0.5, 'REPLACE')],
    weight: 3,
  },
  SCAN: { draw: scan, rule: scanned(unordered) },
  KEYS: { draw: (draw) => [draw.glob()], rule: unordered },
  RANDOMKEY: { draw: () => [], rule: sameShape },
  DBSIZE: { draw: () => [], rule: atLeast },
  FLUSHDB: { draw: (draw) => draw.maybe(0.5, draw.pick(['ASYNC', 'SYNC', 'NEVER'])), weight: 0.02 },
  FLUSHALL: { draw: (draw) => draw.maybe(0.5, draw.pick(['ASYNC', 'SYNC', 'NEVER'])), weight: 0.02 },
};
