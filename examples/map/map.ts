/** A map of texts as a worker of a DPR cluster. Its checkpoints cost what changed, so it may be larger than one that is written as a whole. */
import {
  MalformedOperations,
  MAX_BATCH_BYTES,
  type IncrementalState,
  type SealedChanges,
  type WorkerType,
} from '@dpr/runtime';
import { createChanges, type Change } from './changes.ts';
import {
  ANSWERS,
  decodeOperations,
  encodeOperations,
  encodeResults,
  MAP_TYPE,
  MAX_ANSWER_BYTES,
  sizeOf,
  type Operation,
  type Result,
} from './operations.ts';

export const map: WorkerType = { name: MAP_TYPE, create: () => createMap() };

export interface MapSize {
  /** The base is written bucket by bucket. */
  readonly buckets: number;
  /** Of one bucket, which is a chunk. Keys that were chosen to fall into the same one fill that one. */
  readonly maxBucketBytes: number;
}

/** Up to 256 MiB. */
const SIZE: MapSize = { buckets: 1_024, maxBucketBytes: 256 * 1024 };

export function createMap({ buckets: bucketCount, maxBucketBytes } = SIZE): IncrementalState {
  const changes = createChanges();
  let buckets: Map<string, string>[] = [];
  /** Of each bucket, as it is written. */
  let bytes: number[] = [];
  let allBytes = 0;
  let count = 0;

  function empty(): void {
    buckets = Array.from({ length: bucketCount }, () => new Map<string, string>());
    bytes = buckets.map(() => 0);
    allBytes = 0;
    count = 0;
    changes.clear();
  }

  function bucketOf(key: string): number {
    return hashOf(key) % bucketCount;
  }

  function get(key: string): string | undefined {
    return buckets[bucketOf(key)]?.get(key);
  }

  /** Change a key. @param value undefined: delete it */
  function put(key: string, value: string | undefined): void {
    const place = bucketOf(key);
    const bucket = buckets[place];
    const before = bucket?.get(key);
    const grown = recordBytes(key, value) - recordBytes(key, before);
    bytes[place] = (bytes[place] ?? 0) + grown;
    allBytes += grown;
    count += Number(value !== undefined) - Number(before !== undefined);
    if (value === undefined) bucket?.delete(key);
    else bucket?.set(key, value);
  }

  function perform({ kind, key, value }: Operation): Result {
    const before = get(key);
    switch (kind) {
      case 'set': {
        const grown = (bytes[bucketOf(key)] ?? 0) + recordBytes(key, value) - recordBytes(key, before);
        if (grown > maxBucketBytes) return { answer: ANSWERS.full };
        changes.note(key, before, value);
        put(key, value);
        return { answer: before === undefined ? ANSWERS.yes : ANSWERS.no };
      }
      case 'delete':
        if (before === undefined) return { answer: ANSWERS.no };
        changes.note(key, before, undefined);
        put(key, undefined);
        return { answer: ANSWERS.yes };
      case 'get':
        return before === undefined ? { answer: ANSWERS.no } : { answer: ANSWERS.value, value: before };
      case 'count':
        return { answer: ANSWERS.count, count };
    }
  }

  empty();
  return {
    apply(batch, batchCount) {
      const operations = decodeOperations(batch); // all of them, before the first one changes anything
      if (operations?.length !== batchCount) {
        throw new MalformedOperations(`these are not ${batchCount} operations of a map`);
      }
      let room = MAX_BATCH_BYTES - batchCount * MAX_ANSWER_BYTES;
      const results = operations.map((operation): Result => {
        const result = perform(operation);
        const size = Buffer.byteLength(result.value ?? '');
        if (size > room) return { answer: ANSWERS.crowded };
        room -= size;
        return result;
      });
      return encodeResults(results);
    },
    seal: (version) => sealedChanges(changes.seal(version)),
    rollback: (version) => changes.rollback(version, put),
    committed: (version) => changes.committed(version),
    release: () => false, // the garbage collector does it
    undoBytes: () => changes.undoBytes(),
    baseBytes: () => allBytes,
    base(position, maxBytes) {
      const records: Operation[] = [];
      let size = 0;
      let next = position;
      for (; next < bucketCount && (size === 0 || size + (bytes[next] ?? 0) <= maxBytes); next++) {
        for (const [key, value] of buckets[next] ?? []) records.push({ kind: 'set', key, value });
        size += bytes[next] ?? 0;
      }
      return { bytes: encodeOperations(records), next: next < bucketCount ? next : undefined };
    },
    load() {
      empty();
      return {
        take(chunk) {
          for (const { kind, key, value } of decodeOperations(chunk) ?? notOfMap()) {
            put(key, kind === 'set' ? value : undefined);
          }
        },
        end: () => undefined,
      };
    },
  };
}

/** As operations that make them: `set`, or `delete` where the key is gone. */
function sealedChanges(changes: ReadonlyMap<string, Readonly<Change>>): SealedChanges {
  const left = changes.entries();
  return {
    next(maxBytes) {
      const records: Operation[] = [];
      for (let size = 0; size < maxBytes;) {
        const next = left.next();
        if (next.done === true) break;
        const [key, { after }] = next.value;
        const record: Operation =
          after === undefined ? { kind: 'delete', key, value: '' } : { kind: 'set', key, value: after };
        records.push(record);
        size += sizeOf(record);
      }
      return records.length === 0 ? undefined : encodeOperations(records);
    },
  };
}

/** Bytes of a key and its value in the base; undefined: it is not there. */
function recordBytes(key: string, value: string | undefined): number {
  return value === undefined ? 0 : sizeOf({ kind: 'set', key, value });
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

function notOfMap(): never {
  throw new Error('the checkpoint is not one of a map');
}
