/** Walks over a tree whose elements are ordered by the hashes of their members, for what is told of many of them. */
import { MAX_BATCH_BYTES } from '@dpr/runtime';
import type { BatchReader } from '../batch-reader.ts';
import { createDraw, drawRanks } from '../draw.ts';
import { Glob } from '../glob.ts';
import { VALUE_LENGTH_BYTES } from '../operations.ts';
import type { ResultWriter } from '../result-writer.ts';
import type { Tree } from './tree.ts';

/** Adds what is told of the element at the position to the items of a result. @returns false when there is no room for it */
export type AddElement = () => boolean;

/** A result has no room for more items than this, however short they are. */
const MAX_ITEMS = MAX_BATCH_BYTES / VALUE_LENGTH_BYTES;

/** All elements. @returns false when there is no room for one of them */
export function addAll({ position }: Tree, add: AddElement): boolean {
  for (let isThere = position.seekRank(0); isThere; isThere = position.next()) if (!add()) return false;
  return true;
}

/**
 * So many different elements, each choice as likely as any other; all, if there are no more. Fewer than none: that many, drawn one by one, so
 * that some may come more than once.
 * @returns false when there is no room for one of them
 */
export function addDrawn(tree: Tree, count: number, seed: number, add: AddElement): boolean {
  if (count >= tree.count) return addAll(tree, add);
  if (Math.abs(count) > MAX_ITEMS) return false;
  const draw = createDraw(seed);
  const drawn = count >= 0 ? drawRanks(draw, count, tree.count) : undefined;
  for (let index = 0; index < Math.abs(count); index++) {
    tree.position.seekRank(drawn?.[index] ?? Math.floor(draw() * tree.count));
    if (!add()) return false;
  }
  return true;
}

/**
 * About `second` of the reader's operation, from position `first` on, of those whose member fits the pattern that is its value. Positions are
 * hashes, which no change of others moves, and elements with the same one are in the same page: one that is there all the way is met.
 * @returns whether it fits: not if there is no room for those with the first hash
 */
export function addPage(tree: Tree, reader: BatchReader, results: ResultWriter, add: AddElement): boolean {
  const { kind, memory, value, valueLength, first, second } = reader;
  results.beginItems(kind, true);
  const next = fillPage(tree, new Glob(memory, value, valueLength), first, second, results, add);
  if (next === undefined) results.dropItems(kind);
  else results.endItems(next);
  return next !== undefined;
}

/** @returns where the next page begins, 0: there is none; undefined: nothing fits */
function fillPage(
  { position }: Tree,
  glob: Glob,
  from: number,
  count: number,
  results: ResultWriter,
  add: AddElement,
): number | undefined {
  const { element } = position;
  let left = count;
  let isFirst = true;
  let [order, items, end] = [-1, 0, 0];
  for (let isThere = position.seekOrder(from); isThere; isThere = position.next()) {
    if (element.order !== order) {
      if (left <= 0) return element.order;
      isFirst = order < 0;
      [order, items, end] = [element.order, results.items, results.itemsEnd];
    }
    left--;
    if (!glob.isAll && !glob.fits(element.memory, element.member, element.memberLength)) continue;
    if (add()) continue;
    results.cutItems(items, end);
    return isFirst ? undefined : order;
  }
  return 0;
}
