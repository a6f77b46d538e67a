/** What a frame or a message can have wrong with it. With all of it, no operation of a batch comes to add anything. */
import { FRAME_TYPES, MAX_FRAMES_IN_MESSAGE } from '@dpr/protocol';
import type { Random } from '../../simulation/random.ts';
import { u8 } from './frames.ts';

/** Of a batch only the header is touched. */
const TOUCHED_BYTES = 64;

type Damage = (frame: Buffer, random: Random) => Buffer;

const FRAME_DAMAGES: Readonly<Record<string, Damage>> = {
  'cut short': (frame, random) => frame.subarray(0, random.int(0, frame.length - 1)),
  'bytes behind it': (frame, random) => Buffer.concat([frame, Buffer.alloc(random.int(1, 16))]),
  'a bit flipped': (frame, random) => {
    const copy = Buffer.from(frame);
    const at = random.int(0, Math.min(frame.length, TOUCHED_BYTES) - 1);
    copy[at] = (frame[at] ?? 0) ^ (1 << random.int(0, 7));
    return copy;
  },
  'another type': (frame, random) => Buffer.concat([u8(random.int(0, 255)), frame.subarray(1)]),
  'numbers that are too large': (frame, random) => {
    const copy = Buffer.from(frame);
    const end = Math.min(frame.length, TOUCHED_BYTES);
    const from = random.int(0, end - 1);
    return copy.fill(0xff, from, Math.min(end, from + random.pick([1, 2, 4, 8])));
  },
  twice: (frame) => Buffer.concat([frame, frame]),
};

/** @returns the frame with one thing wrong, and what */
export function damageFrame(frame: Buffer, random: Random): { readonly bytes: Buffer; readonly what: string } {
  const [what, damage] = random.pick(Object.entries(FRAME_DAMAGES));
  return { bytes: damage(frame, random), what };
}

/** One frame as it is, or several as a message has them. */
export function joinFrames(frames: readonly Buffer[]): Buffer {
  const [first] = frames;
  if (frames.length === 1 && first !== undefined) return first;
  const parts: Buffer[] = [Buffer.of(FRAME_TYPES.several, 0, 0, 0)];
  for (const frame of frames) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(frame.length);
    parts.push(length, frame);
  }
  return Buffer.concat(parts);
}

const MESSAGE_DAMAGES: Readonly<Record<string, (message: Buffer, random: Random) => Buffer>> = {
  'message: none': () => Buffer.alloc(0),
  'message: cut short': (message, random) => message.subarray(0, random.int(0, message.length - 1)),
  'message: its first bytes': (message, random) => {
    const copy = Buffer.from(message);
    return copy.fill(random.int(1, 255), 0, Math.min(copy.length, random.int(1, 4)));
  },
  'message: a length that lies': (message, random) => {
    if (message.length < 8) return Buffer.alloc(0);
    const copy = Buffer.from(message);
    copy.writeUInt32LE(random.pick([0, 1, message.length, 2 ** 31, 2 ** 32 - 1]), 4);
    return copy;
  },
  'message: several of several': (message) => joinFrames([message, joinFrames([message, message])]),
  'message: too many frames': () => joinFrames(Array.from({ length: MAX_FRAMES_IN_MESSAGE + 1 }, () => LEAST_FRAME)),
  'message: noise': (_, random) => Buffer.from(random.hex(random.int(1, 200)), 'hex'),
};
/** `fetchReached` has no field. */
const LEAST_FRAME = u8(FRAME_TYPES.fetchReached);

export function damageMessage(message: Buffer, random: Random): { readonly bytes: Buffer; readonly what: string } {
  const [what, damage] = random.pick(Object.entries(MESSAGE_DAMAGES));
  return { bytes: damage(message, random), what };
}
