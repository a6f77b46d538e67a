import { FRAGMENT_BYTES, messageMeter, READ_BYTES } from '../../services/runtime/unfinished-message.ts';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BINARY, PING, webSocketFrame } from '../hostile/raw-peer.ts';

/** Payloads with lengths of each form of the header. */
const LENGTHS = fc.oneof(fc.nat(130), fc.constantFrom(0, 125, 126, 65_535, 65_536));

/** A message in fragments, some with a ping behind them. */
const FRAGMENTS = fc.array(fc.record({ length: LENGTHS, ping: fc.boolean() }), { minLength: 1, maxLength: 4 });

function framesOf(fragments: readonly { readonly length: number; readonly ping: boolean }[]): readonly Buffer[] {
  return fragments.flatMap(({ length, ping }, index) => {
    const isLast = index === fragments.length - 1;
    const frame = webSocketFrame(index === 0 ? BINARY : 0, Buffer.alloc(length, 0x82), length, isLast);
    return ping && !isLast ? [frame, webSocketFrame(PING, Buffer.alloc(3))] : [frame];
  });
}

describe('the meter of messages', () => {
  it('knows after each read whether a message is complete, wherever the read ended', () => {
    fc.assert(
      fc.property(fc.array(FRAGMENTS, { maxLength: 4 }), fc.array(fc.integer({ min: 1, max: 5_000 })), (all, sizes) => {
        const messages = all.map((fragments) => Buffer.concat(framesOf(fragments)));
        const ends = messages.reduce<number[]>((sums, { length }) => [...sums, (sums.at(-1) ?? 0) + length], []);
        const bytes = Buffer.concat(messages);
        const meter = messageMeter();
        for (let at = 0, read = 0; at < bytes.length; read++) {
          const size = sizes[read] ?? bytes.length;
          const end = Math.min(bytes.length, at + size);
          meter.take(bytes.subarray(at, end));
          at = end;
          const complete = ends.filter((one) => one <= end);
          const rest = end - (complete.at(-1) ?? 0);
          assert.equal(meter.finished(), complete.length);
          if (rest === 0) assert.equal(meter.unfinished(), 0);
          else assert.ok(meter.unfinished() >= rest + READ_BYTES);
        }
      }),
    );
  });

  it('counts what a message takes besides its bytes: reads of a few bytes, and fragments', () => {
    const slow = messageMeter();
    const frame = webSocketFrame(BINARY, Buffer.alloc(10), 100);
    for (const byte of frame) slow.take(Buffer.of(byte));
    assert.equal(slow.unfinished(), frame.length * (1 + READ_BYTES));
    const fragmented = messageMeter();
    const fragments = Buffer.concat(
      Array.from({ length: 1_000 }, (_, index) => webSocketFrame(index === 0 ? BINARY : 0, Buffer.alloc(1), 1, false)),
    );
    fragmented.take(fragments);
    assert.equal(fragmented.unfinished(), fragments.length + 1_000 * FRAGMENT_BYTES + READ_BYTES);
  });

  it('takes a control frame between fragments for no end of the message', () => {
    const meter = messageMeter();
    meter.take(webSocketFrame(BINARY, Buffer.alloc(1), 1, false));
    meter.take(webSocketFrame(PING, Buffer.alloc(0)));
    assert.equal(meter.finished(), 0);
    meter.take(webSocketFrame(0, Buffer.alloc(0)));
    assert.deepEqual([meter.finished(), meter.unfinished()], [1, 0]);
  });
});
