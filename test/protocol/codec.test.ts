import {
  BATCH_HEADER_BYTES,
  decode,
  encode,
  FRAME_TYPES,
  FrameError,
  REPLY_HEADER_BYTES,
  type Message,
} from '@dpr/protocol';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { anyMessage, type Kind, KINDS, MESSAGES, sampleOf } from './arbitraries.ts';

/** Where the fixed part of a frame ends whose rest, of any length, is operations or results; undefined for the others. */
const PAYLOAD_AT: Partial<Record<Kind, (message: Message) => number>> = {
  batch: (message) => BATCH_HEADER_BYTES + 12 * (message.kind === 'batch' ? message.dependencies.size : 0),
  reply: () => REPLY_HEADER_BYTES,
};

/** Bytes are refused with a FrameError or are the one encoding of a message; anything else is a defect. */
function checkReading(bytes: Uint8Array): void {
  let message: Message;
  try {
    message = decode(bytes);
  } catch (error) {
    assert.ok(error instanceof FrameError, `decode threw ${String(error)} instead of a FrameError`);
    assert.notEqual(error.message, '');
    return;
  }
  assert.deepEqual(encode(message), Buffer.from(bytes), 'a frame that was read is written back byte by byte');
}

describe('codec', () => {
  for (const kind of KINDS) {
    it(`gives back every ${kind} as it was`, () => {
      fc.assert(
        fc.property(MESSAGES[kind] as fc.Arbitrary<Message>, (message) => {
          const bytes = encode(message);
          assert.equal(bytes[0], FRAME_TYPES[kind]);
          assert.deepEqual(decode(bytes), message);
        }),
      );
    });
  }

  it('reads a frame that is a part of a larger buffer', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat({ max: 9 }), (message, before) => {
        const bytes = encode(message);
        const larger = Buffer.concat([Buffer.alloc(before, 0xee), bytes, Buffer.alloc(3, 0xee)]);
        assert.deepEqual(decode(larger.subarray(before, before + bytes.length)), message);
      }),
    );
  });

  it('refuses a frame cut off at any length, except inside operations and results', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const bytes = encode(message);
        const payloadAt = PAYLOAD_AT[message.kind]?.(message) ?? bytes.length;
        for (let length = 0; length < bytes.length; length++) {
          const part = bytes.subarray(0, length);
          if (length < payloadAt) assert.throws(() => decode(part), FrameError);
          else checkReading(part);
        }
      }),
    );
  });

  it('refuses bytes after the end of a frame', () => {
    fc.assert(
      fc.property(anyMessage, fc.uint8Array({ minLength: 1, maxLength: 20 }), (message, extra) => {
        const bytes = Buffer.concat([encode(message), extra]);
        if (PAYLOAD_AT[message.kind] === undefined) assert.throws(() => decode(bytes), FrameError);
        else checkReading(bytes);
      }),
    );
  });

  it('reads or refuses a frame with any bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyMessage, changes, (message, edits) => {
        const bytes = encode(message);
        for (const [place, value] of edits) bytes[place % bytes.length] = value;
        checkReading(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('reads or refuses any bytes after any type', () => {
    const type = fc.oneof(fc.constantFrom(...Object.values(FRAME_TYPES)), fc.nat({ max: 255 }));
    const rest = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat({ max: 200 }).map((size) => new Uint8Array(size)),
    );
    fc.assert(
      fc.property(type, rest, (first, bytes) => {
        checkReading(Buffer.concat([Buffer.of(first), bytes]));
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses an empty frame and an unknown type by name', () => {
    assert.throws(() => decode(new Uint8Array()), { name: 'FrameError', message: 'the frame is empty' });
    assert.throws(() => decode(Buffer.of(0xff)), { name: 'FrameError', message: 'no frame has the type 255' });
  });

  it('names the byte where a frame ends too early, counted from the type byte', () => {
    assert.throws(() => decode(encode({ kind: 'refresh', worldLine: 1 }).subarray(0, 3)), {
      message: 'the frame ends at byte 3, but 4 bytes are due at byte 1',
    });
  });

  it('refuses a worker that is named twice', () => {
    const twice = {
      ...sampleOf('batch'),
      dependencies: {
        size: 2,
        *[Symbol.iterator]() {
          yield [3, 1];
          yield [3, 2];
        },
      },
    };
    assert.throws(() => decode(encode(twice as unknown as Message)), /names worker 3 twice/);
    const cut = { ...sampleOf('cut'), cut: twice.dependencies };
    assert.throws(() => decode(encode(cut as unknown as Message)), /named twice/);
  });

  it('refuses reserved bits that are set', () => {
    for (const [kind, places] of [
      ['batch', [1, 2, 3, 60, 63]],
      ['reply', [1, 2, 3]],
    ] as const) {
      for (const place of places) {
        const bytes = encode(sampleOf(kind));
        bytes.writeUInt8(2, place);
        assert.throws(() => decode(bytes), /reserved bits/, `${kind}, byte ${place}`);
      }
    }
  });

  it('refuses a text that is not UTF-8', () => {
    const bytes = encode({ kind: 'error', code: 'malformed', session: undefined, sequence: 0, detail: 0, text: 'é' });
    bytes[bytes.length - 1] = 0x28;
    assert.throws(() => decode(bytes), { name: 'FrameError', message: 'a text is not valid UTF-8' });
  });
});
