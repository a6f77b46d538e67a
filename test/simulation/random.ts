/** Seeded chance: the same seed gives the same draws on every machine. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number;
  /** A real number in [low, high). */
  real(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Waiting time with this mean: mostly short, sometimes long. */
  exponential(mean: number): number;
  /** `bytes` random bytes as hex. */
  hex(bytes: number): string;
}

/** The generator sfc32, started from a scrambled seed. */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = Math.trunc(seed / 2 ** 32) ^ 0xb7e15162;
  let counter = 1;
  const word = (): number => {
    const sum = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 16; round++) word();
  const next = (): number => word() / 2 ** 32;
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    real: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new Error('there is nothing to pick from');
      return items[int(0, items.length - 1)] as T;
    },
    exponential: (mean) => -Math.log(1 - next()) * mean,
    hex(bytes) {
      let text = '';
      for (let at = 0; at < bytes; at++) text += int(0, 255).toString(16).padStart(2, '0');
      return text;
    },
  };
}
