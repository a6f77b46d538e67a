/** Sizes of the blocks that an arena gives: a few more than a hundred, so that a block that is free again soon fits a new record. */

/** Addresses and sizes of blocks are counted in units of this many bytes. */
export const UNIT_BYTES = 8;
export const PAGE_UNITS = 4_096;
export const PAGE_BYTES = PAGE_UNITS * UNIT_BYTES;

/** Up to here each number of units is a class; above, each doubling has eight classes, which leaves at most an eighth of a block unused. */
const EXACT_UNITS = 64;
const STEPS = 8;
/** Larger blocks are whole pages of their own. */
export const LARGEST_CLASS_UNITS = 8_192;
/** A slab of more pages than this would be taken for a few blocks only. */
const MAX_SLAB_PAGES = 16;
/** What of a slab may stay unused, beyond its blocks. */
const SLAB_WASTE = 1 / 32;

/** The class of blocks of at least this many units, from 1 to `LARGEST_CLASS_UNITS`. */
export function classOf(units: number): number {
  if (units <= EXACT_UNITS) return units;
  const shift = 28 - Math.clz32(units - 1);
  const eighths = ((units - 1) >>> shift) + 1;
  return EXACT_UNITS + (shift - 3) * STEPS + eighths - STEPS;
}

/** The units of a block of each class; class 0 is none. */
const UNITS = Array.from({ length: classOf(LARGEST_CLASS_UNITS) + 1 }, (_, index) => {
  if (index <= EXACT_UNITS) return index;
  const step = index - EXACT_UNITS - 1;
  return (STEPS + 1 + (step % STEPS)) << (3 + Math.floor(step / STEPS));
});

const SLAB_PAGES = UNITS.map((units) => {
  const waste = (pages: number): number => ((pages * PAGE_UNITS) % units) / (pages * PAGE_UNITS);
  const choices = Array.from({ length: MAX_SLAB_PAGES }, (_, index) => index + 1).filter(
    (n) => n * PAGE_UNITS >= units,
  );
  const enough = choices.find((pages) => waste(pages) <= SLAB_WASTE);
  return enough ?? choices.reduce((best, pages) => (waste(pages) < waste(best) ? pages : best), MAX_SLAB_PAGES);
});

export const CLASSES = UNITS.length;

export function classUnits(index: number): number {
  return UNITS[index] ?? 0;
}

/** How many pages together hold blocks of this class, so that little of them stays unused. */
export function slabPages(index: number): number {
  return SLAB_PAGES[index] ?? 0;
}
