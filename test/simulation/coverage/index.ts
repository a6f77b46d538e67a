/** Which blocks of the core and of storage a run reached. */
import { buildSimulator, ROOT, type Simulator } from '../mutate.ts';
import { blocksOf } from './blocks.ts';
import type { Reached } from './missed-blocks.ts';
import { startProfile } from './profile.ts';

export { judge, readExcuses, type Branches, type Reached } from './missed-blocks.ts';

const ROOMS = ['services/core/', 'services/runtime/storage/'];

export type CountingSimulator = Simulator & { readonly reached: () => Promise<Reached[]> };

/** A simulator that counts. Its blocks are in the same order in every process. */
export async function buildCountingSimulator(): Promise<CountingSimulator> {
  const profile = await startProfile();
  const { runSeed, bundle } = await buildSimulator();
  return {
    runSeed,
    async reached() {
      const counts = await profile.countsOf(bundle.url, bundle.text.length);
      const blocks = blocksOf(bundle, ROOT, (file) => ROOMS.some((room) => file.startsWith(room)));
      return blocks.map(({ at, ...block }) => ({ ...block, times: counts[at] ?? 0 }));
    },
  };
}

/** What several processes reached together. */
export function addReached(a: readonly Reached[], b: readonly Reached[]): Reached[] {
  if (a.length === 0) return [...b];
  if (a.length !== b.length) throw new Error('the processes ran different programs');
  return a.map((block, at) => ({ ...block, times: block.times + (b[at]?.times ?? 0) }));
}
