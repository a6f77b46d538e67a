/** Whole numbers of 64 bits, written in decimal, as values of keys. */
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
/** Digits of a number that is exact as a JavaScript number in any case. */
const EXACT_DIGITS = 15;
/** Bytes of the longest one, with its sign. */
export const DECIMAL_BYTES = 20;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

/** @returns undefined when the bytes are no number of 64 bits, or one with a sign or zeros that it does not need */
export function parseDecimal(memory: DataView, from: number, length: number): number | bigint | undefined {
  if (length === 0 || length > DECIMAL_BYTES) return undefined;
  const isNegative = memory.getUint8(from) === MINUS;
  const first = from + (isNegative ? 1 : 0);
  const end = from + length;
  if (first === end || (memory.getUint8(first) === ZERO && (end > first + 1 || isNegative))) return undefined;
  let number = 0;
  for (let at = first; at < end; at++) {
    const digit = memory.getUint8(at);
    if (digit < ZERO || digit > NINE) return undefined;
    number = number * 10 + digit - ZERO;
  }
  if (end - first <= EXACT_DIGITS) return isNegative ? -number : number;
  const exact = BigInt(Buffer.from(memory.buffer, memory.byteOffset + from, length).toString('latin1'));
  return exact < MIN || exact > MAX ? undefined : exact;
}

/** @returns undefined when the sum does not fit into 64 bits */
export function addDecimal(value: number | bigint, amount: bigint): number | bigint | undefined {
  if (typeof value === 'number') {
    const sum = value + Number(amount);
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(value) + amount;
  return sum < MIN || sum > MAX ? undefined : sum;
}

/** @returns how many bytes were written at the beginning */
export function writeDecimal(memory: DataView, value: number | bigint): number {
  const text = String(value);
  for (let at = 0; at < text.length; at++) memory.setUint8(at, text.charCodeAt(at));
  return text.length;
}
