/** Reads all that a store holds out of its memory, without an operation: operations move its clock, and remove pages. */
import { TYPES, type Engine } from '@dpr/store/engine';
import { Collection } from '../../../services/store/collections/collection.ts';
import { FORMS } from '../../../services/store/collections/node.ts';
import { readChunk } from '../../../services/store/engine/chunk.ts';
import { deadlineAt, isKeyAt, isPagedAt, keyAt, keyLengthAt, kindAt } from '../../../services/store/engine/records.ts';
import type { Contents, Entry, TypeName } from './contents.ts';

/** Bytes are texts of a letter each. */
function latin({ buffer, byteOffset }: DataView, from: number, length: number): string {
  return Buffer.from(buffer, byteOffset + from, length).toString('latin1');
}

/** All records of a state, as one slice of its base. */
export function recordsOf(engine: Engine): Uint8Array {
  const { bytes, next } = engine.base(0, Infinity);
  if (next !== undefined) throw new Error('a simulated store has more records than fit into a slice');
  return bytes;
}

export interface Dump {
  readonly contents: Contents;
  /** The keys whose collections have pages. */
  readonly paged: ReadonlySet<string>;
}

const TYPE_NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [type, name])) as Readonly<
  Record<number, TypeName>
>;

/** @param nodeBytes the store's */
export function createDumper(nodeBytes: number): (engine: Engine) => Dump {
  const collections = {
    hash: new Collection([FORMS.hash], nodeBytes),
    list: new Collection([FORMS.list], nodeBytes),
    set: new Collection([FORMS.set], nodeBytes),
    sortedSet: new Collection([FORMS.scores, FORMS.hash], nodeBytes),
  };

  function valueOf({ keyspace }: Engine, type: TypeName): Entry['value'] {
    if (type === 'string') return latin(keyspace.value, keyspace.valueFrom, keyspace.valueLength);
    const collection = collections[type];
    collection.open(keyspace);
    const elements: [member: string, value: string, score: number][] = [];
    const { position } = collection.tree;
    for (let isThere = position.seekRank(0); isThere; isThere = position.next()) {
      const { memory, member, memberLength, value, valueLength, order } = position.element;
      elements.push([latin(memory, member, memberLength), latin(memory, value, valueLength), order]);
    }
    if (type === 'list') return elements.map(([member]) => member);
    if (type === 'set') return new Set(elements.map(([member]) => member));
    if (type === 'hash') return new Map(elements.map(([member, value]) => [member, value]));
    return new Map(elements.map(([member, , score]) => [member, score]));
  }

  return (engine) => {
    const contents = new Map<string, Entry>();
    const paged = new Set<string>();
    const records = recordsOf(engine);
    if (records.length === 0) return { contents, paged };
    readChunk(records, (view, at) => {
      // A paged collection is in the base even where its time is over.
      if (!isKeyAt(view, at) || !engine.keyspace.isVisible(view, at)) return;
      const [from, length] = [keyAt(view, at), keyLengthAt(view, at)];
      const key = latin(view, from, length);
      engine.keyspace.seek(view, from, length);
      const type = TYPE_NAMES[kindAt(view, at)] ?? 'string';
      contents.set(key, { type, value: valueOf(engine, type), deadline: deadlineAt(view, at) } as Entry);
      if (isPagedAt(view, at)) paged.add(key);
    });
    return { contents, paged };
  };
}
