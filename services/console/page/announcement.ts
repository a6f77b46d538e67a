/** What a screen reader says of the verdict: changes, and not the numbers that move each second. Pure. */
import type { Verdict } from '../messages.ts';

/** A number with its unit, unless it names a worker. */
const QUANTITY = /(?<!\bworkers? )(?<![\w.:-])\d+(?:[.,]\d+)*(?: (?:ms|s|min|h|days)\b)?(?![\w-]|[.:]\d)/gi;

/** @returns whether the second tells something that the first did not */
export function isNews(before: Verdict, after: Verdict): boolean {
  return before.level !== after.level || withoutQuantities(before.text) !== withoutQuantities(after.text);
}

function withoutQuantities(text: string): string {
  return text.replace(QUANTITY, '#');
}
