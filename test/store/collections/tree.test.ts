/** Trees beside plain arrays, under random changes. */
import { createEngine, TYPES } from '@dpr/store/engine';
import assert from 'node:assert/strict';
import { Collection } from '../../../services/store/collections/collection.ts';
import { type Form, FORMS, memberOrder } from '../../../services/store/collections/node.ts';
import { Teardown, TORN_PAGES } from '../../../services/store/collections/teardown.ts';
import { MIN_NODE_BYTES, type Tree } from '../../../services/store/collections/tree.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { OPTIONS, viewOf } from '../engine/driver.ts';
import { audit } from './audit.ts';

type Item = { readonly order: number; readonly member: string; value: string };

const KEY = viewOf(Buffer.from('key'));
/** Lengths of members and values: few that are larger than any node. */
const LENGTHS = [0, 1, 2, 3, 5, 8, 13, 21, 40, 70, 253, 254, 255, 256, 1_500];

function latin(memory: DataView, from: number, length: number): string {
  return Buffer.from(memory.buffer, memory.byteOffset + from, length).toString('latin1');
}

function compareItems(a: Item, b: Item): number {
  return a.order - b.order || Buffer.compare(Buffer.from(a.member, 'latin1'), Buffer.from(b.member, 'latin1'));
}

/** One collection, and what it should be. */
class Trial {
  readonly keyspace = createEngine(OPTIONS).keyspace;
  readonly random: Random;
  readonly form: Form;
  readonly type: number;
  readonly nodeBytes: number;
  readonly collection: Collection;
  items: Item[] = [];
  height = 0;
  /** How many members there may be, about. */
  readonly members: number;
  readonly lengths: readonly number[];

  constructor(seed: number, name: keyof typeof FORMS) {
    this.random = createRandom(seed);
    this.form = FORMS[name];
    this.type = { hash: TYPES.hash, set: TYPES.set, list: TYPES.list, scores: TYPES.set }[name];
    this.nodeBytes = this.random.pick([MIN_NODE_BYTES, 200, 512, 1_024]);
    this.collection = new Collection([this.form], this.nodeBytes);
    this.members = this.random.pick([10, 100, 600]);
    this.lengths = LENGTHS.slice(0, this.random.pick([3, 6, 9, LENGTHS.length]));
  }

  get tree(): Tree {
    return this.collection.tree;
  }

  open(): void {
    this.keyspace.seek(KEY, 0, KEY.byteLength);
    this.collection.open(this.keyspace);
    assert.equal(this.collection.count, this.items.length);
  }

  /** A member of few different beginnings, some of them long. */
  member(): string {
    const { random } = this;
    const shared = random.pick(['', '', 'a', 'abc', 'x'.repeat(20), 'y'.repeat(300)]);
    return `${shared}${random.int(0, this.members)}${'.'.repeat(random.pick(this.lengths))}`;
  }

  order(member: string): number {
    if (this.form.orderBytes === 0) return 0;
    const bytes = Buffer.from(member, 'latin1');
    // Many orders are the same, so that members and separators matter.
    if (this.form.orderBytes === 8) return this.random.pick([-Infinity, -1.5, 0, 0, 0, 7, Infinity]);
    const hash = memberOrder(viewOf(bytes), 0, bytes.length);
    return this.members === 100 ? hash % 4 : hash;
  }

  /** Go to an item. @returns its place among all, and whether it is there */
  seek({ order, member }: Item): [place: number, isThere: boolean] {
    const { position } = this.tree;
    if (this.form.orderBytes === 0) {
      const place = this.random.pick([0, this.items.length, this.random.int(0, this.items.length)]);
      assert.equal(position.seekRank(place), place < this.items.length);
      return [place, false];
    }
    const bytes = Buffer.from(member, 'latin1');
    const isThere = position.seek(order, viewOf(bytes), 0, bytes.length);
    const place = this.items.findIndex((item) => compareItems(item, { order, member, value: '' }) >= 0);
    const found = place < 0 ? undefined : this.items[place];
    assert.equal(isThere, found?.member === member && found.order === order);
    assert.equal(position.rank, place < 0 ? this.items.length : place);
    return [place < 0 ? this.items.length : place, isThere];
  }

  put(): void {
    const { random, items, form } = this;
    const member = this.member();
    const value = form.hasValues ? String.fromCharCode(random.int(40, 90)).repeat(random.pick(this.lengths)) : '';
    const item = { order: this.order(member), member, value };
    const [place, isThere] = this.seek(item);
    const [bytes, valueBytes] = [Buffer.from(member, 'latin1'), Buffer.from(value)];
    if (!isThere) {
      this.tree.insert(item.order, viewOf(bytes), 0, bytes.length, viewOf(valueBytes), 0, valueBytes.length);
      items.splice(place, 0, item);
    } else if (form.hasValues) {
      this.tree.setValue(viewOf(valueBytes), 0, valueBytes.length);
      items[place] = item;
    }
  }

