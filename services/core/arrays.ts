/** Arrays of any length: spread into the arguments of a call, 100,000 items overflow the stack. */

export function append<T>(array: T[], items: Iterable<T>): void {
  for (const item of items) array.push(item);
}

/**
 * The item behind all others: of what is most often one, an array with no more room than that.
 * @returns the array that has it, which is another one if it was empty
 */
export function added<T>(array: T[], item: T): T[] {
  if (array.length === 0) return [item];
  array.push(item);
  return array;
}

/** Give the array these items in place of those that it has. */
export function refill<T>(array: T[], items: Iterable<T>): void {
  array.length = 0;
  append(array, items);
}

/** The largest of these numbers, `least` at least. */
export function largest(numbers: Iterable<number>, least: number): number {
  let found = least;
  for (const number of numbers) if (number > found) found = number;
  return found;
}
