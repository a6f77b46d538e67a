/** How much memory a process takes from V8 while it works, and how often that is collected. */
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance, PerformanceObserver } from 'node:perf_hooks';

export interface Allocation {
  /** Of V8's heap, estimated from samples: buffers have their memory outside. */
  readonly bytes: number;
  readonly collections: number;
  readonly ms: number;
}

/** Bytes from one sample to the next, on the average. */
const SAMPLING_INTERVAL_BYTES = 16 * 1024;

interface Sampled {
  readonly selfSize: number;
  readonly children: readonly Sampled[];
}

/** Where a watched server writes what memory it took. */
export function allocationFile(pid: number): string {
  return path.join(tmpdir(), `dpr-bench-allocation-${pid}.json`);
}

/** Watch this process from now on, which slows it down. @returns what ends that */
export function watchAllocation(): () => Allocation {
  const session = new Session();
  session.connect();
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  const started = performance.now();
  session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  return () => {
    const ms = performance.now() - started;
    collections += observer.takeRecords().length;
    observer.disconnect();
    let bytes = 0;
    // Calls back at once, as every command to the process itself.
    session.post('HeapProfiler.stopSampling', (_error, { profile }) => (bytes = sizeOf(profile.head)));
    session.disconnect();
    return { bytes, collections, ms };
  };
}

function sizeOf({ selfSize, children }: Sampled): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize);
}
