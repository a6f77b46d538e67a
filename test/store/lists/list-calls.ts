/** Operations on lists, as bytes, and what their results say, by texts of one byte a letter. */
import { Buffer } from 'node:buffer';
import { KINDS, OPERATION_HEAD_BYTES, OPTIONS, STATUS, type Results, statusIn } from '@dpr/store/operations';
import { LIST_KINDS, LIST_OPTIONS } from '../../../services/store/operations/lists.ts';

const { atFirst, toFirst, ifPresent, behind } = LIST_OPTIONS;
const { inOrder } = OPTIONS;

export function operation(kind: number, options: number, key: string, value?: Buffer, ...numbers: number[]): Buffer {
  const head = Buffer.alloc(OPERATION_HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeUInt8(options, 1);
  head.writeUInt16LE(key.length, 2);
  const doubles = Buffer.from(new Float64Array(numbers).buffer);
  const length = Buffer.alloc(value === undefined ? 0 : 4);
  if (value !== undefined) length.writeUInt32LE(value.length, 0);
  return Buffer.concat([head, length, doubles, Buffer.from(key, 'latin1'), value ?? Buffer.alloc(0)]);
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export function listOf(...items: readonly string[]): Buffer {
  return Buffer.concat(
    items.flatMap((item) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(item.length, 0);
      return [length, bytes(item)];
    }),
  );
}

export const calls = {
  push: (key: string, isAtFirst: boolean, items: readonly string[], mustExist = false) =>
    operation(LIST_KINDS.listPush, (isAtFirst ? atFirst : 0) | (mustExist ? ifPresent : 0), key, listOf(...items)),
  pop: (key: string, isAtFirst: boolean, count: number) =>
    operation(LIST_KINDS.listPop, inOrder | (isAtFirst ? atFirst : 0), key, undefined, count),
  index: (key: string, place: number) => operation(LIST_KINDS.listIndex, inOrder, key, undefined, place),
  set: (key: string, place: number, item: string) => operation(LIST_KINDS.listSet, 0, key, bytes(item), place),
  range: (key: string, first = 0, last = -1) => operation(LIST_KINDS.listRange, inOrder, key, undefined, first, last),
  insert: (key: string, isBehind: boolean, sought: string, item: string) =>
    operation(LIST_KINDS.listInsert, isBehind ? behind : 0, key, listOf(sought, item)),
  remove: (key: string, count: number, item: string) => operation(LIST_KINDS.listRemove, 0, key, bytes(item), count),
  trim: (key: string, first: number, last: number) => operation(LIST_KINDS.listTrim, 0, key, undefined, first, last),
  positions: (key: string, item: string, rank: number, count = 0, most = 0) =>
    operation(LIST_KINDS.listPositions, inOrder, key, bytes(item), rank, count, most),
  move: (key: string, other: string, isAtFirst: boolean, isToFirst: boolean) =>
    operation(LIST_KINDS.listMove, inOrder | (isAtFirst ? atFirst : 0) | (isToFirst ? toFirst : 0), key, bytes(other)),
  popFirst: (keys: readonly string[], isAtFirst: boolean, count: number) =>
    operation(
      LIST_KINDS.listPopFirst,
      inOrder | (isAtFirst ? atFirst : 0),
      keys[0] ?? '',
      listOf(...keys.slice(1)),
      count,
    ),
  delete: (key: string) => operation(KINDS.delete, 0, key),
  expire: (key: string, time: number) => operation(KINDS.expire, 0, key, undefined, time),
  copy: (key: string, other: string, isMove: boolean) =>
    operation(KINDS.copy, isMove ? OPTIONS.move : 0, key, bytes(other)),
};

/** Readers of a result that was done; of one that was not, its status as text. */
function reader<T>(read: (data: Buffer) => T) {
  return ({ bytes: results, starts }: Results, index = 0): T | string => {
    const at = starts[index] ?? 0;
    const status = statusIn(results[at] ?? 0);
    if (status !== STATUS.done) return Object.entries(STATUS).find(([, value]) => value === status)?.[0] ?? '?';
    return read(results.subarray(at + 1, starts[index + 1]));
  };
}

export const read = {
  nothing: reader(() => 'done'),
  integer: reader((data) => Number(data.readBigInt64LE(0))),
  text: reader((data) => data.toString('latin1', 4)),
  places: reader((data) => [...new Float64Array(new Uint8Array(data.subarray(4)).buffer)]),
  items: reader((data) => {
    const items: string[] = [];
    for (let at = 8; at < data.length; at += 4 + (items.at(-1)?.length ?? 0)) {
      items.push(data.toString('latin1', at + 4, at + 4 + data.readUInt32LE(at)));
    }
    return items;
  }),
};
