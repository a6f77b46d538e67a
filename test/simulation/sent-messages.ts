/** What travels over simulated connections, as a run counts it and as its story tells it. */
import { decode, decodeMessage, describeFrames, FrameError, type Message } from '../../services/protocol/index.ts';
import { inWords, type World } from './world.ts';

export interface Sent {
  /** `part`: the beginning of a message. */
  readonly kind: 'message' | 'part' | 'ping' | 'pong' | 'close';
  readonly data: Buffer;
  /** With its head. */
  readonly size: number;
}

/** Types of frames that no table describes, and those that are looked into. */
const [ERROR, SEVERAL, BATCH, REPLY] = [0x03, 0x04, 0x10, 0x11];
const TEXTS = new Map([
  ...describeFrames().map(({ type, kind }) => [type, `sent ${kind}`] as const),
  ...([
    [BATCH, 'sent batch'],
    [REPLY, 'sent reply'],
  ] as const),
]);
const SEVERAL_HEAD_BYTES = 4;
const LENGTH_BYTES = 4;

/** What a run has reached by sending a message. */
export function noteFrames(world: World, message: Buffer): void {
  if (message[0] !== SEVERAL) return noteFrame(world, message);
  world.reached('several frames in a message');
  for (let at = SEVERAL_HEAD_BYTES; at < message.length;) {
    const from = at + LENGTH_BYTES;
    at = from + message.readUInt32LE(at);
    noteFrame(world, message.subarray(from, at));
  }
}

function noteFrame(world: World, frame: Buffer): void {
  const [type = 0] = frame;
  if (type !== ERROR) return world.reached(TEXTS.get(type) ?? `sent 0x${type.toString(16)}`);
  const message = decode(frame);
  if (message.kind === 'error') world.reached(`refused: ${message.code}`);
}

/** In a line. */
export function describeSent({ kind, data, size }: Sent): string {
  if (kind !== 'message') return kind === 'part' ? `${size} bytes of a message` : kind;
  return framesIn(data)?.map(describeFrame).join(' + ') ?? `${size} bytes that are no frame`;
}

function framesIn(data: Buffer): readonly Message[] | undefined {
  try {
    return decodeMessage(data);
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

function describeFrame({ kind, ...values }: Message): string {
  return `${kind} ${inWords(values)}`;
}
