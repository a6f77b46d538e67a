/**
 * Several frames in one message, because a message costs a transport about as much as a small batch costs a worker:
 *
 *   0 u8 type · 1 three bytes zero · then each frame: u32 length, its bytes
 */
import { FrameError } from './fields.ts';
import { FRAME_TYPES } from './frame-types.ts';
import { MAX_FRAME_BYTES, MAX_FRAMES_IN_MESSAGE } from './limits.ts';
import { decode, draftBytes, writeDraft, type Draft, type Message } from './messages.ts';
import { createSlab } from './slab.ts';

const HEADER_BYTES = 4;
const LENGTH_BYTES = 4;

const allocate = createSlab();

/** The message that carries these frames, in order: one goes as it is. @throws RangeError when there are too many or none */
export function encodeMessage(drafts: readonly Draft[]): Buffer {
  const [first] = drafts;
  if (first === undefined || drafts.length > MAX_FRAMES_IN_MESSAGE) {
    throw new RangeError(`a message carries 1 to ${MAX_FRAMES_IN_MESSAGE} frames, not ${drafts.length}`);
  }
  if (drafts.length === 1) {
    const bytes = allocate(draftBytes(first));
    writeDraft(bytes, 0, first);
    return bytes;
  }
  let size = HEADER_BYTES;
  for (const draft of drafts) size += LENGTH_BYTES + draftBytes(draft);
  if (size > MAX_FRAME_BYTES) throw new RangeError(`${size} bytes exceed the limit of ${MAX_FRAME_BYTES} of a message`);
  const bytes = allocate(size);
  bytes.writeUInt32LE(FRAME_TYPES.several, 0);
  let at = HEADER_BYTES;
  for (const draft of drafts) {
    const length = draftBytes(draft);
    bytes.writeUInt32LE(length, at);
    writeDraft(bytes, at + LENGTH_BYTES, draft);
    at += LENGTH_BYTES + length;
  }
  return bytes;
}

/**
 * Read what one message carries, in order. Operations, results and other bytes are views of it, not copies.
 * @throws FrameError when the bytes are not exactly one frame, or several, within the limits
 */
export function decodeMessage(message: Uint8Array): readonly Message[] {
  if (message[0] !== FRAME_TYPES.several) return [decode(message)];
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  if (bytes.length > MAX_FRAME_BYTES) {
    throw new FrameError(`a message of ${bytes.length} bytes exceeds the limit of ${MAX_FRAME_BYTES}`);
  }
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== FRAME_TYPES.several) {
    throw new FrameError('several frames begin with their type and three bytes zero');
  }
  const messages: Message[] = [];
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const from = at + LENGTH_BYTES;
    const end = from <= bytes.length ? from + bytes.readUInt32LE(at) : Infinity;
    if (end > bytes.length) throw new FrameError(`frame ${messages.length + 1} of the message is cut off`);
    if (messages.length === MAX_FRAMES_IN_MESSAGE) {
      throw new FrameError(`a message carries at most ${MAX_FRAMES_IN_MESSAGE} frames`);
    }
    messages.push(decode(bytes, from, end));
    at = end;
  }
  if (messages.length < 2) throw new FrameError(`several frames are at least two, not ${messages.length}`);
  return messages;
}
