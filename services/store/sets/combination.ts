/** What several sets have in common, or together, or one of them without the others. */
import { Collection } from '../collections/collection.ts';
import { countAt } from '../collections/head.ts';
import { type Element, FORMS } from '../collections/node.ts';
import { type Keyspace, NOTHING, TYPES } from '../engine/index.ts';
import type { Items } from '../items.ts';
import { STATUS } from '../operations.ts';
import { MAX_COMBINED_MEMBERS, SET_RULES } from '../operations/sets.ts';

/** Takes a member, where it lies. @returns false to see no more */
export type Visit = (element: Element) => boolean;

export class Combination {
  /** Of it all members are looked at: what they have in common, or what is left of it, is a part of it. */
  readonly #base: Collection;
  readonly #other: Collection;
  #keyspace: Keyspace | undefined;
  #rule = 0;
  // The keys, and how many members each has.
  #memory = NOTHING;
  #sources = 0;
  readonly #froms: number[] = [];
  readonly #lengths: number[] = [];
  readonly #counts: number[] = [];
  /** For each member of the base 1 as long as it is in the result. */
  #kept = new Uint8Array(0);

  constructor(nodeBytes?: number) {
    this.#base = new Collection([FORMS.set], nodeBytes);
    this.#other = new Collection([FORMS.set], nodeBytes);
  }

  /**
   * Find out what the result is; it can be read until something is written.
   * @param rule one of `SET_RULES`
   * @returns a status: `wrongType` if a key holds no set, `tooMuch` if too many members would have to be looked at
   */
  open(keyspace: Keyspace, keys: Items, rule: number): number {
    this.#keyspace = keyspace;
    this.#rule = rule;
    if (!this.#openKeys(keyspace, keys)) return STATUS.wrongType;
    if (rule === SET_RULES.all) return this.#sum() > MAX_COMBINED_MEMBERS ? STATUS.tooMuch : STATUS.done;
    const base = rule === SET_RULES.common ? this.#smallest() : 0;
    if (this.#work(base) > MAX_COMBINED_MEMBERS) return STATUS.tooMuch;
    this.#reduce(base);
    return STATUS.done;
  }

  /** @returns whether all keys hold sets, or nothing */
  #openKeys(keyspace: Keyspace, keys: Items): boolean {
    this.#memory = keys.memory;
    let sources = 0;
    while (keys.next()) {
      const isThere = keyspace.seek(keys.memory, keys.from, keys.length);
      if (isThere && keyspace.type !== TYPES.set) return false;
      this.#froms[sources] = keys.from;
      this.#lengths[sources] = keys.length;
      this.#counts[sources] = isThere ? countAt(keyspace.value, keyspace.valueFrom, keyspace.isPaged) : 0;
      sources++;
    }
    this.#sources = sources;
    return true;
  }

  #count(source: number): number {
    return this.#counts[source] ?? 0;
  }

  #sum(): number {
    let sum = 0;
    for (let source = 0; source < this.#sources; source++) sum += this.#count(source);
    return sum;
  }

  #smallest(): number {
    let smallest = 0;
    for (let source = 1; source < this.#sources; source++) {
      if (this.#count(source) < this.#count(smallest)) smallest = source;
    }
    return smallest;
  }

  /** How many members are looked at, at most. */
  #work(base: number): number {
    let sum = this.#count(base);
    for (let source = 0; source < this.#sources; source++) {
      if (source !== base) sum += this.#isLookedThrough(source) ? this.#count(source) : this.#count(base);
    }
    return sum;
  }

  /** Whether its members are looked for in the base, and not the other way round. */
  #isLookedThrough(source: number): boolean {
    return this.#rule === SET_RULES.first && this.#count(source) < this.#count(0);
  }

  #reduce(base: number): void {
    this.#openSource(this.#base, base);
    this.#kept = new Uint8Array(this.#base.count).fill(1);
    for (let source = 0; source < this.#sources; source++) {
      if (source === base) continue;
      this.#openSource(this.#other, source);
      if (this.#isLookedThrough(source)) this.#dropAll();
      else this.#keep(this.#rule === SET_RULES.common);
    }
  }

  #openSource(set: Collection, source: number): void {
    const keyspace = this.#keyspace;
    if (keyspace === undefined) return;
    keyspace.seek(this.#memory, this.#froms[source] ?? 0, this.#lengths[source] ?? 0);
    set.open(keyspace);
  }

  /** What the other set has is not in the result. */
  #dropAll(): void {
    const { position } = this.#base.tree;
    walk(this.#other, ({ order, memory, member, memberLength }) => {
      if (position.seek(order, memory, member, memberLength)) this.#kept[position.rank] = 0;
      return true;
    });
  }

  /** Only what the other set has stays in the result, or only what it has not. */
  #keep(isCommon: boolean): void {
    const { position } = this.#other.tree;
    let rank = 0;
    walk(this.#base, ({ order, memory, member, memberLength }) => {
      if (this.#kept[rank] === 1 && position.seek(order, memory, member, memberLength) !== isCommon)
        this.#kept[rank] = 0;
      rank++;
      return true;
    });
  }

  /** Visit all of the result; what several sets have together, as often as they have it. @returns whether all was seen */
  each(visit: Visit): boolean {
    if (this.#rule !== SET_RULES.all) {
      let rank = 0;
      return walk(this.#base, (element) => this.#kept[rank++] === 0 || visit(element));
    }
    for (let source = 0; source < this.#sources; source++) {
      this.#openSource(this.#other, source);
      if (!walk(this.#other, visit)) return false;
    }
    return true;
  }

  /** Visit each member of the result once. @returns whether all was seen */
  eachOnce(visit: Visit): boolean {
    if (this.#rule !== SET_RULES.all) return this.each(visit);
    const seen = new Set<string>();
    return this.each((element) => {
      const { memory, member, memberLength } = element;
      const text = Buffer.from(memory.buffer, memory.byteOffset + member, memberLength).toString('latin1');
      if (seen.has(text)) return true;
      seen.add(text);
      return visit(element);
    });
  }

  /** How many members `each` visits, and their bytes. */
  measure(): { members: number; bytes: number } {
    let [members, bytes] = [0, 0];
    this.each(({ memberLength }) => {
      members++;
      bytes += memberLength;
      return true;
    });
    return { members, bytes };
  }
}

/** @returns whether all was seen */
function walk({ tree: { position } }: Collection, visit: Visit): boolean {
  for (let isThere = position.seekRank(0); isThere; isThere = position.next()) {
    if (!visit(position.element)) return false;
  }
  return true;
}
