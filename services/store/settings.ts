/** How much memory a store may take, by what its environment says: `DPR_MAX_MEMORY_BYTES`, and `DPR_EVICTION`, `none` or `lru`. */
import { EXIT, ProcessError, type StateLog, type Variables } from '@dpr/runtime';

/**
 * Of the memory that the process may use, what records and their index may take at most: beyond it, writes are refused as `full`. Where keys
 * are evicted, a quarter of that is for what was evicted and may come back until it is committed, and for memory between records.
 */
export const MEMORY_SHARES = { none: 1 / 2, lru: 3 / 8 } as const;
/** An index of no keys takes a part of this. */
export const MIN_MAX_MEMORY_BYTES = 1024 * 1024;

const EVICTIONS = ['none', 'lru'] as const;

export interface StoreLimits {
  readonly maxBytes: number;
  /** Undefined: no key is evicted. */
  readonly maxLiveBytes: number | undefined;
}

/** What a store is asked to keep to. */
export interface StoreSettings {
  /** Undefined: as much as it may. */
  readonly maxMemoryBytes: number | undefined;
  readonly eviction: (typeof EVICTIONS)[number];
}

/** @throws ProcessError when a variable is wrong */
export function storeSettings({ DPR_MAX_MEMORY_BYTES: bytes, DPR_EVICTION: word = 'none' }: Variables): StoreSettings {
  const eviction = EVICTIONS.find((one) => one === word);
  if (eviction === undefined) throw fault(`DPR_EVICTION is '${word}': one of ${EVICTIONS.join(', ')} is expected`);
  if (bytes === undefined) return { maxMemoryBytes: undefined, eviction };
  const maxMemoryBytes = /^\d+$/.test(bytes) ? Number(bytes) : NaN;
  if (maxMemoryBytes >= MIN_MAX_MEMORY_BYTES && maxMemoryBytes <= Number.MAX_SAFE_INTEGER)
    return { maxMemoryBytes, eviction };
  const expected = `a whole number from ${MIN_MAX_MEMORY_BYTES} to ${Number.MAX_SAFE_INTEGER} is expected`;
  throw fault(`DPR_MAX_MEMORY_BYTES is '${bytes}': ${expected}`);
}

/**
 * A limit that the process has no memory for is lowered to what it has, and the log says so: the machine decides that, and a store that did not
 * start would keep the whole cluster from committing.
 * @param memoryBytes what the process may use
 */
export function limitsOf({ maxMemoryBytes, eviction }: StoreSettings, memoryBytes: number, log: StateLog): StoreLimits {
  const evicts = eviction === 'lru';
  const share = Math.floor(memoryBytes * MEMORY_SHARES[eviction]);
  const bytes = Math.min(maxMemoryBytes ?? share, share);
  if (maxMemoryBytes !== undefined && maxMemoryBytes > share) {
    const reason = `maxMemory is ${maxMemoryBytes} bytes, and of the ${memoryBytes} that the process may use keys may take ${share}: that is the limit`;
    const line = { event: 'maxMemoryLowered', maxMemoryBytes, memoryBytes, bytes, reason };
    log.warn(line);
  }
  return evicts
    ? { maxBytes: Math.floor(memoryBytes * MEMORY_SHARES.none), maxLiveBytes: bytes }
    : { maxBytes: bytes, maxLiveBytes: undefined };
}

function fault(text: string): ProcessError {
  return new ProcessError(`the environment is not right:\n  ${text}`, EXIT.config);
}
