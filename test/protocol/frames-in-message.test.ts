import {
  decode,
  decodeMessage,
  draftOf,
  encode,
  encodeMessage,
  FrameError,
  MAX_FRAMES_IN_MESSAGE,
  type Message,
} from '@dpr/protocol';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { anyMessage } from './arbitraries.ts';

const messageOf = (messages: readonly Message[]): Buffer => encodeMessage(messages.map(draftOf));
const REFRESH: Message = { kind: 'refresh', worldLine: 1 };

describe('a message of several frames', () => {
  it('gives back every frame as it was, in order', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 9 }), (messages) => {
        assert.deepEqual(decodeMessage(messageOf(messages)), messages);
      }),
    );
  });

  it('is the frame itself when there is one', () => {
    fc.assert(fc.property(anyMessage, (message) => assert.deepEqual(messageOf([message]), encode(message))));
  });

  it('leaves the messages before and after it alone', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), { minLength: 1 }), (all) => {
        const written = all.map(messageOf);
        assert.deepEqual(written.map(decodeMessage), all);
      }),
    );
  });

  it('is refused when it is cut off anywhere, or has bytes too many', () => {
    const bytes = messageOf([REFRESH, { kind: 'refresh', worldLine: 2 }, { kind: 'subscribe' }]);
    for (let length = 1; length < bytes.length; length++) {
      // Whole frames may be left out: two of them are a message too.
      if (length === bytes.length - encode({ kind: 'subscribe' }).length - 4) continue;
      assert.throws(() => decodeMessage(bytes.subarray(0, length)), FrameError, `${length} bytes`);
    }
    assert.throws(() => decodeMessage(Buffer.concat([bytes, Buffer.of(0)])), /frame 4 of the message is cut off/);
  });

  it('is refused with a frame that is none, with reserved bytes, and inside another', () => {
    const bytes = messageOf([REFRESH, REFRESH]);
    for (const at of [1, 2, 3]) {
      const reserved = Buffer.from(bytes);
      reserved[at] = 1;
      assert.throws(() => decodeMessage(reserved), /begin with their type and three bytes zero/);
    }
    assert.throws(() => messageOf([]), /1 to 1024 frames, not 0/);
    assert.throws(() => decodeMessage(encodeMessage([Buffer.of(0xff), Buffer.of(0xff)])), /no frame has the type 255/);
    assert.throws(() => decodeMessage(encodeMessage([bytes, bytes])), /no frame has the type 4/);
    assert.throws(() => decode(bytes), /no frame has the type 4/);
  });

  it('has one encoding: a single frame is not wrapped', () => {
    const wrapped = Buffer.concat([Buffer.of(4, 0, 0, 0), Buffer.of(5, 0, 0, 0), encode(REFRESH)]);
    assert.throws(() => decodeMessage(wrapped), /at least two, not 1/);
    assert.throws(() => decodeMessage(Buffer.of(4, 0, 0, 0)), /at least two, not 0/);
  });

  it('has a limit, on both sides', () => {
    const most = Array.from({ length: MAX_FRAMES_IN_MESSAGE }, () => REFRESH);
    const bytes = messageOf(most);
    assert.equal(decodeMessage(bytes).length, MAX_FRAMES_IN_MESSAGE);
    assert.throws(() => messageOf([...most, REFRESH]), /1 to 1024 frames, not 1025/);
    const more = Buffer.concat([bytes, bytes.subarray(-9)]);
    assert.throws(() => decodeMessage(more), /at most 1024 frames/);
  });
});

describe('session ids', () => {
  it('are kept apart, however many there are', () => {
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    // Few first words, so that many ids want the same place in what is remembered.
    const near = fc.tuple(fc.integer({ min: 0, max: 3 }), id).map(([first, rest]) => `0${first}000000${rest.slice(8)}`);
    const table = (session: string): Message => ({
      kind: 'reply',
      count: 1,
      session,
      worldLine: 1,
      incarnation: 1,
      sequence: 1,
      version: 1,
      results: Buffer.of(1),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(id, near), { minLength: 1 }), (ids) => {
        const again = [...ids, ...ids].map((session) => decode(encode(table(session))));
        assert.deepEqual(
          again.map((message) => 'session' in message && message.session),
          [...ids, ...ids],
        );
      }),
    );
  });
});
