/** In how a store keeps its versions, undoes them, writes them and loads them. */
import { change, mutant, type Mutant } from './mutant.ts';

const ENGINE = 'services/store/engine';
const HISTORY = `${ENGINE}/history.ts`;
const KEYSPACE = `${ENGINE}/keyspace.ts`;
const CHUNK = `${ENGINE}/chunk.ts`;
const LOADING = `${ENGINE}/loading.ts`;
const REAPER = `${ENGINE}/reaper.ts`;
const SLICES = `${ENGINE}/base-slices.ts`;
const STORE_ENGINE = `${ENGINE}/engine.ts`;
const REWRITER = 'services/store/rewriter.ts';
const TEARDOWN = 'services/store/collections/teardown.ts';

export const STORE_MUTANTS: readonly Mutant[] = [
  mutant(
    '320 an undo leaves a key removed that the version had removed',
    HISTORY,
    '        this.#index.replace(hash, record, previous);\n',
    '        if (!version.isRemoved(place)) this.#index.replace(hash, record, previous);\n',
  ),
  mutant(
    '321 a rolled back version gives back the records from before it too',
    HISTORY,
    '      arena.free(version.record(place));\n      return;\n',
    '      arena.free(version.record(place));\n      if (version.previous(place) !== 0) arena.free(version.previous(place));\n      return;\n',
  ),
  mutant(
    '322 a key is reaped once its time is over, though a rollback may go back to before',
    REAPER,
    'const isOver = deadline <= history.committed.clock && history.isUnreferenced(address);',
    'const isOver = deadline <= progress.clock && history.isUnreferenced(address);',
  ),
  mutant(
    '323 a key is reaped although a version that may be undone wrote it',
    REAPER,
    'deadline <= history.committed.clock && history.isUnreferenced(address);',
    'deadline <= history.committed.clock;',
  ),
  mutant(
    '324 a rollback leaves the clock where it is',
    HISTORY,
    '    Object.assign(this.#progress, before);\n',
    '    Object.assign(this.#progress, before, { clock: this.#progress.clock });\n',
  ),
  mutant(
    '325 a checkpoint does not hold the clock',
    CHUNK,
    '    view.setFloat64(CLOCK, clock, true);\n',
    '    view.setFloat64(CLOCK, clock === 0 ? 1 : 0, true);\n',
  ),
  mutant(
    '326 the counts of keys stay where they are when a version is undone',
    HISTORY,
    '    Object.assign(this.#progress, before);\n',
    '    Object.assign(this.#progress, before, { keys: this.#progress.keys });\n',
  ),
  mutant(
    '327 a slice of the base ends with the home that it was full in',
    SLICES,
    '      if (!chunk.add(address, other)) return other;\n',
    '      if (!chunk.add(address, other)) return index.nextHome(hash);\n',
  ),
  mutant(
    '328 changes leave out what was removed',
    HISTORY,
    'while (place < version.length && this.#chunk.add(version.record(place))) place++;',
    'while (place < version.length && (version.isRemoved(place) || this.#chunk.add(version.record(place)))) place++;',
  ),
  mutant(
    '329 loading keeps what a later version removed',
    LOADING,
    '      this.#remove(hash, index.find(',
    '      if (hiddenAt(view, at) === 0) this.#remove(hash, index.find(',
  ),
  mutant(
    '330 loading keeps pages that a later version removed',
    LOADING,
    '      this.#remove(hash, index.find(',
    '      if (hiddenAt(view, at) !== 0) this.#remove(hash, index.find(',
  ),
  mutant(
    '331 removed collections are not looked for, once the queue of them is lost',
    REAPER,
    ' else if (typeAt(memory, at) === HIDDEN_TYPES.doomed) doomed.add(hash);',
    '',
    change(
      REAPER,
      "import { deadlineAt, HIDDEN_TYPES, isPagedAt, PLACE_BYTES, sizeAt, typeAt } from './records.ts';",
      "import { deadlineAt, isPagedAt, PLACE_BYTES, sizeAt } from './records.ts';",
    ),
  ),
  mutant(
    '332 a page is written where it lies, though its version is sealed',
    KEYSPACE,
    '    if (this.history.isOpen(cursor.address)) return;\n    const address = this.#begin(',
    '    if (this.history.isOpen(cursor.address) || cursor.hidden !== 0) return;\n    const address = this.#begin(',
  ),
  mutant(
    '333 the copy of a key has no deadline',
    REWRITER,
    '    if (!this.#write(keyspace, deadline, recordType)) return STATUS.full;\n    if (!isMove)',
    '    if (!this.#write(keyspace, isMove ? deadline : 0, recordType)) return STATUS.full;\n    if (!isMove)',
  ),
  mutant(
    '334 a loaded store goes on with revisions from its last chunk alone',
    STORE_ENGINE,
    'progress.revision = Math.max(progress.revision, revision);',
    'progress.revision = Math.max(1, revision - 1);',
  ),
  mutant(
    '335 a rollback undoes what is sealed, and not what is open',
    HISTORY,
    '    this.#undo(this.#open);\n    let before',
    '    this.#releasing.push(this.#open);\n    let before',
  ),
  mutant(
    '336 a copy of a paged collection shares its pages',
    REWRITER,
    '    if (isPaged && !isMove) return this.#copyPaged(keyspace, deadline, recordType);\n',
    '',
  ),
  mutant(
    '337 the pages of a collection that is written over stay',
    KEYSPACE,
    '  overwrite(content: Content): void {\n    this.#doomUnless(content);\n',
    '  overwrite(content: Content): void {\n',
  ),
  mutant(
    '338 what was removed and committed is not erased',
    HISTORY,
    '      this.#index.erase(version.hash(place), record);\n      arena.free(record);\n    } else {',
    '      arena.free(record);\n    } else {',
  ),
  mutant(
    '339 what is left of a removed collection is written with its first page alone',
    TEARDOWN,
    '    writeTorn(to, this.#pages.collection, this.#left);\n',
    '    writeTorn(to, this.#pages.collection, this.#left.slice(0, 1));\n',
  ),
];
