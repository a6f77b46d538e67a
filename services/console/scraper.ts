/** Reads the metrics of processes again and again, a bounded number of pages a second, however many processes there are. */
import { patience } from '@dpr/runtime/time-limit';
import { type ProcessCounts, type ProcessRates, ratesBetween, readCounts } from './process-metrics.ts';

/** Where the metrics of a process are, such as `http://127.0.0.1:26380/metrics`, by a key of the caller. */
export type MetricsAddresses<Key> = ReadonlyMap<Key, string>;

export interface Scraper<Key> {
  /** What each process did lately, as far as that is known and not out of date. */
  readonly rates: () => ReadonlyMap<Key, ProcessRates>;
  readonly stop: () => void;
}

/** With more processes each is read more seldom. */
export const MAX_PAGES_PER_SECOND = 20;
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
    if (!response.ok || Number(response.headers.get('content-length') ?? 0) > MAX_PAGE_BYTES) {
      await response.body?.cancel();
      return undefined;
    }
    return readCounts(await response.text());
  } catch {
    return undefined;
  } finally {
    end();
  }
}
