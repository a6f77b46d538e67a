/** Copies and comparisons of short runs of bytes, four at a time: a view made for each run would cost more than the run itself. */

/** From this many bytes on, the call of a copy in native code costs less than the loop. */
const NATIVE_COPY_BYTES = 512;

/** Copy `length` bytes. The source is no part of the target, or begins where the target begins. */
export function copyBytes(target: DataView, to: number, source: DataView, from: number, length: number): void {
  if (length >= NATIVE_COPY_BYTES) {
    const bytes = new Uint8Array(source.buffer, source.byteOffset + from, length);
    new Uint8Array(target.buffer, target.byteOffset + to, length).set(bytes);
    return;
  }
  let at = 0;
  for (; at + 4 <= length; at += 4) target.setUint32(to + at, source.getUint32(from + at, true), true);
  for (; at < length; at++) target.setUint8(to + at, source.getUint8(from + at));
}

export function sameBytes(a: DataView, atA: number, b: DataView, atB: number, length: number): boolean {
  let at = 0;
  for (; at + 4 <= length; at += 4) if (a.getUint32(atA + at, true) !== b.getUint32(atB + at, true)) return false;
  for (; at < length; at++) if (a.getUint8(atA + at) !== b.getUint8(atB + at)) return false;
  return true;
}

/** @returns less than 0, 0 or more than 0 as `a` comes before `b`, is `b`, or comes after it, in the order of unsigned bytes */
export function compareBytes(
  a: DataView,
  atA: number,
  lengthA: number,
  b: DataView,
  atB: number,
  lengthB: number,
): number {
  const length = Math.min(lengthA, lengthB);
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const difference = a.getUint32(atA + at) - b.getUint32(atB + at);
    if (difference !== 0) return difference;
  }
  for (; at < length; at++) {
    const difference = a.getUint8(atA + at) - b.getUint8(atB + at);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** How many bytes both begin with. */
export function commonBytes(a: DataView, atA: number, b: DataView, atB: number, length: number): number {
  let at = 0;
  while (at < length && a.getUint8(atA + at) === b.getUint8(atB + at)) at++;
  return at;
}
