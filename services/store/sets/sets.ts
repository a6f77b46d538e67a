/** Operations on sets. */
import type { BatchReader } from '../batch-reader.ts';
import { Collection } from '../collections/collection.ts';
import { FORMS } from '../collections/node.ts';
import { addAll, addDrawn, addPage } from '../collections/walks.ts';
import { createDraw, drawRanks } from '../draw.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { Items, itemsIn } from '../items.ts';
import { MAX_VALUE_BYTES, STATUS, VALUE_LENGTH_BYTES } from '../operations.ts';
import { SET_KINDS } from '../operations/sets.ts';
import { Outcome } from '../outcome.ts';
import type { ResultWriter } from '../result-writer.ts';
import { Scratch } from '../scratch.ts';
import { addMember, seekMember } from './members.ts';
import { SeveralSets } from './several-sets.ts';

export class Sets {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #outcome: Outcome;
  readonly #set: Collection;
  readonly #several: SeveralSets;
  readonly #items = new Items();
  /** For each item a byte. */
  readonly #flags = new Scratch();
  readonly #addMember = (): boolean => {
    const { memory, member, memberLength } = this.#set.tree.position.element;
    return this.#results.item(memory, member, memberLength);
  };

  constructor(reader: BatchReader, results: ResultWriter, nodeBytes?: number) {
    this.#reader = reader;
    this.#results = results;
    this.#outcome = new Outcome(reader, results);
    this.#set = new Collection([FORMS.set], nodeBytes);
    this.#several = new SeveralSets(reader, results, nodeBytes);
  }

  /** Perform the operation on the key that was sought. @returns whether its result fits; if not, nothing was changed */
  perform(keyspace: Keyspace): boolean {
    const { kind, memory, value, valueLength } = this.#reader;
    if (kind >= SET_KINDS.setMove) return this.#several.perform(keyspace);
    if (keyspace.exists && keyspace.type !== TYPES.set) return this.#outcome.end(STATUS.wrongType);
    this.#set.open(keyspace);
    this.#items.begin(memory, value, valueLength);
    switch (kind) {
      case SET_KINDS.setAdd:
        return this.#add();
      case SET_KINDS.setRemove:
        return this.#remove();
      case SET_KINDS.setHas:
        return this.#has();
      default:
        return keyspace.exists ? this.#tell(keyspace) : this.#outcome.end(STATUS.absent);
    }
  }

  /** An operation that tells of members which it does not name. */
  #tell(keyspace: Keyspace): boolean {
    const { kind, first: count, second: seed } = this.#reader;
    const { tree } = this.#set;
    switch (kind) {
      case SET_KINDS.setScan:
        return addPage(tree, this.#reader, this.#results, this.#addMember);
      case SET_KINDS.setAll:
        return this.#addItems(() => addAll(tree, this.#addMember));
      default: {
        if (!this.#addItems(() => addDrawn(tree, count, seed, this.#addMember))) return false;
        if (kind === SET_KINDS.setPop) this.#removeDrawn(keyspace, count, seed);
        return true;
      }
    }
  }

  #add(): boolean {
    const { memory, valueLength } = this.#reader;
    const set = this.#set;
    const before = set.count;
    const count = itemsIn(this.#reader, MAX_VALUE_BYTES);
    if (!set.hasRoom(count, valueLength - count * VALUE_LENGTH_BYTES)) return this.#outcome.end(STATUS.full);
    while (this.#items.next()) addMember(set, memory, this.#items.from, this.#items.length);
    if (set.count > before) set.save(TYPES.set);
    return this.#outcome.endWith(set.count - before);
  }

  #remove(): boolean {
    const set = this.#set;
    const before = set.count;
    while (this.#items.next()) {
      if (seekMember(set, this.#reader.memory, this.#items.from, this.#items.length)) set.tree.remove();
    }
    if (set.count < before) set.save(TYPES.set);
    return this.#outcome.endWith(before - set.count);
  }

  #has(): boolean {
    const { kind, memory } = this.#reader;
    const count = itemsIn(this.#reader, MAX_VALUE_BYTES);
    this.#flags.begin(count);
    while (this.#items.next()) {
      this.#flags.byte(seekMember(this.#set, memory, this.#items.from, this.#items.length) ? 1 : 0);
    }
    return this.#results.data(kind, this.#flags.memory, 0, count);
  }

  /** @param add adds the items of the result @returns whether they have room */
  #addItems(add: () => boolean): boolean {
    const { kind } = this.#reader;
    this.#results.beginItems(kind);
    const fits = add();
    return this.#outcome.endItems(fits);
  }

  /** Remove what `addDrawn` added to the result. */
  #removeDrawn(keyspace: Keyspace, count: number, seed: number): void {
    const set = this.#set;
    if (count >= set.count) {
      keyspace.remove();
      return;
    }
    // From the last one on, so that the ranks of those that are left stay as they are.
    for (const rank of drawRanks(createDraw(seed), count, set.count).reverse()) {
      set.tree.position.seekRank(rank);
      set.tree.remove();
    }
    if (count > 0) set.save(TYPES.set);
  }
}
