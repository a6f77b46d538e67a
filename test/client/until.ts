/** Wait for a condition, looking after everything that happened meanwhile; the test's time-out ends what never comes. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
