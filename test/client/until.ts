const PATIENCE_MS = 30_000;

/** Wait for a condition, looking after everything that happened meanwhile. */
export async function until(condition: () => boolean): Promise<void> {
  const late = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > late) throw new Error(`not within ${PATIENCE_MS} ms: ${String(condition)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
