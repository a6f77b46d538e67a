/**
 * When keys were used last, without memory of its own: where a record says its place among the changes of its version, which nothing needs
 * once that is sealed, a use leaves a mark. Time is the number of the next revision, so it passes with writes alone, as memory fills with
 * them alone. A record without a mark was used last when it was written; one of the open version has none.
 *
 * A mark is the high bit, which no place has, and the time in units of `WRITES_PER_UNIT`. Marks go round after 2^35 writes, which is four days
 * at 100,000 a second; one that seems to come a little later than now, which a rollback can make of it, is as good as now.
 */

const MARKED = 2 ** 31;
const UNITS_MASK = MARKED - 1;
const WRITES_PER_UNIT = 16;
/** So many units count as yet to come: more than a rollback takes back. */
const MAX_UNITS_AHEAD = 2 ** 24;

/** The record here, of a sealed version, is used. @param revision the one that comes next */
export function noteUse(memory: DataView, at: number, revision: number): void {
  memory.setUint32(at, (MARKED | (revision / WRITES_PER_UNIT)) >>> 0, true);
}

/**
 * When a record was used last, or written: the revision that was to come next; of a use it is that at the end of its unit.
 * @param place what it says in place of its place
 * @param written its revision
 * @param now the revision that comes next
 */
export function lastUse(place: number, written: number, now: number): number {
  if (place < MARKED) return written;
  const unit = Math.floor(now / WRITES_PER_UNIT);
  const ago = (unit - place) & UNITS_MASK;
  const used = ago > UNITS_MASK - MAX_UNITS_AHEAD ? unit : unit - ago;
  return Math.max(written, used * WRITES_PER_UNIT + WRITES_PER_UNIT - 1);
}
