/** Operations on lists: collections whose elements lie where they were put. */
import type { BatchReader } from '../batch-reader.ts';
import { NODE_BYTES } from '../collections/collection.ts';
import type { Keyspace } from '../engine/index.ts';
import type { ResultWriter } from '../result-writer.ts';
import { LIST_KINDS, MAX_COMPARED_ELEMENTS } from '../operations/lists.ts';
import { Move, pop, popFirst } from './list-pops.ts';
import { Positions, tellElement, tellRange } from './list-reads.ts';
import { insertBeside, push, removeLike, setElement, trim } from './list-writes.ts';
import { OpenList } from './open-list.ts';

export class Lists {
  readonly #reader: BatchReader;
  readonly #list: OpenList;
  readonly #positions: Positions;
  readonly #move: Move;

  /** @param nodeBytes of a node of their trees @param maxCompared elements for one operation */
  constructor(
    reader: BatchReader,
    results: ResultWriter,
    nodeBytes = NODE_BYTES,
    maxCompared: number = MAX_COMPARED_ELEMENTS,
  ) {
    this.#reader = reader;
    this.#list = new OpenList(reader, results, nodeBytes, maxCompared);
    this.#positions = new Positions(this.#list);
    this.#move = new Move(this.#list, new OpenList(reader, results, nodeBytes, maxCompared));
  }

  /** Perform the present operation on the key that was sought. @returns whether its result fits; if not, nothing was changed */
  perform(keyspace: Keyspace): boolean {
    const list = this.#list;
    switch (this.#reader.kind) {
      case LIST_KINDS.listPush:
        return push(list, keyspace);
      case LIST_KINDS.listPop:
        return pop(list, keyspace);
      case LIST_KINDS.listIndex:
        return tellElement(list, keyspace);
      case LIST_KINDS.listSet:
        return setElement(list, keyspace);
      case LIST_KINDS.listRange:
        return tellRange(list, keyspace);
      case LIST_KINDS.listInsert:
        return insertBeside(list, keyspace);
      case LIST_KINDS.listRemove:
        return removeLike(list, keyspace);
      case LIST_KINDS.listTrim:
        return trim(list, keyspace);
      case LIST_KINDS.listPositions:
        return this.#positions.tell(keyspace);
      case LIST_KINDS.listMove:
        return this.#move.move(keyspace);
      default:
        return popFirst(list, keyspace);
    }
  }
}
