/** The store as a subject of random steps whose texts are fields of a few hashes, in nodes as small as they may be. */
import { createStore } from '@dpr/store';
import {
  decodeResults,
  type HashEntry,
  readItems,
  sizeOfHashFields,
  sizeOfHashSet,
  writeHashDelete,
  writeHashGet,
  writeHashSet,
} from '@dpr/store/operations';
import type { Subject } from '../runtime/incremental/random-steps.ts';
import { SMALL_HEAD_BYTES } from '../../services/store/collections/head.ts';
import { Element, entriesAt, FORMS, levelAt, NODE_HEAD_BYTES } from '../../services/store/collections/node.ts';
import { MIN_NODE_BYTES } from '../../services/store/collections/tree.ts';
import { readChunk } from '../../services/store/engine/chunk.ts';
import { HIDDEN_TYPES, TYPES, typeAt, valueAt } from '../../services/store/engine/records.ts';
import { encoded } from './calls.ts';

const HASHES = 3;

/** Which hash a field is in: the last one has few. */
function hashOf(field: string): string {
  const number = Number(field.split(' ')[1]);
  return `hash ${number % 10 === 0 ? HASHES : number % (HASHES - 1)}`;
}

function onField(field: string, write: typeof writeHashGet): Buffer {
  const operation = { key: hashOf(field), fields: [field] };
  return encoded(sizeOfHashFields(operation), (bytes) => write(bytes, 0, operation));
}

function elementsOf(chunk: Uint8Array): [field: string, value: string][] {
  const found: [string, string][] = [];
  if (chunk.length === 0) return found;
  const element = new Element();
  readChunk(chunk, (view, at) => {
    const node = typeAt(view, at) === HIDDEN_TYPES.page ? valueAt(view, at) : valueAt(view, at) + SMALL_HEAD_BYTES;
    const isNode = typeAt(view, at) === HIDDEN_TYPES.page || typeAt(view, at) === TYPES.hash;
    if (!isNode || levelAt(view, node) > 0) return;
    let from = node + NODE_HEAD_BYTES;
    for (let left = entriesAt(view, node); left > 0; left--) {
      element.read(view, from, FORMS.hash);
      const text = (start: number, length: number) =>
        Buffer.from(view.buffer, view.byteOffset + start, length).toString();
      found.push([text(element.member, element.memberLength), text(element.value, element.valueLength)]);
      from = element.end;
    }
  });
  return found;
}

export const hashSubject: Subject = {
  create: () => createStore({ seed: [9, 10], maxBytes: 2 ** 30, tableBits: 3, nodeBytes: MIN_NODE_BYTES }),
  set(field, value) {
    const entries: HashEntry[] = [[field, value]];
    const operation = { key: hashOf(field), entries };
    return encoded(sizeOfHashSet(operation), (bytes) => writeHashSet(bytes, 0, operation));
  },
  delete: (field) => onField(field, writeHashDelete),
  get: (field) => onField(field, writeHashGet),
  value(results) {
    const [value] = readItems(decodeResults(results, 1), 0);
    return value && Buffer.from(value).toString();
  },
  records: elementsOf,
  valueBytes: [0, 1, 20, 60, 300],
  sectionBaseBytes: 6_000, // a change of a field writes its whole node
};
