/**
 * Session ids between their 16 bytes and 32 hex digits. The same ones come again and again, so what was translated lately is
 * remembered: in a table of fixed size, where an id may take another one's place.
 */
import { getU32 } from './memory.ts';

const ID_BYTES = 16;
/** A power of two, and many times the sessions that are busy at a time, so that they seldom take each other's place. */
const REMEMBERED = 16_384;

interface Id {
  readonly hex: string;
  /** The bytes, as four u32 little-endian. */
  readonly words: readonly [number, number, number, number];
}

/** By the first two bytes. */
const remembered: (Id | undefined)[] = new Array<undefined>(REMEMBERED).fill(undefined);

/** @param at its place in the memory */
export function readSessionId(memory: DataView, at: number): string {
  const first = getU32(memory, at);
  const place = first & (REMEMBERED - 1);
  const known = remembered[place];
  if (
    known?.words[0] === first &&
    known.words[1] === getU32(memory, at + 4) &&
    known.words[2] === getU32(memory, at + 8) &&
    known.words[3] === getU32(memory, at + 12)
  ) {
    return known.hex;
  }
  const bytes = Buffer.from(memory.buffer, at, ID_BYTES);
  const id = idOf(bytes);
  remembered[place] = id;
  return id.hex;
}

/** @throws RangeError when it is not 16 bytes of hex */
export function writeSessionId(memory: DataView, at: number, hex: string): void {
  const place = (byteAt(hex, 0) | (byteAt(hex, 2) << 8)) & (REMEMBERED - 1);
  let id = remembered[place];
  if (id?.hex !== hex) {
    const bytes = Buffer.from(hex, 'hex');
    if (hex.length !== 2 * ID_BYTES || bytes.length !== ID_BYTES) {
      throw new RangeError(`'${hex}' is not ${ID_BYTES} bytes of hex`);
    }
    id = { ...idOf(bytes), hex };
    remembered[place] = id;
  }
  const { words } = id;
  memory.setUint32(at, words[0], true);
  memory.setUint32(at + 4, words[1], true);
  memory.setUint32(at + 8, words[2], true);
  memory.setUint32(at + 12, words[3], true);
}

/** The byte whose two hex digits begin at this character: any number if they are none. */
function byteAt(hex: string, at: number): number {
  return digit(hex.charCodeAt(at)) * 16 + digit(hex.charCodeAt(at + 1));
}

function digit(code: number): number {
  return (code & 0xf) + (code >>> 6) * 9;
}

function idOf(bytes: Buffer): Id {
  const word = (index: number) => bytes.readUInt32LE(4 * index);
  return { hex: bytes.toString('hex'), words: [word(0), word(1), word(2), word(3)] };
}
