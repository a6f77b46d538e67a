import {
  decode,
  describeFrames,
  encode,
  FrameError,
  MAX_BATCH_BYTES,
  MAX_BATCH_OPERATIONS,
  MAX_CUT_ENTRIES,
  MAX_DECISIONS,
  MAX_DEPENDENCIES,
  MAX_FRAME_BYTES,
  MAX_HOST_BYTES,
  MAX_KEPT_EVENTS,
  MAX_KEPT_GENERATIONS,
  MAX_EXACT_U64,
  MAX_TEXT_BYTES,
  MAX_TOKEN_BYTES,
  MAX_TYPE_BYTES,
  MAX_UNCOMMITTED_CHECKPOINTS,
  MAX_UNDECIDED,
  MAX_UNWRITTEN_VERSIONS,
  MAX_WORKER_ID,
  MAX_WORKERS,
  type Message,
  type MessageOf,
  type PastEvent,
} from '@dpr/protocol';
import assert from 'node:assert/strict';
import { type Kind, KINDS, sampleOf } from './arbitraries.ts';

/** A sample of one kind with some fields replaced, also by values that its type forbids. */
function changed(kind: Kind, fields: Record<string, unknown>): Message {
  return { ...sampleOf(kind), ...fields };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => i);
const versions = (count: number) => new Map(numbered(count).map((worker) => [worker, 1]));
const letters = (count: number) => 'a'.repeat(count);
const MEMBER: MessageOf<'cluster'>['members'][number] = {
  id: 1,
  generation: 1,
  type: 'counter',
  host: '',
  port: 1,
  leaving: false,
};
const decision = { worldLine: 2, prefix: versions(0), entitled: versions(0) };
const checkpoint = { worldLine: 1, version: 2, predecessor: 1, dependencies: versions(0) };
const EVENT: PastEvent = {
  number: 1,
  agoMs: 1,
  kind: 'joined',
  worldLine: 1,
  worker: 1,
  generation: 1,
  type: letters(MAX_TYPE_BYTES),
  restarts: 0,
  forced: false,
  forMs: 0,
  operations: 0,
};
const MAX_LISTED = 4 * (MAX_UNCOMMITTED_CHECKPOINTS + MAX_UNWRITTEN_VERSIONS);

/** Fields with a limited length: a message with `length` items in the field, and the bytes that count them. */
interface Counted {
  readonly what: string;
  readonly limit: number;
  readonly countBytes: 2 | 4;
  readonly build: (length: number) => Message;
}
const sized = (kind: Kind, field: string, limit: number, items: (length: number) => unknown): Counted => ({
  what: `${kind}.${field}`,
  limit,
  countBytes: typeof items(0) === 'string' ? 2 : 4,
  build: (length) => changed(kind, { [field]: items(length) }),
});
const repeated =
  <T>(item: T) =>
  (length: number): T[] =>
    numbered(length).map(() => item);

const COUNTED: readonly Counted[] = [
  sized('batch', 'dependencies', MAX_DEPENDENCIES, versions),
  sized('checkpoint', 'dependencies', MAX_DEPENDENCIES, versions),
  sized('cut', 'cut', MAX_CUT_ENTRIES, versions),
  sized('cut', 'decisions', MAX_DECISIONS, repeated(decision)),
  sized('registered', 'decisions', MAX_DECISIONS, repeated(decision)),
  sized('cluster', 'members', MAX_WORKERS, repeated(MEMBER)),
  sized('cluster', 'removed', MAX_CUT_ENTRIES, repeated({ id: 1, generation: 1 })),
  sized('claim', 'checkpoints', MAX_LISTED, repeated({ worldLine: 1, version: 1 })),
  sized('claim', 'kept', MAX_KEPT_GENERATIONS, repeated({ generation: 1, checkpoints: [] })),
  sized('statusAnswer', 'undecided', MAX_UNDECIDED, repeated({ id: 1, text: '' })),
  sized('eventsAnswer', 'events', MAX_KEPT_EVENTS, repeated(EVENT)),
  sized('register', 'checkpoints', MAX_LISTED, repeated(checkpoint)),
  sized('graph', 'checkpoints', MAX_LISTED, repeated(checkpoint)),
  sized('hello', 'token', MAX_TOKEN_BYTES, letters),
  sized('register', 'type', MAX_TYPE_BYTES, letters),
  sized('register', 'host', MAX_HOST_BYTES, letters),
  sized('error', 'text', MAX_TEXT_BYTES, letters),
  sized('deleteAnswer', 'waitingFor', MAX_TEXT_BYTES, letters),
];

