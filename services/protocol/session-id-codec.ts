/**
 * Session ids between their 16 bytes and 32 hex digits. The same ones come again and again, so what was translated lately is
 * remembered: in a table of fixed size, where an id may take another one's place.
 */

const ID_BYTES = 16;
/** A power of two, and many times the sessions that are busy at a time, so that they seldom take each other's place. */
const REMEMBERED = 16_384;

/** The bytes as four i32 little-endian: signed, since V8 keeps such numbers in the object itself, which is one line of a cache then. */
interface Id {
  readonly hex: string;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
}

/** By the first two bytes. */
const remembered: (Id | undefined)[] = new Array<undefined>(REMEMBERED).fill(undefined);

/** @param at its place in the memory */
export function readSessionId(memory: DataView, at: number): string {
  const first = memory.getInt32(at, true);
  const place = first & (REMEMBERED - 1);
  const known = remembered[place];
  if (
    known?.first === first &&
    known.second === memory.getInt32(at + 4, true) &&
    known.third === memory.getInt32(at + 8, true) &&
    known.fourth === memory.getInt32(at + 12, true)
  ) {
    return known.hex;
  }
  const bytes = Buffer.from(memory.buffer, at, ID_BYTES);
  const id = idOf(bytes, bytes.toString('hex'));
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
    id = idOf(bytes, hex);
    remembered[place] = id;
  }
  memory.setInt32(at, id.first, true);
  memory.setInt32(at + 4, id.second, true);
  memory.setInt32(at + 8, id.third, true);
  memory.setInt32(at + 12, id.fourth, true);
}

/** The byte whose two hex digits begin at this character: any number if they are none. */
function byteAt(hex: string, at: number): number {
  return digit(hex.charCodeAt(at)) * 16 + digit(hex.charCodeAt(at + 1));
}

function digit(code: number): number {
  return (code & 0xf) + (code >>> 6) * 9;
}

function idOf(bytes: Buffer, hex: string): Id {
  const word = (index: number) => bytes.readInt32LE(4 * index);
  return { hex, first: word(0), second: word(1), third: word(2), fourth: word(3) };
}
