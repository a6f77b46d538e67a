/** The store's memory: keys, values, and the versions that may be undone. */
export { createEngine, type Engine } from './engine.ts';
export { Cursor, NOTHING } from './cursor.ts';
export { MAX_PREFETCHED } from './prefetch.ts';
export type { Keyspace, KeyspaceOptions } from './keyspace.ts';
export {
  HIDDEN_TYPES,
  MAX_KEY_BYTES,
  MAX_RECORD_VALUE_BYTES,
  MAX_REVISION,
  PAGED,
  TYPES,
  type Content,
} from './records.ts';
