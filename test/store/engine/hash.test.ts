import assert from 'node:assert/strict';
import { createRandom } from '../../simulation/random.ts';
import { hashKey } from '../../../services/store/engine/hash.ts';

const TWO_TO_32 = 2n ** 32n;

/** HalfSipHash as its authors write it, with as many rounds as wanted, in big integers. */
function halfSipHash(key: readonly [number, number], message: Buffer, rounds: number, finalRounds: number): number {
  const [k0, k1] = key.map(BigInt) as [bigint, bigint];
  let [v0, v1, v2, v3] = [k0, k1, 0x6c796765n ^ k0, 0x74656462n ^ k1];
  const turn = (word: bigint, by: bigint) => ((word << by) | (word >> (32n - by))) % TWO_TO_32;
  const round = () => {
    v0 = (v0 + v1) % TWO_TO_32;
    v1 = turn(v1, 5n) ^ v0;
    v0 = turn(v0, 16n);
    v2 = (v2 + v3) % TWO_TO_32;
    v3 = turn(v3, 8n) ^ v2;
    v0 = (v0 + v3) % TWO_TO_32;
    v3 = turn(v3, 7n) ^ v0;
    v2 = (v2 + v1) % TWO_TO_32;
    v1 = turn(v1, 13n) ^ v2;
    v2 = turn(v2, 16n);
  };
  const padded = Buffer.concat([message, Buffer.alloc(4 - (message.length % 4))]);
  padded[padded.length - 1] = message.length;
  for (let at = 0; at < padded.length; at += 4) {
    const word = BigInt(padded.readUInt32LE(at));
    v3 ^= word;
    for (let i = 0; i < rounds; i++) round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < finalRounds; i++) round();
  return Number(v1 ^ v3);
}

function hashed(seed: readonly [number, number], message: Buffer): number {
  return hashKey(seed[0], seed[1], new DataView(message.buffer), message.byteOffset, message.length);
}

describe('the hash of keys', () => {
  it('is HalfSipHash-1-3, whose reference gives the published vectors of 2-4', () => {
    const key = [0x03020100, 0x07060504] as const;
    const published = ['a9359f5b', '27475ab8', 'fa62a603', '8afee704', '2a6e4689'];
    for (const [length, vector] of published.entries()) {
      const message = Buffer.from(Array.from({ length }, (_, index) => index));
      assert.equal(halfSipHash(key, message, 2, 4), Buffer.from(vector, 'hex').readUInt32LE(0));
    }
    const random = createRandom(1);
    for (let length = 0; length < 300; length++) {
      const seed = [random.int(0, 2 ** 32 - 1), random.int(0, 2 ** 32 - 1)] as const;
      const message = Buffer.from(Array.from({ length }, () => random.int(0, 255)));
      assert.equal(hashed(seed, message), halfSipHash(seed, message, 1, 3), `${length} bytes`);
    }
  });

  it('spreads keys that differ in little, over tables and in them, with any seed', () => {
    const count = 50_000;
    const buckets = 1_024;
    for (const seed of [
      [0, 0],
      [0x9e3779b9, 0x243f6a88],
    ] as const) {
      const hashes = Uint32Array.from({ length: count }, (_, index) => hashed(seed, Buffer.from(`user:${index}`)));
      for (const shift of [20, 8, 0]) {
        const found = new Uint32Array(buckets);
        for (const hash of hashes) {
          const bucket = (hash >>> shift) % buckets;
          found[bucket] = (found[bucket] ?? 0) + 1;
        }
        const mean = count / buckets;
        const chiSquare = found.reduce((sum, each) => sum + (each - mean) ** 2 / mean, 0);
        // Of 1,023 degrees of freedom: six standard deviations.
        assert.ok(Math.abs(chiSquare - buckets) < 6 * Math.sqrt(2 * buckets), `${chiSquare}`);
      }
    }
  });

  it('gives other collisions with another seed', () => {
    const bucketsOf = (seed: readonly [number, number], keys: readonly string[]) =>
      new Set(keys.map((key) => hashed(seed, Buffer.from(key)) >>> 24));
    const all = Array.from({ length: 50_000 }, (_, index) => `key ${index}`);
    const flood = all.filter((key) => hashed([7, 9], Buffer.from(key)) >>> 24 === 5);
    assert.ok(flood.length > 150);
    assert.equal(bucketsOf([7, 9], flood).size, 1);
    assert.ok(bucketsOf([7, 10], flood).size > flood.length * 0.4);
  });
});
