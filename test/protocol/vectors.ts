/**
 * The test vectors of the protocol, for codecs in any language: for each kind of frame its least and a full value, frames whose
 * fields stand on their limits, and messages that must be refused.
 */
import {
  describeFrames,
  draftOf,
  encode,
  encodeMessage,
  ERROR_CODES,
  FRAME_TYPES,
  MAX_BATCH_BYTES,
  MAX_BATCH_OPERATIONS,
  MAX_DECISIONS,
  MAX_DEPENDENCIES,
  MAX_FRAMES_IN_MESSAGE,
  MAX_EXACT_U64,
  MAX_TOKEN_BYTES,
  MAX_WORKER_ID,
  PROTOCOL_VERSION,
  type Batch,
  type Message,
  type MessageOf,
  type Reply,
} from '@dpr/protocol';
import { CLOSE } from '@dpr/runtime/frame-socket';
import { parseLayout, revive, type Shape } from './layouts.ts';
import { plainFields, plainFrame, type PlainFrame } from './plain.ts';

/** One frame in a message of its own, and what it says. */
export interface GoodVector extends PlainFrame {
  readonly name: string;
}

/** One message of several frames. */
export interface SeveralVector {
  readonly name: string;
  readonly hex: string;
  readonly frames: readonly { readonly kind: string; readonly fields: unknown }[];
}

/** One message that no server takes: its answer, and the status code that it closes with. */
export interface BadVector {
  readonly name: string;
  readonly hex: string;
  /** So many zero bytes follow. */
  readonly zeros: number;
  readonly code: number;
  readonly error: string;
  readonly close: number;
}

export interface Vectors {
  readonly about: readonly string[];
  readonly good: readonly GoodVector[];
  readonly several: readonly SeveralVector[];
  readonly bad: readonly BadVector[];
}

const ABOUT = [
  `Test vectors of the DPR wire protocol, version ${PROTOCOL_VERSION}, made from the code by "npm run golden". WIRE.md says what they mean.`,
  'good: a message that is one frame; reading hex gives fields, and writing fields gives hex. 64-bit numbers are exact in a double.',
  'several: a message of several frames.',
  'bad: after its greeting a peer sends hex, then so many zero bytes, as one message. A server answers with an error of this code and closes with this status code.',
];

export function makeVectors(): Vectors {
  return { about: ABOUT, good: goodVectors(), several: severalVectors(), bad: badVectors() };
}

const SESSION = '5e000000000000000000000000000001';

const BATCH: Batch = {
  kind: 'batch',
  urgent: false,
  count: 1,
  session: SESSION,
  worldLine: 1,
  generation: 1,
  sequence: 1,
  acknowledged: 0,
  version: 0,
  dependencies: new Map(),
  operations: Buffer.alloc(8),
};

const REPLY: Reply = {
  kind: 'reply',
  count: 1,
  session: SESSION,
  worldLine: 1,
  incarnation: 1,
  sequence: 1,
  version: 1,
  results: Buffer.alloc(8),
};

function goodVectors(): GoodVector[] {
  const vector = (name: string, message: Message): GoodVector => ({ name, ...plainFrame(message) });
  const described = describeFrames().flatMap(({ kind, fields }) => {
    const made = (fill: Fill): Message => {
      const entries = fields.map(({ name, layout }) => {
        const shape = parseLayout(layout);
        return [name, revive(shape, fill(shape))] as const;
      });
      return { kind, ...Object.fromEntries(entries) } as unknown as Message;
    };
    const least = vector(`${kind}, least`, made(leastOf));
    return fields.length === 0 ? [least] : [least, vector(`${kind}, full`, made(fullOf))];
  });
  return [
    ...described,
    ...ERROR_CODES.map((code) => vector(`error, code ${code}`, errorOf(code))),
    vector('batch, least', BATCH),
    vector('batch, urgent with dependencies', {
      ...BATCH,
      urgent: true,
      sequence: 2,
      acknowledged: 1,
      version: 9,
      dependencies: new Map([
        [7, 9],
        [3, 1],
      ]),
    }),
    vector('batch, numbers on their limits', {
      ...BATCH,
      count: MAX_BATCH_OPERATIONS,
      session: 'f'.repeat(32),
      worldLine: 2 ** 32 - 1,
      generation: 2 ** 32 - 1,
      sequence: MAX_EXACT_U64,
      acknowledged: MAX_EXACT_U64 - 2,
      version: MAX_EXACT_U64,
      dependencies: new Map([[MAX_WORKER_ID, MAX_EXACT_U64]]),
    }),
    vector('reply, least', REPLY),
    vector('reply, numbers on their limits', {
      ...REPLY,
      count: MAX_BATCH_OPERATIONS,
      session: 'f'.repeat(32),
      worldLine: 2 ** 32 - 1,
      incarnation: 2 ** 32 - 1,
      sequence: MAX_EXACT_U64,
      version: MAX_EXACT_U64,
    }),
    vector('reply, no results', { ...REPLY, results: Buffer.alloc(0) }),
    vector('cut, as many decisions as there may be', cutOf(MAX_DECISIONS)),
  ];
}

