/** Up to so many bytes, a loop costs less than the call of a copy in native code, which makes a view of the source first. */
const LOOP_BYTES = 96;

/** Copy the bytes from `from` to `end`. The source is no part of the target. */
export function copyBytes(target: Buffer, to: number, source: Buffer, from: number, end: number): void {
  if (end - from > LOOP_BYTES) {
    source.copy(target, to, from, end);
    return;
  }
  const shift = to - from;
  for (let at = from; at < end; at++) target[at + shift] = source[at] ?? 0;
}