/** `bytes` with the little-endian number of `width` bytes at `at` replaced. */
function withNumber(bytes: Buffer, at: number, width: 2 | 4, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUIntLE(value, at, width);
  return copy;
}

/** Where two frames first differ: at the count, when they differ by one item. */
function firstDifference(a: Buffer, b: Buffer): number {
  return a.findIndex((byte, place) => byte !== b[place]);
}

describe('protocol limits', () => {
  for (const { what, limit, countBytes, build } of COUNTED) {
    it(`takes ${limit} in ${what} and refuses one more`, () => {
      const full = build(limit);
      const bytes = encode(full);
      assert.deepEqual(decode(bytes), full);
      const countAt = firstDifference(bytes, encode(build(limit - 1)));
      const over = Buffer.concat([withNumber(bytes, countAt, countBytes, limit + 1), Buffer.alloc(64)]);
      assert.throws(() => decode(over), {
        name: 'FrameError',
        message: new RegExp(`${limit + 1}.*(limit|do not fit)`),
      });
    });
  }

  for (const { what, limit, build } of COUNTED.filter(({ what }) => !/\.(text|waitingFor)$/.test(what))) {
    it(`does not write more than ${limit} in ${what}`, () => {
      assert.throws(() => encode(build(limit + 1)), RangeError);
    });
  }

  it('cuts words for people between two characters where they exceed the limit', () => {
    const text = `${letters(MAX_TEXT_BYTES - 3)}\u{1f600} and more`;
    const short = decode(encode(changed('error', { text })));
    assert.equal(short.kind === 'error' && short.text, letters(MAX_TEXT_BYTES - 3));
  });

  it('takes a batch of 1 to the limit of operations', () => {
    for (const kind of ['batch', 'reply'] as const) {
      for (const count of [1, MAX_BATCH_OPERATIONS]) {
        assert.deepEqual(decode(encode(changed(kind, { count }))), changed(kind, { count }));
      }
      for (const count of [0, MAX_BATCH_OPERATIONS + 1]) {
        assert.throws(() => encode(changed(kind, { count })), RangeError);
        const bytes = withNumber(encode(sampleOf(kind)), 4, 4, count);
        assert.throws(() => decode(bytes), { name: 'FrameError', message: /has 1 to 65536 operations/ });
      }
    }
  });

  it('takes operations and results up to their limit of bytes', () => {
    for (const [kind, field] of [
      ['batch', 'operations'],
      ['reply', 'results'],
    ] as const) {
      const bytes = encode(changed(kind, { [field]: Buffer.alloc(MAX_BATCH_BYTES) }));
      assert.equal(decode(bytes).kind, kind);
      assert.throws(() => decode(Buffer.concat([bytes, Buffer.of(0)])), /exceed the limit of 4194304/);
      assert.throws(() => encode(changed(kind, { [field]: Buffer.alloc(MAX_BATCH_BYTES + 1) })), RangeError);
    }
  });

  it('begins sequence numbers at 1', () => {
    assert.throws(() => encode(changed('batch', { sequence: 0 })), RangeError);
    const bytes = encode(changed('batch', { sequence: 1, acknowledged: 0 }));
    assert.throws(() => decode(withNumber(bytes, 32, 4, 0)), { name: 'FrameError', message: /begin at 1/ });
  });

  it('looks into a frame of the largest size and refuses one that is larger', () => {
    const bytes = Buffer.alloc(MAX_FRAME_BYTES + 1);
    assert.throws(() => decode(bytes), { name: 'FrameError', message: /exceeds the limit of 16777216/ });
    assert.throws(() => decode(bytes.subarray(1)), { name: 'FrameError', message: /no frame has the type 0/ });
  });

  it('does not write a frame larger than the limit', () => {
    const wide = { ...checkpoint, dependencies: versions(MAX_DEPENDENCIES) };
    const graph = (length: number) => changed('graph', { checkpoints: repeated(wide)(length) });
    const perCheckpoint = encode(graph(2)).length - encode(graph(1)).length;
    const most = Math.floor(MAX_FRAME_BYTES / perCheckpoint);
    assert.ok(encode(graph(most)).length <= MAX_FRAME_BYTES);
    assert.throws(() => encode(graph(most + 1)), {
      name: 'RangeError',
      message: /more than the limit of 16777216 bytes/,
    });
  });
});

