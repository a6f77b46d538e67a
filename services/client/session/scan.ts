/** Walks over what a store has, page by page. */
import type { Data, ScanOperation } from '@dpr/store/operations';
import type { CallOptions } from '../options.ts';
import type { Outcome } from './outcome.ts';

/** So many are looked at for one page, unless the caller says something else. */
const USUAL_COUNT = 1_000;

export interface ScanOptions extends CallOptions {
  /** What is looked for: `*` any letters, `?` one, `[a-z]` one of these, a backslash the next one as it is. Without it, all. */
  readonly pattern?: Data;
  /** About so many are looked at for one page, 1,000 if nothing is said: a page has those of them that fit the pattern. */
  readonly count?: number;
}

type Page<Item> = { readonly next: number; readonly items: readonly Item[] };

export async function* scanned<Item>(
  page: (operation: ScanOperation, options: CallOptions) => Outcome<Page<Item>>,
  { pattern = '*', count = USUAL_COUNT, ...options }: ScanOptions = {},
): AsyncGenerator<Item, void, undefined> {
  let position = 0;
  do {
    const { next, items } = await page({ pattern, position, count, type: 0 }, options);
    yield* items;
    position = next;
  } while (position !== 0);
}
