/** Which rows of a long table are in the document: those in sight, and some around them. Pure. */

/** Rows above and below those in sight, so that the Tab key finds the next one. */
const MORE_ROWS = 4;

export interface Rows {
  /** Of the first row in the document; `last` is the one after the last. */
  readonly first: number;
  readonly last: number;
  /** The height of what is left out, px. */
  readonly beforePx: number;
  readonly afterPx: number;
}

/** All lengths in px. */
export interface Sight {
  readonly count: number;
  readonly rowPx: number;
  /** How far it is scrolled; may be outside of the table for a moment, when it has become shorter. */
  readonly scrolledPx: number;
  readonly heightPx: number;
}

export function rowsInSight({ count, rowPx, scrolledPx, heightPx }: Sight): Rows {
  const inSight = Math.ceil(heightPx / rowPx) + 1;
  const top = Math.max(0, Math.min(Math.floor(scrolledPx / rowPx), count - inSight));
  const first = Math.max(0, top - MORE_ROWS);
  const last = Math.min(count, top + inSight + MORE_ROWS);
  return { first, last, beforePx: first * rowPx, afterPx: (count - last) * rowPx };
}
