/**
 * Session ids between their 16 bytes and 32 hex digits. The same ones come again and again, so what was translated lately is
 * remembered: in a table of fixed size, where an id may take another one's place.
 */

const ID_BYTES = 16;
/** A power of two. */
const REMEMBERED = 1_024;

interface Id {
  readonly hex: string;
  /** The bytes, as four u32 little-endian. */
  readonly words: readonly [number, number, number, number];
}

const byWord: (Id | undefined)[] = new Array<undefined>(REMEMBERED).fill(undefined);
const byDigits: (Id | undefined)[] = new Array<undefined>(REMEMBERED).fill(undefined);

export function readSessionId(bytes: Buffer, at: number): string {
  const first = bytes.readUInt32LE(at);
  const place = first & (REMEMBERED - 1);
  const known = byWord[place];
  if (
    known?.words[0] === first &&
    known.words[1] === bytes.readUInt32LE(at + 4) &&
    known.words[2] === bytes.readUInt32LE(at + 8) &&
    known.words[3] === bytes.readUInt32LE(at + 12)
  ) {
    return known.hex;
  }
  const id = idAt(bytes, at);
  byWord[place] = id;
  return id.hex;
}

/** @throws RangeError when it is not 16 bytes of hex */
export function writeSessionId(bytes: Buffer, at: number, hex: string): void {
  const place = (hex.charCodeAt(0) * 961 + hex.charCodeAt(1) * 31 + hex.charCodeAt(2)) & (REMEMBERED - 1);
  let id = byDigits[place];
  if (id?.hex !== hex) {
    if (hex.length !== 2 * ID_BYTES || bytes.write(hex, at, ID_BYTES, 'hex') !== ID_BYTES) {
      throw new RangeError(`'${hex}' is not ${ID_BYTES} bytes of hex`);
    }
    id = { ...idAt(bytes, at), hex };
    byDigits[place] = id;
  }
  const { words } = id;
  bytes.writeUInt32LE(words[0], at);
  bytes.writeUInt32LE(words[1], at + 4);
  bytes.writeUInt32LE(words[2], at + 8);
  bytes.writeUInt32LE(words[3], at + 12);
}

function idAt(bytes: Buffer, at: number): Id {
  const word = (index: number) => bytes.readUInt32LE(at + 4 * index);
  return { hex: bytes.toString('hex', at, at + ID_BYTES), words: [word(0), word(1), word(2), word(3)] };
}
