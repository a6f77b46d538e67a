/** Scores as text. */

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)(0x[\da-f]+)$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;
/** A zero, written with any exponent. */
const ZERO = /^[+-]?[0.]+(e|$)/i;

/** Longer texts are no scores. */
export const MAX_SCORE_TEXT_BYTES = 400;

/** @returns NaN where the text is no number; one that is too large is infinite */
export function parseScore(text: string): number {
  if (DECIMAL.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  const [, sign, digits] = HEXADECIMAL.exec(text) ?? [];
  return digits === undefined ? NaN : Number(digits) * (sign === '-' ? -1 : 1);
}

/** @returns whether the number is what the text says, and not beyond what a double can be */
export function isInRange(text: string, score: number): boolean {
  if (score === 0) return ZERO.test(text) || HEXADECIMAL.test(text);
  return Number.isFinite(score) || INFINITE.test(text);
}

/** Significant digits with which every double is told apart. */
const DIGITS = 17;
/** Smaller ones are written with an exponent. */
const MIN_PLAIN_EXPONENT = -4;
/** Digits after which no double that has a 5 and zeros there has others. */
const EXACT_DIGITS = 60;

/** As `%.17g` of C: with 17 significant digits, without zeros that end a fraction. */
export function formatScore(score: number): string {
  if (Object.is(score, -0)) return '-0';
  if (Number.isSafeInteger(score)) return String(score);
  if (!Number.isFinite(score)) return score > 0 ? 'inf' : '-inf';
  const sign = score < 0 ? '-' : '';
  const { digits, exponent } = rounded(Math.abs(score));
  if (exponent < MIN_PLAIN_EXPONENT || exponent >= DIGITS) {
    const [first, rest] = [digits.slice(0, 1), digits.slice(1)];
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${first}${rest === '' ? '' : `.${rest}`}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Its significant digits without zeros at the end, and the exponent of the first one. A tie goes to the even digit, as in C. */
function rounded(score: number): { digits: string; exponent: number } {
  let [mantissa = '', exponent = ''] = score.toExponential(DIGITS - 1).split('e');
  const [exact = '', exactExponent = ''] = score.toExponential(EXACT_DIGITS).split('e');
  const rest = exact.slice(DIGITS + 1);
  if (/^50*$/.test(rest) && Number(exact[DIGITS] ?? 0) % 2 === 0) {
    mantissa = exact.slice(0, DIGITS + 1);
    exponent = exactExponent;
  }
  return { digits: mantissa.replace('.', '').replace(/0+$/, ''), exponent: Number(exponent) };
}
