/**
 * A chunk of a checkpoint, little-endian: u32 format, f64 clock (ms since 1970), f64 the revision that comes next; then records, each
 * from its revision on, as it lies in its block.
 */
import { copyBytes } from './bytes.ts';
import { KNOWN_TYPES, PLACE_BYTES, type Records, revisionAt, sizeAt, typeAt } from './records.ts';

const FORMAT = 1;
const CLOCK = 4;
const REVISION = 12;
const HEAD_BYTES = 20;
/** Bytes of a record up to the lengths of key and value. */
const FIXED_BYTES = 12;

/** A slice of more records than this would take more than a millisecond. */
const MAX_RECORDS = 4_096;

/** The state's clock and the revision that comes next. */
export type Moment = { readonly clock: number; readonly revision: number };

/** Collects records for one chunk. */
export class ChunkBuilder {
  readonly #records: Records;
  readonly #addresses: number[] = [];
  #bytes = HEAD_BYTES;
  #maxBytes = 0;
  #lastHash: number | undefined;

  constructor(records: Records) {
    this.#records = records;
  }

  begin(maxBytes: number): void {
    this.#addresses.length = 0;
    this.#bytes = HEAD_BYTES;
    this.#maxBytes = maxBytes;
    this.#lastHash = undefined;
  }

  get isEmpty(): boolean {
    return this.#addresses.length === 0;
  }

  /**
   * Add a record: a first one in any case, and one whose hash is that of the record before.
   * @param hash undefined where records need not stay together
   * @returns false when it does not fit
   */
  add(address: number, hash?: number): boolean {
    const bytes = this.#records.size(address) - PLACE_BYTES;
    const isFull = this.#addresses.length >= MAX_RECORDS || this.#bytes + bytes > this.#maxBytes;
    if (isFull && this.#addresses.length > 0 && (hash === undefined || hash !== this.#lastHash)) return false;
    this.#lastHash = hash;
    this.#addresses.push(address);
    this.#bytes += bytes;
    return true;
  }

  finish({ clock, revision }: Moment): Uint8Array {
    const chunk = new Uint8Array(this.#bytes);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, FORMAT, true);
    view.setFloat64(CLOCK, clock, true);
    view.setFloat64(REVISION, revision, true);
    let to = HEAD_BYTES;
    for (const address of this.#addresses) {
      const memory = this.#records.memory(address);
      const at = this.#records.offset(address);
      const bytes = sizeAt(memory, at) - PLACE_BYTES;
      copyBytes(view, to, memory, at + PLACE_BYTES, bytes);
      to += bytes;
    }
    return chunk;
  }
}

/**
 * Read a chunk.
 * @param take is given each record as byte `at` of `view` where its place would be
 * @throws Error when the chunk is damaged
 */
export function readChunk(chunk: Uint8Array, take: (view: DataView, at: number) => void): Moment {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const end = chunk.length;
  if (end < HEAD_BYTES || view.getUint32(0, true) !== FORMAT) throw damaged();
  const clock = view.getFloat64(CLOCK, true);
  const revision = view.getFloat64(REVISION, true);
  if (!(clock >= 0) || !Number.isSafeInteger(revision) || revision < 1) throw damaged();
  let from = HEAD_BYTES;
  while (from < end) {
    const at = from - PLACE_BYTES;
    if (from + FIXED_BYTES > end || !KNOWN_TYPES.has(typeAt(view, at))) throw damaged();
    from += sizeAt(view, at) - PLACE_BYTES;
    if (from > end || revisionAt(view, at) >= revision) throw damaged();
    take(view, at);
  }
  return { clock, revision };
}

function damaged(): Error {
  return new Error('a chunk of the checkpoint is not one of a store');
}
