/** What a process says of itself at its admin port, of its memory above all, and whether it answers there at all. */

export interface MemoryWatch {
  /** The most that was seen, bytes. */
  peak(): number;
  end(): Promise<void>;
}

/** A process that does not answer its probe for so long is restarted by supervisors. */
const ANSWER_LIMIT_MS = 5_000;

/** @throws Error when the process does not answer, or does not tell this */
export async function readMetric(adminPort: number, metric: string, name = 'the process'): Promise<number> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const text = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal }).then(
    (response) => response.text(),
    (error: unknown) => {
      throw new Error(`${name} does not answer at its admin port ${adminPort}`, { cause: error });
    },
  );
  const value = Number(new RegExp(`^${metric} (\\S+)$`, 'm').exec(text)?.[1]);
  if (!(value >= 0)) throw new Error(`${name} does not tell its ${metric}: ${text}`);
  return value;
}

/** The memory that it has. @param name the process, for messages */
export function residentBytes(adminPort: number, name?: string): Promise<number> {
  return readMetric(adminPort, 'process_resident_memory_bytes', name);
}

/** Looks again and again until it is ended. */
export function watchMemory(adminPort: number): MemoryWatch {
  let peak = 0;
  let over = false;
  const watching = (async () => {
    while (!over) peak = Math.max(peak, await residentBytes(adminPort));
  })();
  return {
    peak: () => peak,
    async end() {
      over = true;
      await watching;
    },
  };
}
