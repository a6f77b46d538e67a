/**
 * HalfSipHash-1-3: 32 bits by a secret key of 64 bits. Who does not know the key cannot find keys that collide, which murmur and its like
 * do not prevent: theirs collide whatever the seed is.
 */
export function hashKey(seedLow: number, seedHigh: number, source: DataView, from: number, length: number): number {
  let [v0, v1, v2, v3] = [seedLow | 0, seedHigh | 0, 0x6c796765 ^ seedLow, 0x74656462 ^ seedHigh];
  const words = length >>> 2;
  const last = (length << 24) | tail(source, from + words * 4, length & 3);
  for (let round = 0; round < words + 1 + FINAL_ROUNDS; round++) {
    const word = round < words ? source.getUint32(from + round * 4, true) : round === words ? last : 0;
    if (round === words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}

const FINAL_ROUNDS = 3;

function tail(source: DataView, from: number, length: number): number {
  let word = 0;
  for (let at = 0; at < length; at++) word |= source.getUint8(from + at) << (8 * at);
  return word;
}