  remove(): void {
    const { items, random } = this;
    if (items.length === 0) return;
    const place = random.int(0, items.length - 1);
    const item = items[place];
    assert.ok(item !== undefined);
    if (this.form.orderBytes === 0 || random.chance(0.3)) assert.ok(this.tree.position.seekRank(place));
    else assert.deepEqual(this.seek(item), [place, true]);
    this.checkElement(place);
    this.tree.remove();
    items.splice(place, 1);
  }

  /** Some that follow each other, or some of them, that lie in one leaf. */
  removeSeveral(): void {
    const { items, random, tree } = this;
    if (items.length === 0) return;
    const place = random.int(0, items.length - 1);
    const count = random.int(1, random.pick([2, 30, items.length]));
    if (random.chance(0.7)) {
      tree.removeRange(place, Math.min(count, items.length - place));
      items.splice(place, count);
      return;
    }
    tree.position.seekRank(place);
    const { index, entries } = tree.position.leaf;
    const inLeaf = items.slice(place, place + entries - index);
    const gone = inLeaf.filter(({ member }) => member.length % 2 === 0).slice(0, count);
    assert.equal(
      tree.removeInLeaf(({ memberLength }) => memberLength % 2 === 0, count),
      gone.length,
    );
    this.items = items.filter((item, at) => at < place || !gone.includes(item));
  }

  checkElement(place: number): void {
    const { element } = this.tree.position;
    const { order, member, value } = this.items[place] ?? { order: NaN, member: '', value: '' };
    assert.equal(latin(element.memory, element.member, element.memberLength), member);
    assert.equal(latin(element.memory, element.value, element.valueLength), value);
    assert.equal(element.order, order);
  }

  /** All, forwards and backwards, from any place on. */
  walk(): void {
    const { position } = this.tree;
    const from = this.random.int(0, this.items.length);
    let place = from;
    for (let isThere = position.seekRank(from); isThere; isThere = position.next()) this.checkElement(place++);
    assert.equal(place, this.items.length);
    position.seekRank(from);
    for (place = from; position.previous();) this.checkElement(--place);
    assert.equal(place, 0);
  }

  /** From an order number on. */
  range(): void {
    if (this.form.orderBytes === 0) return;
    const orders = [...this.items.map(({ order }) => order), 0, -2, 2 ** 31];
    const order = this.form.orderBytes === 4 ? Math.abs(this.random.pick(orders)) : this.random.pick(orders);
    for (const isMore of [false, true]) {
      const place = this.items.findIndex((item) => (isMore ? item.order > order : item.order >= order));
      assert.equal(this.tree.position.seekOrder(order, isMore), place >= 0);
      if (place >= 0) this.checkElement(place);
    }
  }

  /** Some changes of the same kind, mostly, so that the tree grows and shrinks. */
  step(growth: number): void {
    this.open();
    for (let changes = this.random.int(1, 6); changes > 0; changes--) {
      if (this.random.chance(growth)) this.put();
      else if (this.random.chance(0.1)) this.removeSeveral();
      else this.remove();
    }
    if (this.random.chance(0.1)) this.walk();
    this.range();
    this.collection.save(this.type);
    if (this.random.chance(0.7)) return;
    const { height } = audit(this.keyspace, this.nodeBytes, { [this.type]: [this.form] });
    this.height = Math.max(this.height, height);
  }

  finish(): void {
    while (this.items.length > 0) this.step(0.1);
    assert.equal(this.keyspace.seek(KEY, 0, KEY.byteLength), false);
    for (const teardown = new Teardown(); this.keyspace.progress.doomed > 0;) teardown.work(this.keyspace, TORN_PAGES);
    assert.equal(audit(this.keyspace, this.nodeBytes).pages, 0);
  }
}

describe('a tree of a collection', () => {
  for (const name of ['hash', 'set', 'list', 'scores'] as const) {
    it(`is as a plain array, and its nodes are as they should be: ${name}`, () => {
      let height = 0;
      for (let seed = 1; seed <= 8; seed++) {
        const trial = new Trial(seed, name);
        for (let step = 0; step < 120; step++) trial.step(step % 100 < 70 ? 0.8 : 0.3);
        trial.finish();
        height = Math.max(height, trial.height);
      }
      assert.ok(height >= 3, `${height} levels`);
    });
  }
});
