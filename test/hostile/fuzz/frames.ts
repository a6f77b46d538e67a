/**
 * Frames of every kind, made from the layouts of the protocol's own table, so that a frame that is new is sent too: each can be read,
 * and its numbers lie near every bound, or are such as servers told to a peer.
 */
import {
  BATCH_HEADER_BYTES,
  describeFrames,
  FRAME_TYPES,
  MAX_EXACT_U64,
  MAX_VERSION,
  MAX_VERSION_JUMP,
  MAX_WORKER_ID,
  REPLY_HEADER_BYTES,
} from '@dpr/protocol';
import { parseLayout, type Shape } from '../../protocol/layouts.ts';
import type { Random } from '../../simulation/random.ts';
import type { Knowledge } from './knowledge.ts';

export type Kind = Exclude<keyof typeof FRAME_TYPES, 'several'>;
export const KINDS = Object.keys(FRAME_TYPES).filter((kind) => kind !== 'several') as Kind[];

/** Fields that are to have a certain value; the others are drawn. */
export type Fixed = Readonly<Record<string, unknown>>;

export interface Source {
  readonly random: Random;
  readonly knowledge: Knowledge;
}

const SHAPES = new Map(
  describeFrames().map(({ kind, fields }) => [
    kind,
    fields.map(({ name, layout }) => [name, parseLayout(layout)] as const),
  ]),
);

/** A frame of this kind that can be read. */
export function validFrame(source: Source, kind: Kind, fixed: Fixed = {}): Buffer {
  if (kind === 'batch') return batchFrame(source, fixed);
  if (kind === 'reply') return replyFrame(source);
  const parts: Buffer[] = [u8(FRAME_TYPES[kind])];
  for (const [name, shape] of SHAPES.get(kind) ?? []) write(source, parts, name, shape, fixed[name], 0);
  return Buffer.concat(parts);
}

/** What a batch is made of. All its operations add up to nothing, since others count with the same counters. */
export interface BatchFields {
  readonly isUrgent: boolean;
  readonly session: Buffer;
  readonly worldLine: number;
  readonly generation: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly version: number;
  readonly dependencies: readonly (readonly [number, number])[];
  readonly count: number;
  readonly operations: Buffer;
}

export function writeBatchFields(fields: BatchFields): Buffer {
  const { dependencies, operations } = fields;
  const head = Buffer.alloc(BATCH_HEADER_BYTES + 12 * dependencies.length);
  head[0] = FRAME_TYPES.batch;
  head[1] = fields.isUrgent ? 1 : 0;
  head.writeUInt32LE(fields.count, 4);
  fields.session.copy(head, 8);
  head.writeUInt32LE(fields.worldLine, 24);
  head.writeUInt32LE(fields.generation, 28);
  writeU64(head, fields.sequence, 32);
  writeU64(head, fields.acknowledged, 40);
  writeU64(head, fields.version, 48);
  head.writeUInt32LE(dependencies.length, 56);
  for (const [index, [worker, version]] of dependencies.entries()) {
    head.writeUInt32LE(worker, BATCH_HEADER_BYTES + 12 * index);
    writeU64(head, version, BATCH_HEADER_BYTES + 12 * index + 4);
  }
  return Buffer.concat([head, operations]);
}

const AMOUNT_BYTES = 8;

function batchFrame(source: Source, fixed: Fixed): Buffer {
  const { random } = source;
  const version = drawNumber(source, 'version', 8);
  const sequence = Math.max(1, drawNumber(source, 'sequence', 8));
  const acknowledged = random.chance(0.5) ? 0 : drawNumber(source, 'sequence', 8);
  const count = random.int(1, 4);
  return writeBatchFields({
    isUrgent: random.chance(0.1),
    session: Buffer.from(drawHex(source, 'session', 16), 'hex'),
    worldLine: random.chance(0.7) ? 1 : drawNumber(source, 'worldLine', 4),
    generation: random.chance(0.7) ? 1 : drawNumber(source, 'generation', 4),
    sequence,
    acknowledged: Math.min(acknowledged, sequence > MAX_EXACT_U64 / 2 ? sequence - 2 : sequence - 1),
    version,
    dependencies: drawDependencies(source, version),
    count: random.chance(0.95) ? count : random.int(1, 65_536),
    operations: Buffer.alloc(AMOUNT_BYTES * count),
    ...fixed,
  });
}

export function drawDependencies(source: Source, version: number): [number, number][] {
  const { random } = source;
  const many = random.chance(0.002) ? random.pick([1_000, 16_383, 16_384]) : random.int(1, 4);
  if (random.chance(0.5)) return [];
  const first = random.pick([0, 1, 2, 3, 999, MAX_WORKER_ID - many + 1]);
  return Array.from({ length: many }, (_, index) => [
    first + index,
    random.chance(0.02) ? drawNumber(source, 'version', 8) : Math.min(version, drawNumber(source, 'version', 8)),
  ]);
}