describe('protocol numbers that do not fit', () => {
  const HOT_PATH_NUMBERS = {
    batch: { u32: ['count', 'worldLine', 'generation'], u64: ['sequence', 'acknowledged', 'version'] },
    reply: { u32: ['count', 'worldLine', 'incarnation'], u64: ['sequence', 'version'] },
  };
  /** Every field of one width: kind and name. */
  function fieldsOf(layout: 'u16' | 'u32' | 'u64'): [Kind, string][] {
    const described = describeFrames().flatMap(({ kind, fields }) =>
      fields.filter((field) => field.layout === layout).map((field): [Kind, string] => [kind as Kind, field.name]),
    );
    const hot = Object.entries(HOT_PATH_NUMBERS).flatMap(([kind, names]) =>
      (layout === 'u16' ? [] : names[layout]).map((name): [Kind, string] => [kind as Kind, name]),
    );
    return [...described, ...hot];
  }
  const LARGEST = { u16: 2 ** 16 - 1, u32: 2 ** 32 - 1, u64: MAX_EXACT_U64 } as const;

  for (const layout of ['u16', 'u32', 'u64'] as const) {
    it(`are refused on writing a ${layout}`, () => {
      const fields = fieldsOf(layout);
      assert.ok(fields.length >= 3);
      for (const [kind, name] of fields) {
        for (const value of [
          -1,
          LARGEST[layout] + (layout === 'u64' ? 4 : 1),
          1.5,
          Number.NaN,
          Number.POSITIVE_INFINITY,
        ]) {
          assert.throws(() => encode(changed(kind, { [name]: value })), RangeError, `${kind}.${name} = ${value}`);
        }
        if (name === 'count' || name === 'acknowledged') continue; // have lower limits, tested elsewhere
        const message = changed(kind, { [name]: LARGEST[layout] });
        assert.deepEqual(decode(encode(message)), message);
      }
    });
  }

  it('are refused on reading a u64 above MAX_EXACT_U64, or an odd one above 2^53', () => {
    const MARK = 0x1a_2b3c_4d5e_6f70;
    const mark = Buffer.from('706f5e4d3c2b1a00', 'hex');
    for (const [kind, name] of fieldsOf('u64')) {
      const own = name === 'acknowledged' ? { sequence: MAX_EXACT_U64, acknowledged: MARK } : { [name]: MARK };
      const bytes = encode(changed(kind, own));
      const at = bytes.indexOf(mark);
      assert.ok(at > 0, `${kind}.${name}`);
      const message = `the number at byte ${at} exceeds 2^54, or is odd above 2^53`;
      for (const wrong of [BigInt(MAX_EXACT_U64) + 1n, BigInt(MAX_EXACT_U64) + 2n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
        bytes.writeBigUInt64LE(wrong, at);
        assert.throws(() => decode(bytes), { name: 'FrameError', message }, `${kind}.${name}: ${wrong}`);
      }
    }
    const dependency = encode(changed('batch', { dependencies: new Map([[1, MARK]]) }));
    dependency.writeBigUInt64LE(2n ** 64n - 1n, dependency.indexOf(mark));
    assert.throws(() => decode(dependency), { name: 'FrameError', message: /exceeds 2\^54/ });
  });

  it('are refused where a batch acknowledges its own reply, or a later one', () => {
    const sequence = 7;
    const batch = changed('batch', { sequence, acknowledged: sequence - 1 });
    assert.deepEqual(decode(encode(batch)), batch);
    const bytes = encode(batch);
    for (const acknowledged of [sequence, sequence + 1, MAX_EXACT_U64]) {
      assert.throws(() => encode(changed('batch', { sequence, acknowledged })), RangeError);
      bytes.writeBigUInt64LE(BigInt(acknowledged), 40);
      assert.throws(() => decode(bytes), {
        name: 'FrameError',
        message: `batch 7 acknowledges the replies up to ${acknowledged}, which includes its own`,
      });
    }
  });

  it('are refused where a map names a worker above MAX_WORKER_ID', () => {
    for (const [kind, name] of [
      ['batch', 'dependencies'],
      ['checkpoint', 'dependencies'],
      ['cut', 'cut'],
    ] as const) {
      const within = changed(kind, { [name]: new Map([[MAX_WORKER_ID, 1]]) });
      const bytes = encode(within);
      assert.deepEqual(decode(bytes), within);
      const beyond = { [name]: new Map([[MAX_WORKER_ID + 1, 1]]) };
      assert.throws(() => encode(changed(kind, beyond)), { name: 'RangeError', message: /worker ids go up to 65535/ });
      const entry = Buffer.from('ffff00000100000000000000', 'hex');
      bytes.writeUInt32LE(MAX_WORKER_ID + 1, bytes.indexOf(entry));
      assert.throws(() => decode(bytes), {
        name: 'FrameError',
        message: 'worker ids go up to 65535, and 65536 is named',
      });
    }
  });

  it('are refused in maps and structures too', () => {
    for (const value of [-1, MAX_EXACT_U64 + 4, 0.5, Number.NaN]) {
      for (const entry of [
        [1, value],
        [value, 1],
      ] as const) {
        assert.throws(() => encode(changed('cut', { cut: new Map([entry]) })), RangeError);
        assert.throws(() => encode(changed('batch', { dependencies: new Map([entry]) })), RangeError);
      }
      assert.throws(() => encode(changed('cluster', { members: [{ ...MEMBER, port: value }] })), RangeError);
    }
  });

  it('are refused when an identity is not exactly its bytes in hex', () => {
    for (const session of [
      '',
      'ab'.repeat(15),
      'ab'.repeat(17),
      `${'ab'.repeat(15)}a`,
      `${'ab'.repeat(16)}a`,
      'xy'.repeat(16),
    ]) {
      for (const kind of ['batch', 'reply', 'table', 'error'] as const) {
        assert.throws(() => encode(changed(kind, { session })), RangeError, `${kind}: '${session}'`);
      }
    }
  });

  it('are refused when a word is not in its list', () => {
    assert.throws(() => encode(changed('error', { code: 'gone' })), RangeError);
    assert.throws(() => encode(changed('hello', { role: 'guest' })), RangeError);
    const bytes = encode(changed('error', { code: 'malformed' }));
    bytes[1] = 200;
    assert.throws(() => decode(bytes), { name: 'FrameError', message: /^200 is not one of malformed, / });
  });

  it('are refused when a flag is neither 0 nor 1', () => {
    const bytes = encode(changed('deleteWorker', { force: true }));
    bytes[bytes.length - 1] = 2;
    assert.throws(() => decode(bytes), { name: 'FrameError', message: 'a flag is 0 or 1, not 2' });
  });
});

describe('a count larger than its frame', () => {
  /** Heap bytes that reading `bytes` takes, at most: the least of a few tries, because others allocate too. */
  function heapBytesOf(bytes: Buffer): number {
    const growths = numbered(3).map(() => {
      const before = process.memoryUsage().heapUsed;
      try {
        decode(bytes);
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
      return process.memoryUsage().heapUsed - before;
    });
    return Math.min(...growths);
  }

  it('is refused before anything is allocated for it, wherever it is in a frame', () => {
    const COUNTS = [MAX_LISTED, MAX_WORKERS, MAX_CUT_ENTRIES, 2 ** 32 - 1];
    for (const kind of KINDS) {
      const bytes = encode(sampleOf(kind));
      for (let at = 1; at + 4 <= bytes.length; at++) {
        for (const count of COUNTS) {
          const heapBytes = heapBytesOf(withNumber(bytes, at, 4, count));
          assert.ok(heapBytes < 64 * 1024, `${kind} with ${count} at byte ${at} took ${heapBytes} bytes to refuse`);
        }
      }
    }
  });

  it('is named in the refusal', () => {
    const cut = encode(changed('cut', { decisions: [], cut: new Map([[1, 1]]) }));
    assert.throws(() => decode(withNumber(cut, cut.length - 20, 4, MAX_DECISIONS)), {
      message: 'a count of 64 does not fit into the 16 bytes that remain',
    });
    assert.throws(() => decode(withNumber(cut, cut.length - 16, 4, 2)), {
      message: 'a count of 2 does not fit into the 12 bytes that remain',
    });
    const batch = withNumber(encode(sampleOf('batch')), 56, 4, MAX_DEPENDENCIES);
    assert.throws(() => decode(batch), /16384 dependencies do not fit into a batch of \d+ bytes/);
  });
});
