/** What a process says of itself, of its memory above all. */
import assert from 'node:assert/strict';

export interface MemoryWatch {
  /** The most that was seen, bytes. */
  peak(): number;
  end(): Promise<void>;
}

export async function readMetric(adminPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const value = Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  assert.ok(value >= 0, text);
  return value;
}

/** Looks again and again until it is ended. */
export function watchMemory(adminPort: number): MemoryWatch {
  let peak = 0;
  let over = false;
  const watching = (async () => {
    while (!over) peak = Math.max(peak, await readMetric(adminPort, 'process_resident_memory_bytes'));
  })();
  return {
    peak: () => peak,
    async end() {
      over = true;
      await watching;
    },
  };
}
