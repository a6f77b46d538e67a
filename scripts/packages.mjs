// Packs what others build on, as npm packages in dist/packages: `@dpr/runtime`, the harness of worker types, and `@dpr/client`.
// Each is plain JavaScript with its types, needs nothing else, and runs on any Node that the project runs on.
//   npm run packages && npm install dist/packages/dpr-runtime-0.1.0.tgz
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { readOptions } from './options.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where the packages go: a folder for each, and beside it the folder packed. */
export const PACKAGES = path.join(ROOT, 'dist/packages');

/**
 * @typedef {{ entry: string, program?: { name: string, entry: string }, description: string }} Package
 * entry: what it exports; program: a command that it brings
 */

/** @type {Record<string, Package>} by folder and name */
const PUBLISHED = {
  runtime: {
    entry: 'services/runtime/harness.ts',
    description: 'The harness of worker types of a DPR cluster',
  },
  client: {
    entry: 'services/client/index.ts',
    program: { name: 'dpr', entry: 'services/client/dpr.ts' },
    description: 'The client of a DPR cluster',
  },
};

/**
 * @typedef {{ name: string, folder: string, archive: string }} Built
 * archive: the folder as npm packs it
 */

/**
 * Builds every package anew.
 * @returns {Promise<Record<string, Built>>} by folder
 */
export async function buildPackages() {
  const esbuild = await import('esbuild');
  const { BUNDLING } = await import('./bundle.mjs');
  const own = /** @type {{ version: string, license: string, engines: object }} */ (
    JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'))
  );
  await rm(PACKAGES, { recursive: true, force: true });
  /** @type {Record<string, Built>} */
  const built = {};
  for (const [short, { entry, program, description }] of Object.entries(PUBLISHED)) {
    const folder = path.join(PACKAGES, short);
    await mkdir(folder, { recursive: true });
    await esbuild.build({
      ...BUNDLING,
      absWorkingDir: ROOT,
      entryPoints: { index: entry, ...(program === undefined ? {} : { [program.name]: program.entry }) },
      outdir: folder,
      ...(program === undefined ? {} : { splitting: true }), // the command is made of what applications import
    });
    if (program !== undefined) await makeCommand(path.join(folder, `${program.name}.js`));
    const manifest = {
      name: `@dpr/${short}`,
      version: own.version,
      description,
      license: own.license,
      type: 'module',
      engines: own.engines,
      exports: { '.': { types: `./types/${entry.replace(/\.ts$/, '.d.ts')}`, default: './index.js' } },
      ...(program === undefined ? {} : { bin: { [program.name]: `${program.name}.js` } }),
    };
    await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await copyFile(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
    await writeTypes(entry, path.join(folder, 'types'));
    built[short] = { name: manifest.name, folder, archive: pack(folder) };
  }
  await esbuild.stop();
  return built;
}

/** @param {string} file a program, to be run by its own name */
async function makeCommand(file) {
  await writeFile(file, `#!/usr/bin/env node\n${await readFile(file, 'utf8')}`);
  await chmod(file, 0o755);
}

/**
 * The declarations of a module and of all that it imports, in the folders that they are in here.
 * @param {string} entry
 * @param {string} folder
 */
async function writeTypes(entry, folder) {
  const entries = await ownEntries();
  const { default: ts } = await import('typescript');
  const { config } = /** @type {{ config: { compilerOptions: object } }} */ (
    ts.readConfigFile(path.join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file))
  );
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, incremental: false, tsBuildInfoFile: undefined, noEmit: false },
    ROOT,
  );
  const program = ts.createProgram([path.join(ROOT, entry)], {
    ...options,
    ...{ declaration: true, emitDeclarationOnly: true, rootDir: ROOT, outDir: folder },
    // By their own paths: what is found in node_modules has no declarations written.
    paths: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, [path.join(ROOT, file)]])),
  });
  /** @type {Map<string, string>} texts by their path below the folder */
  const texts = new Map();
  program.emit(undefined, (file, text) => void texts.set(path.relative(folder, file), text));
  for (const file of reachable(declarationOf(entry), texts, entries)) {
    const text = (texts.get(file) ?? '').replace(OWN_IMPORT, (whole, before, specifier) => {
      const other = entries[String(specifier)];
      return other === undefined ? whole : `${String(before)}'${relative(file, other)}'`;
    });
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
}

const OWN_IMPORT = /(from |import\()['"](\.[^'"]+|@dpr\/[^'"]+)['"]/g;

/**
 * The declarations that one of them leads to, itself included.
 * @param {string} entry
 * @param {ReadonlyMap<string, string>} texts
 * @param {Readonly<Record<string, string>>} entries
 */
function reachable(entry, texts, entries) {
  const found = new Set([entry]);
  for (const file of found) {
    const text = texts.get(file);
    if (text === undefined) throw new Error(`no types were made for ${file}`);
    for (const [, , specifier = ''] of text.matchAll(OWN_IMPORT)) {
      const target = entries[specifier] ?? path.posix.join(path.posix.dirname(file), specifier);
      found.add(declarationOf(target));
    }
  }
  return found;
}

/**
 * The project's packages and what else they export, each with its file.
 * @returns {Promise<Record<string, string>>}
 */
async function ownEntries() {
  const folders = await readdir(path.join(ROOT, 'services'));
  const found = await Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(path.join(ROOT, 'services', folder, 'package.json'), 'utf8');
      const { name, exports = {} } = /** @type {{ name: string, exports?: string | Record<string, string> }} */ (
        JSON.parse(text)
      );
      const files = typeof exports === 'string' ? { '.': exports } : exports;
      return Object.entries(files).map(
        ([key, file]) =>
          /** @type {[string, string]} */ ([path.posix.join(name, key), path.posix.join('services', folder, file)]),
      );
    }),
  );
  return Object.fromEntries(found.flat());
}

/** @param {string} source */
function declarationOf(source) {
  return source.replace(/\.ts$/, '.d.ts');
}

/**
 * How a file names another.
 * @param {string} file
 * @param {string} other
 */
function relative(file, other) {
  const found = path.posix.relative(path.posix.dirname(file), other);
  return found.startsWith('.') ? found : `./${found}`;
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
    'Packs @dpr/runtime and @dpr/client, for programs outside this repository, and prints where the packages are.\n' +
    '  --json  print what was packed: name, folder, archive';
  const { json } = readOptions(
    'npm run packages --',
    help,
    /** @type {const} */ ({
      json: { type: 'boolean', default: false },
    }),
  );
  ensureInstalled({ withTools: true });
  const packed = Object.values(await buildPackages());
  if (json) process.stdout.write(`${JSON.stringify(packed)}\n`);
  else for (const { archive } of packed) process.stdout.write(`${archive}\n`);
}
