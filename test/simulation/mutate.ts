/** Builds the simulator with a mutant in it, and counts the seeds until it is caught. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { SourceMapPayload } from 'node:module';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import type { Bundle } from './coverage/blocks.ts';
import type { Draw } from './draw.ts';
import type { Mutant } from './mutants/index.ts';
import type * as run from './run.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = path.join(ROOT, 'node_modules', '.cache');

/** Marks an import that is being resolved already. */
const SHAKEN = {};

export type Simulator = Pick<typeof run, 'runSeed'>;

/** The simulator as one plain module, which is fast, with a mutant's changes applied while its sources are read. */
export async function buildSimulator(
  mutant: Mutant = { name: 'none', changes: [] },
): Promise<Simulator & { readonly bundle: Bundle }> {
  const applied = new Set<string>();
  /** What only programs need, loggers and sockets, is left out: no module of the rooms does anything when it is imported. */
  const shake: esbuild.Plugin = {
    name: 'shake',
    setup(build) {
      build.onResolve({ filter: /^(@dpr\/|\.)/ }, async ({ path: name, pluginData, ...from }) => {
        if (pluginData === SHAKEN) return undefined;
        const resolved = await build.resolve(name, { ...from, pluginData: SHAKEN });
        return { ...resolved, sideEffects: false };
      });
    },
  };
  const mutate: esbuild.Plugin = {
    name: 'mutate',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
        let text = await readFile(file, 'utf8');
        for (const one of mutant.changes) {
          if (path.relative(ROOT, file) !== one.file) continue;
          if (text.split(one.find).length !== 2) {
            throw new Error(`mutant '${mutant.name}': ${one.file} does not hold exactly once: ${one.find}`);
          }
          text = text.replace(one.find, () => one.replace);
          applied.add(one.find);
        }
        return { contents: text, loader: 'ts' };
      });
    },
  };
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(path.join(CACHE, 'simulator-'));
  const outfile = path.join(directory, 'run.mjs');
  try {
    await esbuild.build({
      entryPoints: [path.join(ROOT, 'test/simulation/run.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      sourcemap: 'external',
      plugins: [shake, mutate],
    });
    const missed = mutant.changes.find(({ find }) => !applied.has(find));
    if (missed) throw new Error(`mutant '${mutant.name}': ${missed.file} is not part of the simulator`);
    const url = pathToFileURL(outfile).href;
    const { runSeed } = (await import(url)) as Simulator;
    const map = JSON.parse(await readFile(`${outfile}.map`, 'utf8')) as SourceMapPayload;
    return { runSeed, bundle: { url, text: await readFile(outfile, 'utf8'), map, directory } };
  } finally {
    await rm(directory, { recursive: true });
  }
}

export interface Catch {
  /** Of which worlds its seeds are. */
  readonly draw: Draw;
  /** How many seeds it took; undefined if none of them caught it. */
  readonly seeds: number | undefined;
  readonly violation: string;
}

/** Run seeds from `first` on until one is violated, `limit` at most. @param draw of which worlds */
export async function hunt({ runSeed }: Simulator, draw: Draw, first: number, limit: number): Promise<Catch> {
  for (let seeds = 1; seeds <= limit; seeds++) {
    const { violation } = await runSeed(first + seeds - 1, { draw });
    if (violation !== undefined) return { draw, seeds, violation };
    await nextTurn(); // so that the process hears when its command has ended
  }
  return { draw, seeds: undefined, violation: '' };
}