function errorOf(code: MessageOf<'error'>['code']): MessageOf<'error'> {
  return { kind: 'error', code, session: SESSION, sequence: 1, detail: 2, text: code };
}

function cutOf(decisions: number): MessageOf<'cut'> {
  return {
    kind: 'cut',
    stamp: { start: 'f100000000000001', counter: 1 },
    worldLine: decisions + 1,
    decisions: Array.from({ length: decisions }, (_, index) => ({
      worldLine: index + 2,
      prefix: new Map(),
      entitled: new Map(),
    })),
    cut: new Map([
      [2, 5],
      [1, 6],
    ]),
  };
}

/** The plain value, as in WIRE.md's JSON, that fills a shape. */
type Fill = (shape: Shape) => unknown;

const leastOf: Fill = (shape) => {
  switch (shape.is) {
    case 'number':
      return 0;
    case 'flag':
      return false;
    case 'identity':
      return '00'.repeat(shape.bytes);
    case 'text':
      return '';
    case 'word':
      return shape.words[0];
    case 'optional':
      return null;
    case 'list':
      return [];
    case 'map':
      return {};
    case 'struct':
      return Object.fromEntries(shape.fields.map(([name, field]) => [name, leastOf(field)]));
  }
};

/** Characters of one to four bytes. */
const CHARACTERS = 'aé€😀';

const fullOf: Fill = (shape) => {
  switch (shape.is) {
    case 'number':
      return shape.bytes === 8 ? MAX_EXACT_U64 : 2 ** (8 * shape.bytes) - 1;
    case 'flag':
      return true;
    case 'identity':
      return Array.from({ length: shape.bytes }, (_, index) => (0xf0 + (index % 16)).toString(16)).join('');
    case 'text': {
      const whole = CHARACTERS.repeat(Math.floor(shape.maxBytes / Buffer.byteLength(CHARACTERS)));
      return whole + 'z'.repeat(shape.maxBytes - Buffer.byteLength(whole));
    }
    case 'word':
      return shape.words.at(-1);
    case 'optional':
      return fullOf(shape.item);
    case 'list':
      return [fullOf(shape.item), leastOf(shape.item)];
    case 'map':
      return { 0: leastOf(shape.value), [MAX_WORKER_ID]: fullOf(shape.value) };
    case 'struct':
      return Object.fromEntries(shape.fields.map(([name, field]) => [name, fullOf(field)]));
  }
};

const REFRESH: Message = { kind: 'refresh', worldLine: 1 };

function severalVectors(): SeveralVector[] {
  const vector = (name: string, messages: readonly Message[]): SeveralVector => ({
    name,
    hex: encodeMessage(messages.map(draftOf)).toString('hex'),
    frames: messages.map((message) => ({ kind: message.kind, fields: plainFields(message) })),
  });
  return [
    vector('two frames', [REFRESH, BATCH]),
    vector('a batch and its commit', [BATCH, { kind: 'commit', worldLine: 1, version: 1 }]),
    vector('replies out of order, then a cut', [{ ...REPLY, sequence: 2 }, REPLY, cutOf(0)]),
    vector(
      'as many frames as there may be',
      Array.from({ length: MAX_FRAMES_IN_MESSAGE }, () => ({ kind: 'status' }) as const),
    ),
  ];
}

