/** Reads the metrics of processes again and again, a bounded number of pages a second, however many processes there are. */
import { setMaxListeners } from 'node:events';
import { patience } from '@dpr/runtime/time-limit';
import { type ProcessCounts, type ProcessRates, ratesBetween, readCounts } from './process-metrics.ts';

/** Where the metrics of a process are, such as `http://127.0.0.1:26380/metrics`, by a key of the caller. */
export type MetricsAddresses<Key> = ReadonlyMap<Key, string>;

export interface Scraper<Key> {
  /** What each process of the addresses did between the last two looks at it. */
  readonly rates: () => ReadonlyMap<Key, ProcessRates>;
  readonly stop: () => void;
}

/** With more processes each is read more seldom. */
export const MAX_PAGES_PER_SECOND = 20;
/** Of a round that is not over when the next one begins, too. */
const MAX_LISTENERS = 2 * MAX_PAGES_PER_SECOND;
const ROUND_MS = 1_000;
const ANSWER_TIMEOUT_MS = 1_000;
/** A page of metrics has some 20 kB; one beyond this is not read. */
export const MAX_PAGE_BYTES = 2 ** 20;

interface Look {
  readonly address: string;
  readonly at: number;
  readonly counts: ProcessCounts;
}

/** @param addresses asked for at each round: processes come and go */
export function scrape<Key>(addresses: () => MetricsAddresses<Key>): Scraper<Key> {
  const looks = new Map<Key, Look>();
  const rates = new Map<Key, ProcessRates>();
  const stopped = new AbortController();
  setMaxListeners(MAX_LISTENERS, stopped.signal);
  let next = 0;

  function round(): void {
    const all = [...addresses()];
    const known = new Set(all.map(([key]) => key));
    for (const key of looks.keys()) if (!known.has(key)) forget(key);
    const some = Math.min(all.length, MAX_PAGES_PER_SECOND);
    for (let turn = 0; turn < some; turn++) {
      const chosen = all[(next + turn) % all.length];
      if (chosen !== undefined) void look(chosen[0], chosen[1]);
    }
    next = all.length === 0 ? 0 : (next + some) % all.length;
  }

  async function look(key: Key, address: string): Promise<void> {
    const counts = await countsAt(address, stopped.signal);
    if (stopped.signal.aborted) return;
    if (counts === undefined) {
      forget(key);
      return;
    }
    const at = performance.now();
    const before = looks.get(key);
    looks.set(key, { address, at, counts });
    if (before?.address !== address || at <= before.at) return;
    rates.set(key, ratesBetween(before.counts, counts, (at - before.at) / 1_000));
  }

  function forget(key: Key): void {
    looks.delete(key);
    rates.delete(key);
  }

  round();
  const timer = setInterval(round, ROUND_MS);
  return {
    rates: () => rates,
    stop() {
      clearInterval(timer);
      stopped.abort();
    },
  };
}

/** Undefined: it does not answer, or not as a process of a cluster does. */
async function countsAt(address: string, stopped: AbortSignal): Promise<ProcessCounts | undefined> {
  const { signal, end } = patience({ signals: [stopped], ms: ANSWER_TIMEOUT_MS });
  try {
    const response = await fetch(address, { signal });
    return response.ok ? readCounts(await textWithin(response, MAX_PAGE_BYTES)) : undefined;
  } catch {
    return undefined;
  } finally {
    end();
  }
}

/** @throws RangeError when there are more bytes */
async function textWithin(response: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > most) throw new RangeError(`the page has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
