/** The last numbers of a row as one small line. Pure. */

/**
 * @param values oldest first, none below 0
 * @returns the path of an SVG of this size, with the largest value at its top; empty for less than two values
 */
export function sparkline(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return '';
  const top = values.reduce((largest, value) => Math.max(largest, value), 1);
  const step = width / (values.length - 1);
  const points = values.map((value, index) => `${round(index * step)} ${round(height - (value / top) * height)}`);
  return `M${points.join('L')}`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