function badVectors(): BadVector[] {
  const bad = (name: string, bytes: Uint8Array, zeros = 0): BadVector => ({
    name,
    hex: Buffer.from(bytes).toString('hex'),
    zeros,
    code: ERROR_CODES.indexOf('malformed'),
    error: 'malformed',
    close: CLOSE.malformed,
  });
  return [
    bad('nothing', Buffer.alloc(0)),
    ...[0x00, 0x05, 0x1f, 0xff].map((type) => bad(`an unknown type, ${type}`, Buffer.of(type))),
    ...describeFrames().flatMap(({ kind, type, fields }) => {
      const cut = fields.length === 0 ? [] : [bad(`${kind}, cut off after its type`, Buffer.of(type))];
      return [...cut, bad(`${kind}, followed by a byte`, Buffer.concat([leastFrame(kind), Buffer.of(0)]))];
    }),
    ...badFields().map(([name, bytes]) => bad(name, bytes)),
    ...badBatches().map(([name, bytes]) => bad(name, bytes)),
    bad('batch, more bytes of operations than there may be', encode(BATCH), MAX_BATCH_BYTES),
    bad('reply, more bytes of results than there may be', encode(REPLY), MAX_BATCH_BYTES),
    ...badMessages().map(([name, bytes]) => bad(name, bytes)),
  ];
}

function leastFrame(kind: string): Buffer {
  const found = goodVectors().find(({ name }) => name === `${kind}, least`);
  if (found === undefined) throw new Error(`there is no vector for ${kind}`);
  return Buffer.from(found.hex, 'hex');
}

/** @param at where the byte, or the bytes, are put */
function changed(bytes: Buffer, at: number, ...values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  Buffer.from(values).copy(copy, at);
  return copy;
}

const TOO_LARGE = [2, 0, 0, 0, 0, 0, 0x40, 0]; // 2^54 + 2
const ODD = [1, 0, 0, 0, 0, 0, 0x20, 0]; // 2^53 + 1
const ALL_ONES = [0xff, 0xff, 0xff, 0xff];

function badFields(): [string, Buffer][] {
  const hello = (token: Buffer, length = token.length): Buffer =>
    Buffer.concat([Buffer.of(FRAME_TYPES.hello, 1, 0, 0, 0, 0, length % 256, length >> 8), token]);
  const greeting = hello(Buffer.alloc(0));
  const error = encode({ ...errorOf('malformed'), session: undefined, sequence: 0, detail: 0, text: '' });
  const cut = encode(cutOf(0));
  /** In the frame above: after its type, stamp, world-line, and the number of decisions. */
  const [decisionsAt, cutAt] = [21, 25];
  return [
    ['hello, a role that is none', changed(greeting, 3, 3)],
    ['hello, a flag above 1', changed(greeting, 4, 2)],
    ['hello, a token above its limit', hello(Buffer.alloc(MAX_TOKEN_BYTES + 1, 'a'))],
    ['hello, a token longer than the frame', hello(Buffer.from('abc'), 4)],
    ['hello, a token that is no UTF-8', hello(Buffer.of(0xc3, 0x28))],
    ['hello, a token with half a surrogate pair', hello(Buffer.of(0xed, 0xa0, 0x80))],
    ['error, a code that is none', changed(error, 1, ERROR_CODES.length)],
    ['error, a code that is none, 255', changed(error, 1, 255)],
    ['error, a sequence of 2^54 + 2', changed(error, 3, ...TOO_LARGE)],
    ['error, a detail with all bits', changed(error, 11, ...ALL_ONES, ...ALL_ONES)],
    ['cut, more decisions than there may be', encodeTooMany()],
    ['cut, a count of decisions that the frame cannot hold', changed(cut, decisionsAt, 64, 0, 0, 0)],
    ['cut, a count of decisions of 2^32 - 1', changed(cut, decisionsAt, ...ALL_ONES)],
    ['cut, a count of versions that the frame cannot hold', changed(cut, cutAt, 3, 0, 0, 0)],
    ['cut, a worker named twice', changed(cut, cutAt + 4 + 12, 2, 0, 0, 0)],
    ['checkpoint, a flag above 1', changed(leastFrame('checkpoint'), leastFrame('checkpoint').length - 1, 2)],
  ];
}

