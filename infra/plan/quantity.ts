/** Kubernetes' notation for amounts: `250m` (CPUs), `512Mi` (bytes). */
const QUANTITY = /^\+?(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The amount that a quantity stands for, in CPUs or bytes; undefined where Kubernetes would refuse it. */
export function quantityValue(text: string): number | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, digits = '', suffix, exponent] = match;
  const factor = suffix === undefined ? 10 ** Number(exponent ?? 0) : FACTORS[suffix];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** Whether two quantities are the same amount to the last bit, as 10Gi and 10240Mi are. */
export function sameQuantity(a: string, b: string): boolean {
  const [first, second] = [exactly(a), exactly(b)];
  if (first === undefined || second === undefined) return a === b;
  const tens = Math.min(first.tens, second.tens);
  return scaled(first, tens) === scaled(second, tens);
}

type Exact = { readonly digits: bigint; readonly tens: number; readonly twos: number };

/** Digits, times a power of ten, times a power of two. */
function exactly(text: string): Exact | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, number = '', suffix, exponent = '0'] = match;
  const [whole = '', fraction = ''] = number.split('.');
  const factor = FACTORS[suffix ?? ''] ?? 1;
  const binary = suffix?.endsWith('i') === true;
  return {
    digits: BigInt(whole + fraction),
    tens: Number(exponent) - fraction.length + (binary ? 0 : Math.round(Math.log10(factor))),
    twos: binary ? Math.round(Math.log2(factor)) : 0,
  };
}

function scaled({ digits, tens, twos }: Exact, lowestTens: number): bigint {
  return digits * 2n ** BigInt(twos) * 10n ** BigInt(tens - lowestTens);
}

/** Whether one quantity is less than another. Rounding of fractions such as 100m does not count. */
export function isLess(a: number, b: number): boolean {
  return a < b * (1 - 1e-9);
}