function replyFrame(source: Source): Buffer {
  const bytes = Buffer.alloc(REPLY_HEADER_BYTES + AMOUNT_BYTES);
  bytes[0] = FRAME_TYPES.reply;
  bytes.writeUInt32LE(1, 4);
  bytes.write(drawHex(source, 'session', 16), 8, 'hex');
  bytes.writeUInt32LE(drawNumber(source, 'worldLine', 4), 24);
  bytes.writeUInt32LE(drawNumber(source, 'incarnation', 4), 28);
  writeU64(bytes, drawNumber(source, 'sequence', 8), 32);
  writeU64(bytes, drawNumber(source, 'version', 8), 40);
  return bytes;
}

const U64_BOUNDS = [
  ...[0, 1, 2, 255, 256, 257, 1_000, MAX_VERSION_JUMP, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1],
  ...[MAX_VERSION - 1, MAX_VERSION, MAX_VERSION + 1, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 54 - 2, MAX_EXACT_U64],
];

/** A number that the field can carry. */
export function drawNumber(source: Source, name: string, bytes: number): number {
  const { random, knowledge } = source;
  const max = bytes === 8 ? MAX_EXACT_U64 : 256 ** bytes - 1;
  const fit = (value: number): number => {
    const within = Math.min(max, Math.max(0, value));
    return within > 2 ** 53 ? 2 * Math.floor(within / 2) : within;
  };
  const known = random.chance(0.5) ? knowledge.number(random, name) : undefined;
  if (known !== undefined) {
    const near = [0, 0, 0, -1, 1, MAX_VERSION_JUMP - 1, MAX_VERSION_JUMP, MAX_VERSION_JUMP + 1, -MAX_VERSION_JUMP];
    return fit(known + random.pick(near));
  }
  if (random.chance(0.3)) return fit(random.int(0, 300));
  if (bytes < 8) return fit(random.pick([0, 1, 2, 3, 999, 65_535, 65_536, max - 1, max, random.int(0, max)]));
  return random.chance(0.3) ? Date.now() + random.pick([-1_000, 0, 5_000, 9_000, 11_000, 60_000]) : pickBound(random);
}

function pickBound(random: Random): number {
  return random.pick(U64_BOUNDS);
}

export function drawHex(source: Source, name: string, bytes: number): string {
  const known = source.random.chance(0.7) ? source.knowledge.hex(source.random, name, 2 * bytes) : undefined;
  return known ?? source.random.hex(bytes);
}

/** Lists within lists are short. */
const MAX_DEPTH = 2;
/** As many as the shorter ones of the limits allow. */
const MOST_ITEMS = 64;

function write(source: Source, parts: Buffer[], name: string, shape: Shape, fixed: unknown, depth: number): void {
  const { random } = source;
  switch (shape.is) {
    case 'number':
      return void parts.push(
        number(shape.bytes, (fixed as number | undefined) ?? drawNumber(source, name, shape.bytes)),
      );
    case 'flag':
      return void parts.push(u8((fixed ?? random.chance(0.5)) === true ? 1 : 0));
    case 'identity':
      return void parts.push(Buffer.from((fixed as string | undefined) ?? drawHex(source, name, shape.bytes), 'hex'));
    case 'text': {
      const bytes = Buffer.from((fixed as string | undefined) ?? drawText(random, shape.maxBytes), 'utf8');
      parts.push(number(2, bytes.length), bytes);
      return;
    }
    case 'word':
      return void parts.push(
        u8(fixed === undefined ? random.int(0, shape.words.length - 1) : shape.words.indexOf(fixed as string)),
      );
    case 'optional': {
      const isThere = fixed === undefined ? random.chance(0.5) : fixed !== null;
      parts.push(u8(isThere ? 1 : 0));
      if (isThere) write(source, parts, name, shape.item, fixed, depth);
      return;
    }
    case 'list': {
      const items =
        (fixed as readonly unknown[] | undefined) ?? Array.from({ length: drawCount(random, depth, shape.max) });
      parts.push(number(4, items.length));
      for (const item of items) write(source, parts, name, shape.item, item, depth + 1);
      return;
    }
    case 'map': {
      const count = drawCount(random, depth, shape.max);
      const first = random.pick([0, 0, 1, 2, 999, MAX_WORKER_ID - count]);
      parts.push(number(4, count));
      for (let index = 0; index < count; index++) {
        parts.push(number(4, first + index));
        write(source, parts, 'version', shape.value, undefined, depth + 1);
      }
      return;
    }
    case 'struct': {
      const values = (fixed ?? {}) as Fixed;
      for (const [own, field] of shape.fields) write(source, parts, own, field, values[own], depth);
      return;
    }
  }
}

function drawCount(random: Random, depth: number, max: number): number {
  if (depth < MAX_DEPTH && random.chance(0.01)) return Math.min(max, random.int(10, MOST_ITEMS));
  return random.chance(0.4) ? 0 : random.int(1, 3);
}

function drawText(random: Random, maxBytes: number): string {
  if (random.chance(0.02)) return 'x'.repeat(maxBytes);
  return random.pick(['', 'counter', '127.0.0.1', '\u0000', 'ä€😀', '../../x', '"\r\n']).slice(0, maxBytes);
}

export function u8(value: number): Buffer {
  return Buffer.of(value);
}

function number(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) writeU64(buffer, value, 0);
  else buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

function writeU64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value % 2 ** 32, at);
  buffer.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
