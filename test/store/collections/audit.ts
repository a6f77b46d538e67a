/** Looks at all collections of a keyspace as they lie in memory: whether each tree is as it should be, and whether each page belongs to one. */
import type { Keyspace } from '@dpr/store/engine';
import { TYPES } from '@dpr/store/engine';
import assert from 'node:assert/strict';
import { compareBytes } from '../../../services/store/engine/bytes.ts';
import { createGroup, HASH_END } from '../../../services/store/engine/key-index.ts';
import {
  HIDDEN_TYPES,
  isKeyAt,
  isPagedAt,
  keyAt,
  kindAt,
  typeAt,
  valueAt,
  valueLengthAt,
} from '../../../services/store/engine/records.ts';
import {
  collectionOf,
  eachRoot,
  isTorn,
  readPagedHead,
  SMALL_HEAD_BYTES,
  TORN_HEAD_BYTES,
  TREE_HEAD_BYTES,
  treeCountAt,
} from '../../../services/store/collections/head.ts';
import {
  childCountAt,
  childEnd,
  childOrderAt,
  Element,
  entriesAt,
  type Form,
  FORMS,
  isByReference,
  levelAt,
  NODE_HEAD_BYTES,
  pageAt,
  separatorBytesAt,
} from '../../../services/store/collections/node.ts';

/** The trees of each type. */
export const FORMS_OF: Readonly<Record<number, readonly Form[]>> = {
  [TYPES.hash]: [FORMS.hash],
  [TYPES.list]: [FORMS.list],
  [TYPES.set]: [FORMS.set],
  [TYPES.sortedSet]: [FORMS.scores, FORMS.hash],
};

type Node = { readonly memory: DataView; readonly from: number; readonly bytes: number };
type Bound = { readonly order: number; readonly memory: DataView; readonly from: number; readonly length: number };

export type Audit = { pages: number; doomed: number; height: number };

/** @throws AssertionError where something is not as it should be */
export function audit(keyspace: Keyspace, nodeBytes: number, formsOf = FORMS_OF): Audit {
  return new Auditor(keyspace, nodeBytes, formsOf).run();
}

class Auditor {
  readonly #keyspace: Keyspace;
  readonly #nodeBytes: number;
  readonly #formsOf: typeof FORMS_OF;
  readonly #pages = new Map<string, Node>();
  readonly #reached = new Set<string>();
  readonly #result: Audit = { pages: 0, doomed: 0, height: 0 };

  constructor(keyspace: Keyspace, nodeBytes: number, formsOf: typeof FORMS_OF) {
    this.#keyspace = keyspace;
    this.#nodeBytes = nodeBytes;
    this.#formsOf = formsOf;
  }

