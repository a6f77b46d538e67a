// Packs what others build on, as npm packages in dist/packages: `@dpr/runtime`, the harness of worker types, `@dpr/client`,
// `@dpr/opentelemetry`, which traces it, and `@dpr/infra`, the Pulumi components. Each is plain JavaScript, for `import` and for `require`, with its types, and runs on any Node
// that the project runs on.
//   npm run packages && npm install dist/packages/dpr-runtime-0.1.0.tgz
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { readOptions } from './options.mjs';
import { PUBLISHED } from './packages/published.mjs';

/** @typedef {import('./packages/published.mjs').Package} Package */

export const ALL = /** @type {(keyof typeof PUBLISHED)[]} */ (Object.keys(PUBLISHED));

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where the packages go: a folder for each, and beside it the folder packed. */
export const PACKAGES = path.join(ROOT, 'dist/packages');

/** Where the declarations are that those of packages are made of, and the reports of these. */
const DECLARATIONS = path.join(ROOT, 'dist/declarations');

/**
 * @typedef {{ name: string, folder: string, archive: string, reports: Record<string, string> }} Built
 * archive: the folder as npm packs it; reports: the files that tell all that an entry exports, by names for them
 */

/** @typedef {{ version: string, license: string, engines: object }} Own what every package has of the project's own manifest */

/**
 * @typedef {object} Room what a room's package.json says of its dependencies
 * @property {object} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 */

/**
 * Builds packages anew.
 * @template {keyof typeof PUBLISHED} Short
 * @param {readonly Short[]} shorts which, by their folders
 * @returns {Promise<Record<Short, Built>>} by folder
 */
export async function buildPackages(shorts) {
  const esbuild = await import('esbuild');
  const { declare } = await import('./packages/types.mjs');
  const own = /** @type {Own} */ (JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')));
  for (const folder of [PACKAGES, DECLARATIONS]) await rm(folder, { recursive: true, force: true });
  const entries = shorts.flatMap((short) => Object.values(PUBLISHED[short].entries));
  await declare(ROOT, entries, DECLARATIONS);
  const built = /** @type {Record<Short, Built>} */ ({});
  for (const short of shorts) built[short] = await build(short, PUBLISHED[short], own);
  await esbuild.stop();
  return built;
}

/**
 * @param {string} short its name without that of the project
 * @param {Package} published
 * @param {Own} own
 * @returns {Promise<Built>}
 */
async function build(short, published, own) {
  const { programFile, writeModules } = await import('./packages/modules.mjs');
  const { noticesOf } = await import('./packages/notices.mjs');
  const { rollUp } = await import('./packages/types.mjs');
  const folder = path.join(PACKAGES, short);
  await mkdir(folder, { recursive: true });
  const metafiles = await writeModules(published, ROOT, folder);
  const command = programFile(published);
  if (command !== undefined) await makeCommand(path.join(folder, command));
  /** @type {Record<string, string>} */
  const reports = {};
  /** @type {Set<string>} */
  const libraries = new Set();
  for (const [subpath, entry] of Object.entries(published.entries)) {
    const report = path.join(DECLARATIONS, `${path.posix.join(short, subpath).replaceAll('/', '-')}.api.md`);
    const target = path.join(folder, typesOf(subpath));
    const named = await rollUp({
      root: ROOT,
      declared: DECLARATIONS,
      entry,
      packageName: `@dpr/${short}`,
      target,
      report,
    });
    for (const library of named) libraries.add(library);
    reports[path.basename(report)] = report;
  }
  const manifest = await manifestOf(short, published, own, libraries);
  await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await copyFile(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  await copyFile(path.join(ROOT, published.readme), path.join(folder, 'README.md'));
  const notices = noticesOf(metafiles, ROOT);
  if (notices !== undefined) await writeFile(path.join(folder, 'THIRD-PARTY-NOTICES.md'), notices);
  return { name: manifest.name, folder, archive: pack(folder), reports };
}

/**
 * @param {string} short
 * @param {Package} published
 * @param {Own} own
 * @param {ReadonlySet<string>} libraries whose types its declarations name
 */
async function manifestOf(short, published, own, libraries) {
  const { MODULE, moduleName, programFile } = await import('./packages/modules.mjs');
  const { room, description, entries, program, isBundled, peers } = published;
  const text = await readFile(path.join(ROOT, room, 'package.json'), 'utf8');
  const { dependencies, peerDependencies = {}, peerDependenciesMeta = {} } = /** @type {Room} */ (JSON.parse(text));
  const optional = peers.filter((peer) => peerDependenciesMeta[peer]?.optional === true);
  const needsNode = [...libraries].some((library) => library.startsWith('node:'));
  const needed = { ...(isBundled ? {} : dependencies), ...(needsNode ? { '@types/node': '*' } : {}) };
  const exported = Object.entries(entries).map(([subpath, entry]) => {
    const types = `./${typesOf(subpath)}`;
    const module = `./${moduleName(published, entry)}`;
    return /** @type {const} */ ([
      subpath,
      {
        import: { types: `${types}.d.ts`, default: `${module}${MODULE.esm}` },
        require: { types: `${types}.d.cts`, default: `${module}${MODULE.cjs}` },
      },
    ]);
  });
  const main = exported.find(([subpath]) => subpath === '.')?.[1].require;
  return {
    name: `@dpr/${short}`,
    version: own.version,
    description,
    license: own.license,
    type: 'module',
    engines: own.engines,
    ...(main === undefined ? {} : { main: main.default, types: main.types }), // for tools that know no exports
    exports: { ...Object.fromEntries(exported), './package.json': './package.json' },
    ...(program === undefined ? {} : { bin: { [program.name]: programFile(published) } }),
    ...(Object.keys(needed).length === 0 ? {} : { dependencies: needed }),
    ...(peers.length === 0
      ? {}
      : { peerDependencies: Object.fromEntries(peers.map((peer) => [peer, peerDependencies[peer]])) }),
    ...(optional.length === 0
      ? {}
      : { peerDependenciesMeta: Object.fromEntries(optional.map((peer) => [peer, { optional: true }])) }),
  };
}

/**
 * Where the declarations of an entry are below the package's folder, without their ending.
 * @param {string} subpath
 */
function typesOf(subpath) {
  return `types/${subpath === '.' ? 'index' : path.posix.normalize(subpath)}`;
}

/** @param {string} file a program, to be run by its own name */
async function makeCommand(file) {
  await writeFile(file, `#!/usr/bin/env node\n${await readFile(file, 'utf8')}`);
  await chmod(file, 0o755);
}

/**
 * @param {string} folder
 * @returns {string} the path of the archive
 */
function pack(folder) {
  const { error, status, stdout } = spawnSync('npm', ['pack', '--json', '--pack-destination', PACKAGES], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0) throw new Error('npm pack failed, for the reason above');
  const [packed] = /** @type {{ filename: string }[]} */ (JSON.parse(stdout));
  return path.join(PACKAGES, packed?.filename ?? '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const help =
    'Packs @dpr/runtime, @dpr/client, @dpr/opentelemetry and @dpr/infra, for programs outside this repository, and prints where\n' +
    'the packages are.\n' +
    '  --json  print what was packed: name, folder, archive';
  const { json } = readOptions(
    'npm run packages --',
    help,
    /** @type {const} */ ({
      json: { type: 'boolean', default: false },
    }),
  );
  ensureInstalled({ withTools: true });
  const packed = Object.values(await buildPackages(ALL));
  if (json) process.stdout.write(`${JSON.stringify(packed)}\n`);
  else for (const { archive } of packed) process.stdout.write(`${archive}\n`);
}