/** One decision more than a cut may have; the codec does not write that. */
function encodeTooMany(): Buffer {
  const whole = encode(cutOf(MAX_DECISIONS));
  const [countAt, itemsAt, itemBytes] = [21, 25, 12];
  const item = whole.subarray(itemsAt, itemsAt + itemBytes);
  const count = Buffer.alloc(4);
  count.writeUInt32LE(MAX_DECISIONS + 1);
  return Buffer.concat([whole.subarray(0, countAt), count, item, whole.subarray(itemsAt)]);
}

function badBatches(): [string, Buffer][] {
  const batch = encode(BATCH);
  const reply = encode(REPLY);
  const twice = encode({
    ...BATCH,
    version: 1,
    dependencies: new Map([
      [1, 1],
      [2, 1],
    ]),
  });
  const u32 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
  return [
    ['batch, half a header', batch.subarray(0, 32)],
    ['batch, a flag that is none', changed(batch, 1, 2)],
    ['batch, reserved bytes at 2', changed(batch, 2, 1)],
    ['batch, reserved bytes at 60', changed(batch, 60, 1)],
    ['batch, no operations', changed(batch, 4, ...u32(0))],
    ['batch, more operations than there may be', changed(batch, 4, ...u32(MAX_BATCH_OPERATIONS + 1))],
    ['batch, sequence 0', changed(batch, 32, 0)],
    ['batch, sequence 2^54 + 2', changed(batch, 32, ...TOO_LARGE)],
    ['batch, acknowledged 2^54 + 2', changed(batch, 40, ...TOO_LARGE)],
    ['batch, version 2^54 + 2', changed(batch, 48, ...TOO_LARGE)],
    ['batch, version 2^53 + 1', changed(batch, 48, ...ODD)],
    ['batch, acknowledged as much as its sequence', changed(batch, 40, 1)],
    ['batch, dependencies that the frame cannot hold', changed(batch, 56, ...u32(1))],
    ['batch, more dependencies than there may be', changed(batch, 56, ...u32(MAX_DEPENDENCIES + 1))],
    ['batch, a dependency on worker 65536', changed(twice, 64, 0, 0, 1, 0)],
    ['batch, a dependency named twice', changed(twice, 64 + 12, 1)],
    ['batch, a dependency on version 2^54 + 2', changed(twice, 64 + 4, ...TOO_LARGE)],
    ['reply, half a header', reply.subarray(0, 24)],
    ['reply, reserved byte at 1', changed(reply, 1, 1)],
    ['reply, reserved bytes at 2', changed(reply, 3, 1)],
    ['reply, no operations', changed(reply, 4, ...u32(0))],
    ['reply, sequence 2^54 + 2', changed(reply, 32, ...TOO_LARGE)],
    ['reply, version 2^54 + 2', changed(reply, 40, ...TOO_LARGE)],
  ];
}

function badMessages(): [string, Buffer][] {
  const frame = encode(REFRESH);
  const framed = (bytes: Buffer, length = bytes.length): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(length);
    return Buffer.concat([size, bytes]);
  };
  const several = (...parts: Buffer[]): Buffer => Buffer.concat([Buffer.of(FRAME_TYPES.several, 0, 0, 0), ...parts]);
  const tooMany = Array.from({ length: MAX_FRAMES_IN_MESSAGE + 1 }, () => framed(Buffer.of(FRAME_TYPES.status)));
  return [
    ['several, no frame', several()],
    ['several, one frame', several(framed(frame))],
    ['several, more frames than there may be', several(...tooMany)],
    ['several, half a header', Buffer.of(FRAME_TYPES.several, 0)],
    ['several, reserved bytes', changed(several(framed(frame), framed(frame)), 2, 1)],
    ['several, an empty frame', several(framed(frame), framed(Buffer.alloc(0)))],
    ['several, a frame longer than the message', several(framed(frame), framed(frame, frame.length + 1))],
    ['several, half a length', several(framed(frame), framed(frame), Buffer.of(1, 0))],
    ['several, inside another', several(framed(frame), framed(several(framed(frame), framed(frame))))],
    ['several, a good frame before one that is none', several(framed(frame), framed(Buffer.of(0xff)))],
  ];
}
