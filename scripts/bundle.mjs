// Bundles every program into one plain file in dist/, because a process that is to be back within 250 ms cannot compile
// TypeScript or load hundreds of modules first.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { consolePage } from '../services/console/build-page.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where the bundles go: one file per program, named after its key in PROGRAMS. */
export const DIST = path.join(ROOT, 'dist');

/** What each bundle is made of, as esbuild tells it. */
export const METAFILE = path.join(DIST, 'metafile.json');

/** Every program by the name of its bundle, and the file that it starts in. */
export const PROGRAMS = {
  finder: 'services/finder/main.ts',
  counter: 'services/counter/main.ts',
  store: 'services/store/main.ts',
  ingress: 'services/ingress/main.ts',
  dpr: 'services/client/dpr.ts',
  local: 'services/local/main.ts',
  chaos: 'services/chaos/chaos.ts',
  experiment: 'services/chaos/experiment.ts',
  measure: 'services/chaos/measure.ts',
  conformance: 'services/conformance/main.ts',
  bench: 'services/bench/bench.ts',
  'bench-load': 'services/bench/load/main.ts',
  'bench-echo': 'services/bench/echo.ts',
  'bench-profile-preload': 'services/bench/profile-preload.ts',
  'bench-state': 'services/bench/bench-engine.ts',
  'bench-store': 'services/bench/bench-store.ts',
  'bench-turn-preload': 'services/bench/turn-preload.ts',
  'bench-allocation-preload': 'services/bench/allocation-preload.ts',
};

/** What images of worker types of others are built on, bundled as well. */
const LIBRARIES = { harness: 'services/runtime/public-api.ts' };
const ALL = { ...PROGRAMS, ...LIBRARIES };

// What bundles are made of.
const SOURCES = ['infra', 'services', 'scripts/bundle.mjs', 'package-lock.json'];

/** Some libraries are CommonJS and ask for Node's modules by `require`, which a module has to make for itself. */
const REQUIRE_BANNER = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

/** How everything that Node is to run is bundled. */
export const BUNDLING = /** @satisfies {esbuild.BuildOptions} */ ({
  bundle: true,
  platform: /** @type {const} */ ('node'),
  target: 'node20',
  format: /** @type {const} */ ('esm'),
  banner: { js: REQUIRE_BANNER },
  legalComments: /** @type {const} */ ('none'),
  logLevel: /** @type {const} */ ('warning'),
  plugins: [consolePage],
});

/** Brings the bundles up to date. Several processes may do so at once: a file is always whole, the old or the new. */
export async function bundle() {
  const started = new Date();
  if (newest(SOURCES) < oldestBundle()) return;
  const { outputFiles, metafile } = await esbuild.build({
    ...BUNDLING,
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(Object.entries(ALL).filter(([, file]) => existsSync(path.join(ROOT, file)))),
    outdir: DIST,
    write: false,
    metafile: true,
  });
  await mkdir(DIST, { recursive: true });
  const told = { path: METAFILE, contents: JSON.stringify(metafile) };
  await Promise.all([...outputFiles, told].map((file) => writeWhole(file, started)));
  await esbuild.stop();
}

/**
 * @param {{ path: string, contents: string | Uint8Array }} file
 * @param {Date} started the file's time: a source that was saved while the bundler read makes it old
 */
async function writeWhole(file, started) {
  const own = `${file.path}.${process.pid}`;
  await writeFile(own, file.contents);
  await utimes(own, started, started);
  await rename(own, file.path);
}

/**
 * When one of these files, or of what is in these folders, last changed, in milliseconds. A removed file counts by its
 * folder.
 * @param {string[]} names relative to the root
 */
function newest(names) {
  const times = names.flatMap((name) => {
    const top = path.join(ROOT, name);
    const itself = statSync(top);
    const below = itself.isDirectory() ? readdirSync(top, { recursive: true, encoding: 'utf8' }) : [];
    return [itself, ...below.map((file) => statSync(path.join(top, file), { throwIfNoEntry: false }))];
  });
  return Math.max(...times.map((time) => time?.mtimeMs ?? 0));
}

/** When the oldest bundle was made, in milliseconds; minus infinity while one is missing. */
function oldestBundle() {
  const files = [METAFILE, ...Object.keys(ALL).map((name) => path.join(DIST, `${name}.js`))];
  const times = files.map((file) => statSync(file, { throwIfNoEntry: false }));
  return Math.min(...times.map((time) => time?.mtimeMs ?? -Infinity));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
