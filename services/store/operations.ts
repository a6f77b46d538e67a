/**
 * How a store's operations and results look in a batch, for the worker and for clients alike; everything little-endian.
 *
 *     u8 kind, u8 options, u16 bytes of the key, then, where the kind and the options say so:
 *     u32 bytes of the value · numbers, 8 bytes each · key, value
 *
 * `operations/strings.ts` has the kinds on keys and on values of bytes; `hashes.ts`, `lists.ts`, `sets.ts` and `sorted-sets.ts` those on
 * collections.
 *
 * A result is u8 status, with its shape in the high half; then, of an operation that was done: `found`: f64 revision, f64 deadline (0:
 * none), u32 bytes of the value, value; `revision`: f64; `integer`: i64; `head`: f64 revision, f64 deadline, f64 the store's clock, u32 bytes
 * of the value, or elements of a collection, u8 type, u8 marks of a collection; `data`: u32 bytes, bytes.
 *
 * Several members or values in one operation or result are items: of each u32 bytes, bytes. In a result their number, u32, stands before them,
 * and `MISSING` in place of the bytes of one that is not there.
 */
export * from './operations/format.ts';
export * from './operations/hashes.ts';
export { eachItem } from './operations/items.ts';
export * from './operations/lists.ts';
export * from './operations/results.ts';
export * from './operations/sets.ts';
export * from './operations/sorted-sets.ts';
export * from './operations/strings.ts';
export type { Data } from './operations/writing.ts';
