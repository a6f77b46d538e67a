import { crc32 } from 'node:zlib';
import { META_LIMIT_BYTES } from './limits.ts';

/**
 * All files of a volume, except those that a store wrote by itself, consist of frames; little-endian:
 *
 *      0  u32 magic                 24  u64 position of the frame in its file
 *      4  u16 format                32  u32 length of the payload
 *      6  u16 kind                  36  u32 CRC-32 of the payload
 *      8  u64 incarnation           40  u32 CRC-32 of bytes 0 to 39 and the meta
 *     16  u32 edition               44  meta: a JSON object, in UTF-8
 *     20  u32 length of the meta        payload
 *
 * Incarnation, edition (which rewriting of this manifest) and position make a frame valid in one place only: neither an old
 * block that the disk hands out again nor a frame inside a payload can pass for a frame of the file.
 */
const MAGIC = 0x46525044; // the letters DPRF
const FORMAT = 1;
export const HEADER_BYTES = 44;
const META_BYTES_AT = 20;
const HEAD_CHECKSUM_AT = 40;

const KINDS = ['identity', 'manifest', 'checkpoint', 'mark', 'state', 'sessions'] as const;
export type FrameKind = (typeof KINDS)[number];

/** The one place where a frame is valid. */
export type Address = { readonly incarnation: number; readonly edition: number; readonly position: number };

/** What the fixed part of a frame says. */
export type FrameHead = {
  readonly kind: FrameKind;
  readonly address: Address;
  readonly metaBytes: number;
  readonly payloadBytes: number;
  readonly payloadChecksum: number;
};

export type Frame = FrameHead & { readonly meta: unknown; readonly payload: Buffer };

/** Everything of a frame that comes before its payload; the payload's checksum may be filled in later (`sealHead`). */
export function encodeHead(kind: FrameKind, address: Address, meta: object, payloadBytes: number): Buffer {
  const text = Buffer.from(JSON.stringify(meta), 'utf8');
  if (text.length > META_LIMIT_BYTES) throw new RangeError(`a description of ${text.length} bytes exceeds its limit`);
  const head = Buffer.alloc(HEADER_BYTES + text.length);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt16LE(FORMAT, 4);
  head.writeUInt16LE(KINDS.indexOf(kind), 6);
  head.writeBigUInt64LE(BigInt(address.incarnation), 8);
  head.writeUInt32LE(address.edition, 16);
  head.writeUInt32LE(text.length, META_BYTES_AT);
  head.writeBigUInt64LE(BigInt(address.position), 24);
  head.writeUInt32LE(payloadBytes, 32);
  head.set(text, HEADER_BYTES);
  return head;
}

/** Adds the checksums. */
export function sealHead(head: Buffer, payloadChecksum: number): Buffer {
  head.writeUInt32LE(payloadChecksum, 36);
  head.writeUInt32LE(headChecksum(head), HEAD_CHECKSUM_AT);
  return head;
}

/** A whole frame, filled up with zeros to a multiple of `alignment`. */
export function encodeFrame(
  kind: FrameKind,
  address: Address,
  meta: object,
  payload: readonly Uint8Array[],
  alignment: number,
): Buffer {
  const payloadBytes = payload.reduce((sum, part) => sum + part.length, 0);
  const checksum = payload.reduce((sum, part) => crc32(part, sum), 0);
  const head = sealHead(encodeHead(kind, address, meta, payloadBytes), checksum);
  return Buffer.concat([head, ...payload], alignUp(head.length + payloadBytes, alignment));
}

export function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** Length of the meta of an encoded frame. */
export function metaBytesOf(frame: Buffer): number {
  return frame.readUInt32LE(META_BYTES_AT);
}

/** What the fixed part says, without having checked anything but that it is one; the meta follows it. */
export function decodeFixed(bytes: Buffer): FrameHead | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt16LE(4) !== FORMAT)
    return undefined;
  const kind = KINDS[bytes.readUInt16LE(6)];
  const metaBytes = metaBytesOf(bytes);
  if (kind === undefined || metaBytes > META_LIMIT_BYTES) return undefined;
  return {
    kind,
    address: {
      incarnation: Number(bytes.readBigUInt64LE(8)),
      edition: bytes.readUInt32LE(16),
      position: Number(bytes.readBigUInt64LE(24)),
    },
    metaBytes,
    payloadBytes: bytes.readUInt32LE(32),
    payloadChecksum: bytes.readUInt32LE(36),
  };
}

/** The meta of a frame whose first bytes these are; undefined when head or meta are not what was written. */
export function decodeMeta(bytes: Buffer, head: FrameHead): unknown {
  const end = HEADER_BYTES + head.metaBytes;
  if (bytes.length < end || headChecksum(bytes.subarray(0, end)) !== bytes.readUInt32LE(HEAD_CHECKSUM_AT))
    return undefined;
  return JSON.parse(bytes.toString('utf8', HEADER_BYTES, end));
}

/** The frame that begins at `position`; undefined when no valid one does. */
export function decodeFrame(file: Buffer, position: number): Frame | undefined {
  const bytes = file.subarray(position);
  const head = decodeFixed(bytes);
  if (head?.address.position !== position) return undefined;
  const meta = decodeMeta(bytes, head);
  const payloadAt = HEADER_BYTES + head.metaBytes;
  const payload = bytes.subarray(payloadAt, payloadAt + head.payloadBytes);
  if (meta === undefined || payload.length < head.payloadBytes || crc32(payload) !== head.payloadChecksum)
    return undefined;
  return { ...head, meta, payload };
}

/** From the header through the meta. */
function headChecksum(head: Buffer): number {
  return crc32(head.subarray(HEADER_BYTES), crc32(head.subarray(0, HEAD_CHECKSUM_AT)));
}
