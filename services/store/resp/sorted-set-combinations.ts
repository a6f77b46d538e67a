/** Commands on several sorted sets, or sets. */
import { type Arguments, type CommandBatch, type DataCommand, NO_KEYS, type ResultStep, syntaxError } from '@dpr/resp';
import { AGGREGATE, COMBINE, FROM_LAST, OPTIONS, SORTED_SET_KINDS, WITH_SCORES } from '../operations.ts';
import { SCORED_HEAD_BYTES } from '../sorted-sets/scored-items.ts';
import { countOf, firstPopOf } from './counts.ts';
import { ONE_KEY, reads, readsCounted, writes } from './data-command.ts';
import { checkKey, NO_KEY, writeBeforeValue, writeFirstPop, writeScoredItem } from './operation-writer.ts';
import { count, members, pairs, poppedOf } from './sorted-set-steps.ts';
import { scoreOf, sourceCountOf } from './sorted-set-words.ts';

const KINDS = SORTED_SET_KINDS;
const DESTINATION = 1;

const AGGREGATES: Readonly<Record<string, number>> = { SUM: AGGREGATE.sum, MIN: AGGREGATE.min, MAX: AGGREGATE.max };

export const SORTED_SET_COMBINATIONS: readonly DataCommand[] = [
  tells('zunion', 'The union of sorted sets.', COMBINE.union),
  tells('zinter', 'The intersection of sorted sets.', COMBINE.intersection),
  tells('zdiff', 'What the first of some sorted sets has alone.', COMBINE.difference),
  stores('zunionstore', 'Writes the union of sorted sets.', COMBINE.union),
  stores('zinterstore', 'Writes the intersection of sorted sets.', COMBINE.intersection),
  stores('zdiffstore', 'Writes what the first of some sorted sets has alone.', COMBINE.difference),
  readsCounted('zintercard', -3, 'How many elements all of these sorted sets have.', interCard),
  withMovableKeys(writes('zmpop', -4, NO_KEYS, 'Takes elements out of the first sorted set that has any.', multiPop)),
];

function withMovableKeys(command: DataCommand): DataCommand {
  return { ...command, flags: [...command.flags, 'movablekeys'] };
}

function tells(name: string, summary: string, how: number): DataCommand {
  const command = reads(name, -3, NO_KEYS, summary, (words, batch) => {
    const said = sourcesOf(words, 1, name, how, true);
    const options = OPTIONS.inOrder | (said.withScores ? WITH_SCORES : 0);
    writeSources(batch, KINDS.combine, options | said.options, words, NO_KEY, said, said.withScores ? pairs : members);
  });
  return withMovableKeys(command);
}

function stores(name: string, summary: string, how: number): DataCommand {
  const command = writes(name, -4, ONE_KEY, summary, (words, batch) => {
    const said = sourcesOf(words, 2, name, how, false);
    writeSources(batch, KINDS.combineStore, said.options, words, DESTINATION, said, count);
  });
  return withMovableKeys(command);
}

interface Sources {
  /** The first of them among the words, and how many there are. */
  readonly first: number;
  readonly keys: number;
  readonly weights: readonly number[];
  readonly options: number;
  readonly withScores: boolean;
}

/** @param at the word that says how many keys there are @throws CommandError */
function sourcesOf(words: Arguments, at: number, name: string, how: number, mayHaveScores: boolean): Sources {
  const keys = sourceCountOf(words, at, name);
  const first = at + 1;
  let weights: number[] = [];
  let aggregate: number = AGGREGATE.sum;
  let withScores = false;
  const isDifference = how === COMBINE.difference;
  for (let next = first + keys; next < words.count; next++) {
    const word = words.word(next);
    if (!isDifference && word === 'WEIGHTS' && next + keys < words.count) {
      weights = [];
      for (let key = 0; key < keys; key++) weights.push(scoreOf(words, ++next, 'ERR weight value is not a float'));
    } else if (!isDifference && word === 'AGGREGATE' && next + 1 < words.count) {
      const name = words.word(++next);
      const said = Object.hasOwn(AGGREGATES, name) ? AGGREGATES[name] : undefined;
      if (said === undefined) throw syntaxError();
      aggregate = said;
    } else if (mayHaveScores && word === 'WITHSCORES') withScores = true;
    else throw syntaxError();
  }
  return { first, keys, weights, options: how | aggregate, withScores };
}

function writeSources(
  batch: CommandBatch,
  kind: number,
  options: number,
  words: Arguments,
  key: number,
  { first, keys, weights }: Sources,
  step: ResultStep,
  limit?: number,
): void {
  let bytes = 0;
  for (let source = first; source < first + keys; source++) {
    checkKey(words, source);
    bytes += SCORED_HEAD_BYTES + words.length(source);
  }
  let at = writeBeforeValue(batch, kind, options, words, key, bytes, step, limit);
  for (let source = first; source < first + keys; source++) {
    at = writeScoredItem(batch, at, weights[source - first] ?? 1, words, source);
  }
}

function interCard(words: Arguments, batch: CommandBatch): void {
  const keys = sourceCountOf(words, 1, 'zintercard');
  let limit = 0;
  for (let at = 2 + keys; at < words.count; at += 2) {
    if (words.word(at) !== 'LIMIT' || at + 1 === words.count) throw syntaxError();
    limit = countOf(words, at + 1, 0, "ERR LIMIT can't be negative");
  }
  const sources = { first: 2, keys, weights: [], options: 0, withScores: false };
  writeSources(batch, KINDS.intersectionCount, 0, words, NO_KEY, sources, count, limit);
}

function multiPop(words: Arguments, batch: CommandBatch): void {
  const { end, count: most } = firstPopOf(words, ['MIN', 'MAX']);
  const options = OPTIONS.inOrder | (words.word(end) === 'MAX' ? FROM_LAST : 0);
  writeFirstPop(batch, KINDS.pop, options, words, end, poppedOf, most);
}
