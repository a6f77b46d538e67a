/**
 * How batches are issued. The closed loop keeps a fixed number in flight and finds the throughput. It cannot tell latencies: while
 * a server stalls, such a load does not ask either, so the stall is counted once instead of for all batches that would have come
 * (coordinated omission). The open loop issues at a fixed rate, also while the server stalls, and counts from when a batch was due.
 */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import type { Line } from './load-interface.ts';

const NS_PER_MS = 1e6;
/** How long replies may take after the last batch was issued. */
const ANSWER_LIMIT_MS = 20_000;

export interface Throughput {
  readonly batches: number;
  readonly ms: number;
}

/** Keep `inFlight` batches in flight on every line for `ms`. */
export async function closedLoop(lines: readonly Line[], inFlight: number, ms: number): Promise<Throughput> {
  const started = performance.now();
  const end = started + ms;
  let batches = 0;
  let running = lines.length * inFlight;
  await answeredInTime((resolve) => {
    for (const line of lines) {
      const again = (): void => {
        batches++;
        if (performance.now() < end) line.issue(again);
        else if (--running === 0) resolve();
      };
      for (let index = 0; index < inFlight; index++) line.issue(again);
    }
  });
  return { batches, ms: performance.now() - started };
}

/**
 * Issue `perSecond` batches a second, taking turns over the lines, for `leadMs` and then for `ms`.
 * @returns from when each was due to its reply, ns, of those after the lead
 */
export async function openLoop(
  lines: readonly Line[],
  perSecond: number,
  ms: number,
  leadMs = 0,
): Promise<RecordableHistogram> {
  const latencies = createHistogram();
  const uncounted = Math.floor((perSecond * leadMs) / 1000);
  const total = uncounted + Math.max(1, Math.floor((perSecond * ms) / 1000));
  const spacing = 1000 / perSecond;
  const started = performance.now();
  let issued = 0;
  let answered = 0;
  await answeredInTime((resolve) => {
    const issueDue = (): void => {
      for (let now = performance.now(); issued < total && started + issued * spacing <= now; issued++) {
        const due = started + issued * spacing;
        const counts = issued >= uncounted;
        lines[issued % lines.length]?.issue(() => {
          if (counts) latencies.record(Math.max(1, Math.round((performance.now() - due) * NS_PER_MS)));
          if (++answered === total) resolve();
        });
      }
      // Busy: a timer would be late by up to a millisecond, and the generator has a core to itself.
      if (issued < total) setImmediate(issueDue);
    };
    issueDue();
  });
  return latencies;
}

/** Keep so many batches in flight on every line. @returns what ends it, once all are answered */
export function keepBusy(lines: readonly Line[], inFlight: number): () => Promise<void> {
  let ending: (() => void) | undefined;
  let running = lines.length * inFlight;
  for (const line of lines) {
    const again = (): void => {
      if (ending === undefined) line.issue(again);
      else if (--running === 0) ending();
    };
    for (let index = 0; index < inFlight; index++) line.issue(again);
  }
  return async () => {
    if (running > 0) await answeredInTime((resolve) => (ending = resolve));
  };
}

async function answeredInTime(start: (resolve: () => void) => void): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    late = setTimeout(() => reject(new Error(`replies are missing after ${ANSWER_LIMIT_MS} ms`)), ANSWER_LIMIT_MS);
    start(resolve);
  });
  clearTimeout(late);
}
