/** Operations on several sets. */
import type { BatchReader } from '../batch-reader.ts';
import { Collection } from '../collections/collection.ts';
import { type Element, FORMS } from '../collections/node.ts';
import { type Keyspace, TYPES } from '../engine/index.ts';
import { Items } from '../items.ts';
import { STATUS } from '../operations.ts';
import { SET_KINDS, SET_RULES } from '../operations/sets.ts';
import { Outcome } from '../outcome.ts';
import type { ResultWriter } from '../result-writer.ts';
import { Combination } from './combination.ts';
import { ruleOf } from './forms.ts';
import { addMember, seekMember } from './members.ts';

export class SeveralSets {
  readonly #reader: BatchReader;
  readonly #results: ResultWriter;
  readonly #outcome: Outcome;
  readonly #set: Collection;
  readonly #other: Collection;
  readonly #combination: Combination;
  readonly #items = new Items();

  constructor(reader: BatchReader, results: ResultWriter, nodeBytes?: number) {
    this.#reader = reader;
    this.#results = results;
    this.#outcome = new Outcome(reader, results);
    this.#set = new Collection([FORMS.set], nodeBytes);
    this.#other = new Collection([FORMS.set], nodeBytes);
    this.#combination = new Combination(nodeBytes);
  }

  /** Perform the operation on the key that was sought. @returns whether its result fits */
  perform(keyspace: Keyspace): boolean {
    const { kind, memory, value, valueLength, options } = this.#reader;
    this.#items.begin(memory, value, valueLength);
    if (kind === SET_KINDS.setMove) return this.#move(keyspace);
    const rule = kind === SET_KINDS.setCount ? SET_RULES.common : ruleOf(options);
    const status = this.#combination.open(keyspace, this.#items, rule);
    if (status !== STATUS.done) return this.#outcome.end(status);
    switch (kind) {
      case SET_KINDS.setCombine:
        return this.#combine();
      case SET_KINDS.setStore:
        return this.#store(keyspace);
      default:
        return this.#count();
    }
  }

  #move(keyspace: Keyspace): boolean {
    if (!keyspace.exists) return this.#outcome.endWith(0);
    const { memory } = this.#reader;
    const { type, revision } = keyspace;
    this.#set.open(keyspace);
    this.#items.next();
    const { from: other, length: otherLength } = this.#items;
    this.#items.next();
    const { from: member, length } = this.#items;
    const isThere = keyspace.seek(memory, other, otherLength);
    if (type !== TYPES.set || (isThere && keyspace.type !== TYPES.set)) return this.#outcome.end(STATUS.wrongType);
    if (!seekMember(this.#set, memory, member, length)) return this.#outcome.endWith(0);
    if (isThere && keyspace.revision === revision) return this.#outcome.endWith(1); // it is the same key
    this.#other.open(keyspace);
    if (!this.#other.hasRoom(1, length)) return this.#outcome.end(STATUS.full);
    const before = this.#other.count;
    addMember(this.#other, memory, member, length);
    if (this.#other.count > before) this.#other.save(TYPES.set);
    this.#takeOut(keyspace, member, length);
    return this.#outcome.endWith(1);
  }

  /** Take a member out of the set of the operation's key. */
  #takeOut(keyspace: Keyspace, member: number, length: number): void {
    const { memory, key, keyLength } = this.#reader;
    keyspace.seek(memory, key, keyLength);
    this.#set.open(keyspace);
    seekMember(this.#set, memory, member, length);
    this.#set.tree.remove();
    this.#set.save(TYPES.set);
  }

  #combine(): boolean {
    const { kind } = this.#reader;
    const add = ({ memory, member, memberLength }: Element): boolean =>
      this.#results.item(memory, member, memberLength);
    this.#results.beginItems(kind);
    const fits = this.#combination.eachOnce(add);
    return this.#outcome.endItems(fits);
  }

  /** Make a set while others are read, one of which may be what the key holds, and let it take the place of that. */
  #store(keyspace: Keyspace): boolean {
    const { memory, key, keyLength } = this.#reader;
    const set = this.#set;
    const { members, bytes } = this.#combination.measure();
    set.begin(keyspace);
    if (members > 0 && !set.hasRoom(members, bytes)) return this.#outcome.end(STATUS.full);
    this.#combination.each((element) => {
      addMember(set, element.memory, element.member, element.memberLength);
      return true;
    });
    keyspace.seek(memory, key, keyLength);
    set.save(TYPES.set, 0);
    return this.#outcome.endWith(set.count);
  }

  #count(): boolean {
    const { first: most } = this.#reader;
    const { members } = this.#combination.measure();
    return this.#outcome.endWith(most === 0 ? members : Math.min(members, most));
  }
}