  run(): Audit {
    const roots: (() => void)[] = [];
    let keys = 0;
    this.#each((memory, at) => {
      const type = typeAt(memory, at);
      const node = { memory, from: valueAt(memory, at), bytes: valueLengthAt(memory, at) };
      if (type === HIDDEN_TYPES.page) {
        const key = keyAt(memory, at);
        this.#pages.set(`${memory.getFloat64(key, true)} ${memory.getUint32(key + 8, true)}`, node);
      } else if (type === HIDDEN_TYPES.doomed) {
        this.#result.doomed++;
        roots.push(() => this.#reachDoomed(node));
      } else if (isKeyAt(memory, at)) {
        keys++;
        const forms = this.#formsOf[kindAt(memory, at)];
        if (forms !== undefined) roots.push(() => this.#checkCollection(forms, node, isPagedAt(memory, at)));
      }
    });
    for (const check of roots) check();
    assert.deepEqual(
      [...this.#pages.keys()].sort(),
      [...this.#reached].sort(),
      'the pages are those that belong to a collection',
    );
    assert.equal(this.#keyspace.progress.doomed, this.#result.doomed);
    assert.equal(this.#keyspace.keys, keys);
    this.#result.pages = this.#pages.size;
    return this.#result;
  }

  #each(visit: (memory: DataView, at: number) => void): void {
    const { index, records } = this.#keyspace;
    const group = createGroup();
    for (let hash = 0; hash < HASH_END; hash = index.nextHome(hash)) {
      index.group(hash, group);
      for (let place = 0; place < group.count; place++) {
        const address = group.addresses[place] ?? 0;
        visit(records.memory(address), records.offset(address));
      }
    }
  }

  #reach(collection: number, page: number): Node {
    const name = `${collection} ${page}`;
    assert.ok(!this.#reached.has(name), `page ${name} has one place`);
    this.#reached.add(name);
    const node = this.#pages.get(name);
    assert.ok(node !== undefined, `page ${name} is there`);
    return node;
  }

  #reachDoomed({ memory, from, bytes }: Node): void {
    const collection = collectionOf(memory, from);
    if (isTorn(memory, from)) {
      for (let at = from + TORN_HEAD_BYTES; at < from + bytes; at += 4)
        this.#reachBelow(collection, memory.getUint32(at, true));
      return;
    }
    eachRoot(memory, from, from + bytes, (root) => this.#reachChildren(collection, memory, root));
  }

  #reachBelow(collection: number, page: number): void {
    const { memory, from } = this.#reach(collection, page);
    this.#reachChildren(collection, memory, from);
  }

  #reachChildren(collection: number, memory: DataView, node: number): void {
    if (levelAt(memory, node) === 0) return;
    const orderBytes = (memory.getUint8(node) >>> 6) * 4;
    const form = Object.values(FORMS).find((one) => one.orderBytes === orderBytes) ?? FORMS.list;
    for (const child of children({ memory, from: node, bytes: 0 }, form))
      this.#reachBelow(collection, pageAt(memory, child));
  }

  #checkCollection(forms: readonly Form[], { memory, from, bytes }: Node, isPaged: boolean): void {
    const [first = FORMS.list] = forms;
    if (!isPaged) {
      const root = { memory, from: from + SMALL_HEAD_BYTES, bytes: bytes - SMALL_HEAD_BYTES };
      assert.equal(levelAt(memory, root.from), 0, 'a collection without pages is one leaf');
      assert.ok(entriesAt(memory, root.from) > 0, 'a collection has elements');
      this.#checkNode(first, root, 0);
      return;
    }
    const head = readPagedHead(memory, from);
    const before = this.#reached.size;
    const counts: number[] = [];
    let tree = 0;
    eachRoot(memory, from, from + bytes, (root) => {
      const form = forms[tree++] ?? first;
      const end = root + memory.getUint32(root - TREE_HEAD_BYTES + 4, true);
      const elements = this.#checkNode(form, { memory, from: root, bytes: end - root }, head.collection);
      assert.equal(treeCountAt(memory, root - TREE_HEAD_BYTES), elements, 'the count of a tree');
      counts.push(elements);
      this.#result.height = Math.max(this.#result.height, levelAt(memory, root) + 1);
    });
    assert.equal(tree, forms.length);
    assert.ok(
      counts.every((count) => count === counts[0] && count > 0),
      `${counts.join()} elements`,
    );
    assert.equal(this.#reached.size - before, head.pages, 'the number of pages');
    assert.ok(head.pages > 0);
  }

  /** @returns how many elements are below */
  #checkNode(form: Form, node: Node, collection: number, least?: Bound, most?: Bound): number {
    const { memory, from, bytes } = node;
    const entries = entriesAt(memory, from);
    assert.ok(bytes <= this.#nodeBytes || entries === 1, `${bytes} bytes in ${entries} entries`);
    if (levelAt(memory, from) === 0) return this.#checkLeaf(form, node, least, most);
    assert.ok(entries > 0, 'an inner node has children');
    let sum = 0;
    const list = children(node, form);
    assert.equal(
      list.length === 0 ? 0 : childEnd(memory, list.at(-1) ?? 0, form),
      from + bytes,
      'children end with the node',
    );
    list.forEach((child, index) => {
      const below = this.#reach(collection, pageAt(memory, child));
      assert.equal(levelAt(below.memory, below.from), levelAt(memory, from) - 1, 'levels go down by one');
      const low = index === 0 ? least : this.#bound(form, memory, child, collection);
      const next = list[index + 1];
      const high = next === undefined ? most : this.#bound(form, memory, next, collection);
      const elements = this.#checkNode(form, below, collection, low, high);
      assert.equal(childCountAt(memory, child), elements, 'the count of a child');
      sum += elements;
    });
    return sum;
  }

  #bound(form: Form, memory: DataView, child: number, collection: number): Bound | undefined {
    if (form.orderBytes === 0) return undefined;
    const order = childOrderAt(memory, child, form);
    if (!isByReference(memory, child, form)) {
      const from = separatorBytesAt(child, form);
      return { order, memory, from, length: childEnd(memory, child, form) - from };
    }
    let node = this.#pages.get(`${collection} ${pageAt(memory, child)}`);
    while (node !== undefined && levelAt(node.memory, node.from) > 0) {
      node = this.#pages.get(`${collection} ${pageAt(node.memory, node.from + NODE_HEAD_BYTES)}`);
    }
    assert.ok(node !== undefined);
    const element = new Element();
    element.read(node.memory, node.from + NODE_HEAD_BYTES, form);
    assert.ok(element.order >= order);
    return { order: element.order, memory: element.memory, from: element.member, length: element.memberLength };
  }

  #checkLeaf(form: Form, { memory, from, bytes }: Node, least?: Bound, most?: Bound): number {
    const element = new Element();
    let at = from + NODE_HEAD_BYTES;
    let before = least;
    const entries = entriesAt(memory, from);
    for (let index = 0; index < entries; index++) {
      element.read(memory, at, form);
      const bound = { order: element.order, memory, from: element.member, length: element.memberLength };
      if (form.orderBytes > 0 && before !== undefined) {
        const isRight = compare(before, bound);
        assert.ok(index === 0 ? isRight <= 0 : isRight < 0, 'elements are in order, from their separator on');
      }
      before = bound;
      at = element.end;
    }
    assert.equal(at, from + bytes, 'elements end with the leaf');
    if (form.orderBytes > 0 && before !== undefined && most !== undefined && entries > 0) {
      assert.ok(compare(before, most) < 0, 'elements are below the next separator');
    }
    return entries;
  }
}

function compare(a: Bound, b: Bound): number {
  return a.order === b.order ? compareBytes(a.memory, a.from, a.length, b.memory, b.from, b.length) : a.order - b.order;
}

function children({ memory, from }: Node, form: Form): number[] {
  const found: number[] = [];
  let child = from + NODE_HEAD_BYTES;
  for (let index = 0; index < entriesAt(memory, from); index++) {
    found.push(child);
    child = childEnd(memory, child, form);
  }
  return found;
}
