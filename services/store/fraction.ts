/** Decimal numbers with a fraction, as values of keys: added exactly, and written with no more digits than they need. */

/** Of a number that is added to, or that is added. */
export const MAX_FRACTION_TEXT_BYTES = 400;
/** Tens that an exponent may say: about as many as a number of 64 bits with a fraction has. */
const MAX_EXPONENT = 308;
/** Digits behind the point in what is written. */
const FRACTION_DIGITS = 17;
const FRACTION = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?$/i;

/** @returns as a multiple of ten to the power of `-FRACTION_DIGITS`; undefined when the text is no such number, or too large a one */
function parse(text: string): bigint | undefined {
  const [match, sign, whole = '', fraction = '', exponent = '0'] = FRACTION.exec(text) ?? [];
  const tens = Number(exponent);
  if (match === undefined || whole.length + fraction.length === 0 || Math.abs(tens) > MAX_EXPONENT) return undefined;
  const digits = BigInt(whole + fraction);
  const shift = FRACTION_DIGITS + tens - fraction.length;
  const magnitude = shift >= 0 ? digits * 10n ** BigInt(shift) : divideRounded(digits, 10n ** BigInt(-shift));
  return sign === '-' ? -magnitude : magnitude;
}

function divideRounded(number: bigint, divisor: bigint): bigint {
  return (number + divisor / 2n) / divisor;
}

export function isFraction(text: string): boolean {
  return parse(text) !== undefined;
}

/** @returns the sum as text; undefined when one of the texts is no number */
export function addFractions(a: string, b: string): string | undefined {
  const one = parse(a);
  const other = parse(b);
  return one === undefined || other === undefined ? undefined : write(one + other);
}

function write(number: bigint): string {
  const digits = String(number < 0n ? -number : number).padStart(FRACTION_DIGITS + 1, '0');
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, '');
  const whole = digits.slice(0, -FRACTION_DIGITS);
  return `${number < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
