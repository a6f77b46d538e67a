/** What a version changed: redo and undo in one list. */

// An entry: the key's hash, of which two bits are flags; the record that the version wrote; the one before it, 0: none.
const ENTRY_WORDS = 3;
const RECORD = 4;
const PREVIOUS = 8;
const ENTRY_BYTES = ENTRY_WORDS * 4;
const ENTRY_SHIFT = 10;
const BLOCK_ENTRIES = 2 ** ENTRY_SHIFT;
/** Entries come in blocks, so that a long list is never copied. */
export const BLOCK_BYTES = BLOCK_ENTRIES * ENTRY_BYTES;
/** What is left of the hash when its flags are not looked at: 30 bits, far more than a table has homes. */
const FLAGS = 3;
/** The record before is a removed one. */
const PREVIOUS_REMOVED = 1;
/** The version's own record is a removed one. */
const REMOVED = 2;

/** How far a state has come. All of it goes back when a version is rolled back. */
export type Progress = {
  /** The largest `now` that was seen: ms since 1970. */
  clock: number;
  /** The revision that comes next. */
  revision: number;
  /** Keys that are there, with those whose time is over. */
  keys: number;
  /** Bytes of all records in a checkpoint, with the hidden ones. */
  bytes: number;
  /** Bytes of memory that these records take. */
  blockBytes: number;
  /** Keys that have a deadline. */
  deadlines: number;
  /** Collections that were removed, and of which there are pages. */
  doomed: number;
};

/** A version, open or sealed. */
export class Version {
  /** Its name, once it is sealed. */
  name = 0;
  readonly before: Progress;
  /** Set when it is sealed. */
  after: Progress | undefined;
  /** What its undo takes besides the list: records from before, and removed ones of its own. */
  undoBytes = 0;
  /** `kept`: its changes may be read and undone. */
  fate: 'kept' | 'committed' | 'rolledBack' = 'kept';
  length = 0;
  readonly #blocks: DataView[] = [];

  constructor(before: Progress) {
    this.before = { ...before };
  }

  get listBytes(): number {
    return this.#blocks.length * BLOCK_BYTES;
  }

  /** @returns its place */
  push(hash: number, record: number, previous: number, wasRemoved: boolean): number {
    const place = this.length++;
    if (place >>> ENTRY_SHIFT === this.#blocks.length) this.#blocks.push(new DataView(new ArrayBuffer(BLOCK_BYTES)));
    const block = this.#blockOf(place);
    const at = offsetOf(place);
    block.setUint32(at, (hash & ~FLAGS) | (wasRemoved ? PREVIOUS_REMOVED : 0), true);
    block.setUint32(at + RECORD, record, true);
    block.setUint32(at + PREVIOUS, previous, true);
    return place;
  }

  setRecord(place: number, record: number): void {
    this.#blockOf(place).setUint32(offsetOf(place) + RECORD, record, true);
  }

  setRemoved(place: number, isRemoved: boolean): void {
    const block = this.#blockOf(place);
    const word = block.getUint32(offsetOf(place), true);
    block.setUint32(offsetOf(place), isRemoved ? word | REMOVED : word & ~REMOVED, true);
  }

  /** The key's hash, without its last bits. */
  hash(place: number): number {
    return (this.#blockOf(place).getUint32(offsetOf(place), true) & ~FLAGS) >>> 0;
  }

  record(place: number): number {
    return this.#blockOf(place).getUint32(offsetOf(place) + RECORD, true);
  }

  previous(place: number): number {
    return this.#blockOf(place).getUint32(offsetOf(place) + PREVIOUS, true);
  }

  isRemoved(place: number): boolean {
    return (this.#blockOf(place).getUint32(offsetOf(place), true) & REMOVED) !== 0;
  }

  wasRemoved(place: number): boolean {
    return (this.#blockOf(place).getUint32(offsetOf(place), true) & PREVIOUS_REMOVED) !== 0;
  }

  #blockOf(place: number): DataView {
    return this.#blocks[place >>> ENTRY_SHIFT] ?? NONE;
  }
}

const NONE = new DataView(new ArrayBuffer(0));

function offsetOf(place: number): number {
  return (place & (BLOCK_ENTRIES - 1)) * ENTRY_BYTES;
}
