/** How a set's operations look as bytes: kind, length, member in UTF-8. A result is one byte each. */
import { isUtf8 } from 'node:buffer';

/** The type's name in a stack's config. */
export const SET_TYPE = 'set';

export const KINDS = { add: 1, remove: 2, has: 3 } as const;
export type Kind = keyof typeof KINDS;
export type Operation = { readonly kind: Kind; readonly member: string };

/** `yes`: it was added, was removed, is there. `full`: the set holds as much as it may. */
export const ANSWERS = { no: 0, yes: 1, full: 2 } as const;

export const MAX_MEMBER_BYTES = 255;
const HEAD_BYTES = 2;

/** @throws RangeError when the member is too long */
export function sizeOf(member: string): number {
  const length = Buffer.byteLength(member);
  if (length > MAX_MEMBER_BYTES) {
    throw new RangeError(`a member of a set has at most ${MAX_MEMBER_BYTES} bytes, and this has ${length}`);
  }
  return HEAD_BYTES + length;
}

/** @returns where the operation ends */
export function writeOperation(bytes: Buffer, at: number, { kind, member }: Operation): number {
  const length = bytes.write(member, at + HEAD_BYTES);
  bytes.writeUInt8(KINDS[kind], at);
  bytes.writeUInt8(length, at + 1);
  return at + HEAD_BYTES + length;
}

/** @throws RangeError when a member is too long */
export function encodeOperations(kind: Kind, members: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(members.reduce((sum, member) => sum + sizeOf(member), 0));
  let at = 0;
  for (const member of members) at = writeOperation(bytes, at, { kind, member });
  return bytes;
}

/** @returns undefined when the bytes are not operations */
export function decodeOperations(bytes: Uint8Array): Operation[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const operations: Operation[] = [];
  let at = 0;
  while (at < buffer.length) {
    const kind = KIND_NAMES.get(buffer[at]);
    const end = at + HEAD_BYTES + (buffer[at + 1] ?? Infinity);
    const member = buffer.subarray(at + HEAD_BYTES, end);
    if (kind === undefined || end > buffer.length || !isUtf8(member)) return undefined;
    operations.push({ kind, member: member.toString() });
    at = end;
  }
  return operations;
}

const KIND_NAMES: ReadonlyMap<number | undefined, Kind> = new Map(
  Object.entries(KINDS).map(([kind, code]) => [code, kind as Kind]),
);
