/** Hashes of a keyspace, by fields and values that are texts. */
import type { Keyspace } from '@dpr/store/engine';
import { TYPES } from '@dpr/store/engine';
import { Collection } from '../../../services/store/collections/collection.ts';
import { FORMS, memberOrder } from '../../../services/store/collections/node.ts';
import { Teardown } from '../../../services/store/collections/teardown.ts';
import type { Random } from '../../simulation/random.ts';
import { viewOf } from './driver.ts';

export type Fields = ReadonlyMap<string, string>;

/** So many fields, about, that a hash is one record, or a tree of some levels. */
const FIELDS = 150;

export class HashDriver {
  readonly #hash: Collection;
  readonly teardown = new Teardown();

  constructor(nodeBytes: number) {
    this.#hash = new Collection([FORMS.hash], nodeBytes);
  }

  /** Change the hash of the key that the keyspace sought. @returns what it is then */
  change(keyspace: Keyspace, random: Random, before: Fields): Fields {
    const after = new Map(before);
    this.#hash.open(keyspace);
    const growth = random.pick([0.1, 0.9, 0.9]);
    for (let changes = random.pick([1, 3, 30]); changes > 0; changes--) {
      const field = `field ${random.int(1, FIELDS)}`;
      if (random.chance(growth)) {
        const value = 'v'.repeat(random.pick([0, 1, 7, 20, 300]));
        this.#put(field, value);
        after.set(field, value);
      } else if (this.#seek(field)) {
        this.#hash.tree.remove();
        after.delete(field);
      }
    }
    this.#hash.save(TYPES.hash);
    return after;
  }

  #seek(field: string): boolean {
    const bytes = viewOf(Buffer.from(field));
    const length = bytes.byteLength;
    return this.#hash.tree.position.seek(memberOrder(bytes, 0, length), bytes, 0, length);
  }

  #put(field: string, value: string): void {
    const [member, bytes] = [viewOf(Buffer.from(field)), viewOf(Buffer.from(value))];
    const length = member.byteLength;
    if (this.#seek(field)) this.#hash.tree.setValue(bytes, 0, bytes.byteLength);
    else this.#hash.tree.insert(memberOrder(member, 0, length), member, 0, length, bytes, 0, bytes.byteLength);
  }

  /** All fields of the key that the keyspace sought. */
  fields(keyspace: Keyspace): Fields {
    const found = new Map<string, string>();
    this.#hash.open(keyspace);
    const { position } = this.#hash.tree;
    for (let isThere = position.seekRank(0); isThere; isThere = position.next()) {
      const { memory, member, memberLength, value, valueLength } = position.element;
      const text = (from: number, length: number) =>
        Buffer.from(memory.buffer, memory.byteOffset + from, length).toString();
      found.set(text(member, memberLength), text(value, valueLength));
    }
    return found;
  }
}
