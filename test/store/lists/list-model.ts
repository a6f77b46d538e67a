/** Lists as plain arrays: what each operation answers, and what is there afterwards. */

export type Lists = Map<string, string[]>;

/** The elements from a place to another, as first and end. */
function rangeOf(length: number, first: number, last: number): [first: number, end: number] {
  const from = Math.max(0, first < 0 ? length + first : first);
  const end = Math.min(length, (last < 0 ? length + last : last) + 1);
  return from < end ? [from, end] : [0, 0];
}

/** All places of an item, in the order in which they are found. */
function placesOf(list: readonly string[], item: string, isReversed: boolean): number[] {
  const places = list.flatMap((one, place) => (one === item ? [place] : []));
  return isReversed ? places.reverse() : places;
}

export class ListModel {
  readonly lists: Lists = new Map();

  #of(key: string): string[] {
    return this.lists.get(key) ?? [];
  }

  #set(key: string, list: string[]): void {
    if (list.length === 0) this.lists.delete(key);
    else this.lists.set(key, list);
  }

  push(key: string, isAtFirst: boolean, items: readonly string[], mustExist: boolean): number | string {
    if (mustExist && !this.lists.has(key)) return 'unmet';
    const list = this.#of(key);
    this.#set(key, isAtFirst ? [...items.toReversed(), ...list] : [...list, ...items]);
    return this.#of(key).length;
  }

  pop(key: string, isAtFirst: boolean, count: number): string[] | string {
    return this.lists.has(key) ? this.#take(key, isAtFirst, count) : 'absent';
  }

  #take(key: string, isAtFirst: boolean, count: number): string[] {
    const list = this.#of(key);
    const cut = isAtFirst ? Math.min(count, list.length) : Math.max(0, list.length - count);
    const [before, behind] = [list.slice(0, cut), list.slice(cut)];
    this.#set(key, isAtFirst ? behind : before);
    return isAtFirst ? before : behind.reverse();
  }

  popFirst(keys: readonly string[], isAtFirst: boolean, count: number): string[] | string {
    const key = keys.find((one) => this.lists.has(one));
    return key === undefined ? 'absent' : [key, ...this.#take(key, isAtFirst, count)];
  }

  index(key: string, place: number): string {
    return this.#of(key).at(place) ?? 'absent';
  }

  set(key: string, place: number, item: string): string {
    if (!this.lists.has(key)) return 'absent';
    const list = [...this.#of(key)];
    const at = place < 0 ? list.length + place : place;
    if (at < 0 || at >= list.length) return 'unmet';
    list[at] = item;
    this.#set(key, list);
    return 'done';
  }

  range(key: string, first: number, last: number): string[] | string {
    if (!this.lists.has(key)) return 'absent';
    const list = this.#of(key);
    return list.slice(...rangeOf(list.length, first, last));
  }

  insert(key: string, isBehind: boolean, sought: string, item: string): number | string {
    if (!this.lists.has(key)) return 'absent';
    const list = this.#of(key);
    const place = list.indexOf(sought);
    if (place < 0) return 'unmet';
    this.#set(key, list.toSpliced(isBehind ? place + 1 : place, 0, item));
    return list.length + 1;
  }

  remove(key: string, count: number, item: string): number | string {
    if (!this.lists.has(key)) return 'absent';
    const list = this.#of(key);
    const gone = placesOf(list, item, count < 0).slice(0, count === 0 ? Infinity : Math.abs(count));
    this.#set(
      key,
      list.filter((_item, place) => !gone.includes(place)),
    );
    return gone.length;
  }

  trim(key: string, first: number, last: number): string {
    if (!this.lists.has(key)) return 'absent';
    const list = this.#of(key);
    this.#set(key, list.slice(...rangeOf(list.length, first, last)));
    return 'done';
  }

  positions(key: string, item: string, rank: number, count: number, most: number): number[] | string {
    if (!this.lists.has(key)) return 'absent';
    const list = this.#of(key);
    const reach = most === 0 ? list.length : most;
    const places = placesOf(list, item, rank < 0);
    const near = places.filter((place) => (rank < 0 ? list.length - place <= reach : place < reach));
    return near.slice(Math.abs(rank) - 1).slice(0, count === 0 ? Infinity : count);
  }

  move(key: string, other: string, isAtFirst: boolean, isToFirst: boolean): string {
    if (!this.lists.has(key)) return 'absent';
    const [item = ''] = this.#take(key, isAtFirst, 1);
    this.push(other, isToFirst, [item], false);
    return item;
  }

  copy(key: string, other: string, isMove: boolean): string {
    if (!this.lists.has(key)) return 'absent';
    this.#set(other, [...this.#of(key)]);
    if (isMove && key !== other) this.lists.delete(key);
    return 'done';
  }

  delete(key: string): string {
    return this.lists.delete(key) ? 'done' : 'absent';
  }
}
