/** Memory for bytes that live shortly: a buffer of one's own costs more than what is written into most of them. */

const SLAB_BYTES = 256 * 1024;
/** Larger ones would waste too much of a slab. */
const MAX_CUT_BYTES = SLAB_BYTES / 2;

/** @returns what gives buffers with undefined content, cut from slabs that live as long as any of their cuts */
export function createSlab(): (size: number) => Buffer {
  let slab = Buffer.alloc(0);
  let used = 0;
  return (size) => {
    if (size > MAX_CUT_BYTES) return Buffer.allocUnsafeSlow(size);
    if (used + size > slab.length) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      used = 0;
    }
    used += size;
    return slab.subarray(used - size, used);
  };
}
