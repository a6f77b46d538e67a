/** In how sections of an incremental state are made, and how they go back. */
import { RUNTIME_WORKER, change, mutant, type Mutant } from './mutant.ts';

const INCREMENTAL = `${RUNTIME_WORKER}/incremental`;
const CHAIN = `${INCREMENTAL}/chain.ts`;
const SWEEPER = `${INCREMENTAL}/sweeper.ts`;
const SECTIONS = `${INCREMENTAL}/sections.ts`;

export const INCREMENTAL_MUTANTS: readonly Mutant[] = [
  mutant(
    '280 a chain begins one section after its first base slices',
    CHAIN,
    'since: isComplete ? sealed.from : (last?.since ?? version),',
    'since: isComplete ? sealed.from + 1 : (last?.since ?? version),',
  ),
  mutant(
    '281 a sweep ends before it has passed the base',
    CHAIN,
    'const isComplete = sealed !== undefined && sealed.next === undefined;',
    'const isComplete = sealed !== undefined && (sealed.next === undefined || sealed.sections > 2);',
  ),
  mutant(
    '282 a sweep goes on after a rollback from where it was',
    SWEEPER,
    '      isBehind = false; // what was not written was undone\n      open();\n',
    '      isBehind = false;\n      const kept = sweep;\n      open();\n      sweep = kept;\n',
  ),
  mutant(
    '283 base slices of a version that was undone are written with the next one',
    SWEEPER,
    '      isBehind = false; // what was not written was undone\n      open();\n',
    '      isBehind = false;\n      const kept = slices;\n      open();\n      slices = kept;\n',
  ),
  mutant(
    '284 the base slices of a section come after its changes',
    SECTIONS,
    '  for (const slice of slices) addChunk(pieces, slice);\n',
    '',
    change(
      SECTIONS,
      '  return section.isUndone ? undefined : pieces;\n',
      '  for (const slice of slices) addChunk(pieces, slice);\n  return section.isUndone ? undefined : pieces;\n',
    ),
  ),
  mutant(
    '285 a chain goes on from sections that a rollback dropped',
    CHAIN,
    '  chain.links = chain.links.filter((link) => link.version <= version);\n',
    '',
  ),
  mutant(
    '286 what was committed is forgotten, although a rollback may go back to it',
    CHAIN,
    '  const kept = links.findIndex((link) => link.version >= since);\n',
    '  const kept = links.findIndex((link) => link.version > version);\n',
    change(CHAIN, 'const since = links.findLast(', 'links.findLast('),
  ),
  mutant(
    '287 a state that was loaded begins a chain of its own',
    SWEEPER,
    'chain = since === undefined ? createChain() : loadedChain(version, since, sections, bytes);',
    'chain = createChain();',
  ),
  mutant(
    '288 a section takes two base slices at most',
    SWEEPER,
    'const sealed = { slices, link',
    'const sealed = { slices: slices.slice(0, 2), link',
  ),
  mutant('289 a rollback forgets the sections, and not the state', SECTIONS, '      object.rollback(version);\n', ''),
  mutant(
    '290 the undo of a version is given up when it is sealed',
    SECTIONS,
    '      const changes = object.seal(version);\n',
    '      const changes = object.seal(version);\n      object.committed(version);\n',
  ),
  mutant(
    '291 each section says that it is the whole state',
    SECTIONS,
    'return { since: section.link.since,',
    'return { since: version,',
  ),
  mutant(
    '292 what a process read from its volume counts as one section',
    CHAIN,
    'return { links: [{ version, since, sections,',
    'return { links: [{ version, since: version, sections,',
  ),
  mutant('293 a section ends after one turn', SECTIONS, '    if (more) await nextTurn(host);\n', '    more = false;\n'),
  mutant(
    '294 a chunk of changes is asked for and lost where a turn begins',
    SECTIONS,
    '    if (more) await nextTurn(host);\n',
    '    if (more) await nextTurn(host);\n    if (more) changes.next(chunkBytes);\n',
  ),
];
