/** What the benchmark says to a load generator, and what that answers. */
import type { Cell } from '../cells.ts';
import type { LoadTarget } from './load-interface.ts';

export interface LoadOrder {
  readonly peer: LoadTarget['peer'];
  readonly address: string;
  readonly cell: Cell;
  /** Batches before anything counts: what is compiled does not depend on how busy the machine is. */
  readonly warmBatches: number;
  /** How long they may take, ms. */
  readonly warmLimitMs: number;
  readonly closedMs: number;
  /** 0: no latencies are wanted. */
  readonly openMs: number;
  /** How long to look at memory afterwards, ms; 0: not at all. */
  readonly memoryMs: number;
  /** Batches a second in the open loop; undefined: half of what the closed loop reached. */
  readonly perSecond?: number | undefined;
  /** The server's processes, whose CPU time is counted. */
  readonly servers: readonly number[];
}

/** ns, from when a batch was due to its reply. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What an operation takes from V8's heap, bytes, and how often a process collects that, per second. */
export interface MemoryUse {
  readonly serverBytes: number;
  readonly loadBytes: number;
  readonly serverCollections: number;
  readonly loadCollections: number;
}

export interface Measured {
  readonly operationsPerSecond: number;
  /** CPU time per operation in the closed loop, ns; NaN where others, which are not measured, take some of it. */
  readonly serverNs: number;
  readonly loadNs: number;
  /** Batches a second of the open loop, 0 if there was none. */
  readonly perSecond: number;
  readonly latency: Latencies | undefined;
  readonly memory?: MemoryUse | undefined;
}

export type LoadAnswer = { readonly measured: Measured } | { readonly error: string };
