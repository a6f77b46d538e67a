/**
 * Operations on all keys, in the order of their hashes, part by part. Positions are hashes, which no change of others moves: a key that is there
 * all the way is met, whatever else comes and goes.
 */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import type { BatchReader } from './batch-reader.ts';
import { createGroup } from './engine/key-index.ts';
import type { Keyspace } from './engine/index.ts';
import { isKeyAt, keyAt, keyLengthAt, kindAt } from './engine/records.ts';
import { Glob } from './glob.ts';
import {
  END_POSITION,
  FLUSH_WHOLE,
  KINDS,
  MAX_FLUSHED_KEYS,
  MAX_KEY_BYTES,
  SCAN_TYPE_MASK,
  STATUS,
  VALUE_LENGTH_BYTES,
} from './operations.ts';
import type { ResultWriter } from './result-writer.ts';
import { Scratch } from './scratch.ts';

const KEY_LENGTH_BYTES = 2;
/** Places where no key is are passed by: so many for each key that is asked for, and so many more. */
const HOMES_PER_KEY = 16;
const MORE_HOMES = 65_536;

export class Walker {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #group = createGroup();
  readonly #scratch = new Scratch();

  constructor(reader: BatchReader, results: ResultWriter) {
    this.#reader = reader;
    this.#results = results;
  }

  /** @returns whether the result fits */
  scan(keyspace: Keyspace): boolean {
    this.#scratch.begin(MAX_BATCH_BYTES);
    this.#scratch.float(0);
    const next = this.#collect(keyspace);
    const { memory, length } = this.#scratch;
    if (next === this.#reader.first) {
      this.#results.status(KINDS.scan, STATUS.tooLarge);
      return false;
    }
    memory.setFloat64(0, next === END_POSITION ? 0 : next, true);
    return this.#results.data(KINDS.scan, memory, 0, length);
  }

  /** Put the keys that fit the pattern into a page. @returns where the next page begins */
  #collect(keyspace: Keyspace): number {
    const { memory: text, value, valueLength, first, second, options } = this.#reader;
    const type = options & SCAN_TYPE_MASK;
    const glob = new Glob(text, value, valueLength);
    return this.#walk(keyspace, first, second, (memory, at) => {
      if (!keyspace.isVisible(memory, at)) return false;
      const key = keyAt(memory, at);
      const length = keyLengthAt(memory, at);
      if (type !== 0 && kindAt(memory, at) !== type) return true;
      if (!glob.isAll && !glob.fits(memory, key, length)) return true;
      return this.#add(memory, key, length) ? true : undefined;
    });
  }

  /**
   * Visit records until about so many were of keys that count.
   * @param visit whether this one was; undefined: it is to be the first of the next walk
   * @returns the position after those that were visited
   */
  #walk(
    { index, records }: Keyspace,
    from: number,
    count: number,
    visit: (memory: DataView, at: number) => boolean | undefined,
  ): number {
    let keys = count;
    let position = from;
    for (let homes = count * HOMES_PER_KEY + MORE_HOMES; homes > 0 && keys > 0 && position < END_POSITION; homes--) {
      index.group(position, this.#group);
      for (let place = 0; place < this.#group.count; place++) {
        const address = this.#group.addresses[place] ?? 0;
        const counts = visit(records.memory(address), records.offset(address));
        if (counts === undefined) return this.#group.hashes[place] ?? 0;
        if (counts) keys--;
      }
      position = index.nextHome(position);
    }
    return position;
  }

  /** @returns false when the key has no room in the page */
  #add(memory: DataView, key: number, length: number): boolean {
    const bytes = this.#scratch.length + KEY_LENGTH_BYTES + length;
    if (!this.#results.hasRoom(1 + VALUE_LENGTH_BYTES + bytes)) return false;
    this.#scratch.shortLength(length);
    this.#scratch.put(this.#scratch.length, memory, key, length);
    return true;
  }

  flush(keyspace: Keyspace): void {
    const { options, first, second } = this.#reader;
    const isWhole = (options & FLUSH_WHOLE) !== 0;
    if (isWhole && keyspace.keys > MAX_FLUSHED_KEYS) {
      this.#results.status(KINDS.flush, STATUS.tooMuch);
      return;
    }
    const next = this.#walk(keyspace, first, isWhole ? Infinity : second, (memory, at) =>
      this.#remove(keyspace, memory, at),
    );
    this.#results.integer(KINDS.flush, BigInt(next === END_POSITION ? 0 : next));
  }

  #remove(keyspace: Keyspace, memory: DataView, at: number): boolean {
    if (!isKeyAt(memory, at)) return false;
    const length = keyLengthAt(memory, at);
    this.#scratch.begin(MAX_KEY_BYTES);
    this.#scratch.put(0, memory, keyAt(memory, at), length);
    keyspace.seek(this.#scratch.memory, 0, length);
    return keyspace.discard();
  }
}
