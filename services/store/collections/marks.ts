/** What collections are marked with, for good: as Redis, a collection does not become a small one again. */
import type { Collection } from './collection.ts';

export const MARKS = {
  /** It had more elements, or a longer one, than Redis packs. */
  large: 1,
} as const;

/** What Redis packs into a list, by its usual settings. */
export const PACKED_ELEMENTS = 128;
export const PACKED_BYTES = 64;

/** Note that the collection has an element of so many bytes. */
export function markElement(collection: Collection, bytes: number): void {
  if (bytes > PACKED_BYTES || collection.count > PACKED_ELEMENTS) collection.marks |= MARKS.large;
}
