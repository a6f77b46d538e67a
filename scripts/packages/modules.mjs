// The JavaScript of a package: each time as an ES module and for `require`.
import path from 'node:path';
import * as esbuild from 'esbuild';
import { BUNDLING } from '../bundle.mjs';

/** @typedef {import('./published.mjs').Package} Package */
/** @typedef {import('esbuild').Metafile} Metafile */

/** Where the two forms of a source file are below the package's folder. */
export const MODULE = { esm: '.js', cjs: '.cjs' };

/**
 * The name of a package's module without its ending: `index`, or the path of the source file.
 * @param {Package} published
 * @param {string} entry
 */
export function moduleName(published, entry) {
  return published.isBundled ? 'index' : `lib/${entry.replace(/\.ts$/, '')}`;
}

/**
 * The file of the command that a package brings, within its folder.
 * @param {Package} published
 * @returns {string | undefined} undefined: it brings none
 */
export function programFile({ isBundled, program }) {
  if (program === undefined) return undefined;
  return isBundled ? `${program.name}.js` : `lib/${program.entry.replace(/\.ts$/, MODULE.esm)}`;
}

/**
 * @param {Package} published
 * @param {string} root
 * @param {string} folder where to
 * @returns {Promise<Metafile[]>} what was bundled
 */
export function writeModules(published, root, folder) {
  return published.isBundled ? bundleBoth(published, root, folder) : translateBoth(published, root, folder);
}

/** @type {typeof writeModules} */
async function bundleBoth({ entries, program }, root, folder) {
  const common = /** @type {const} */ ({ ...BUNDLING, absWorkingDir: root, outdir: folder, metafile: true });
  const library = { index: entries['.'] ?? '' };
  const esm = await esbuild.build({
    ...common,
    entryPoints: { ...library, ...(program === undefined ? {} : { [program.name]: program.entry }) },
    splitting: program !== undefined, // the command is made of what applications import
  });
  const cjs = await esbuild.build({
    ...common,
    ...{ entryPoints: library, format: 'cjs', banner: {}, outExtension: { '.js': MODULE.cjs } },
  });
  return [esm.metafile, cjs.metafile];
}

/**
 * File by file, so that what several entries share is there once.
 * @type {typeof writeModules}
 */
async function translateBoth({ entries, program }, root, folder) {
  const entryPoints = [...Object.values(entries), ...(program === undefined ? [] : [program.entry])];
  const { metafile } = await esbuild.build({
    ...{ entryPoints, absWorkingDir: root, outdir: folder, bundle: true, packages: 'external', platform: 'node' },
    ...{ write: false, metafile: true },
  });
  const modules = Object.keys(metafile.inputs).filter((file) => !isData(file));
  for (const format of /** @type {const} */ (['esm', 'cjs'])) {
    const ending = MODULE[format];
    await esbuild.build({
      ...{ absWorkingDir: root, outbase: root, outdir: path.join(folder, 'lib'), outExtension: { '.js': ending } },
      ...{ entryPoints: modules, format, platform: 'node', target: BUNDLING.target },
      ...{ bundle: true, logLevel: 'warning', plugins: [externally(ending)] },
    });
  }
  return [];
}

/**
 * Leaves every import to the running program, under the name that the other file has then; data is put where it is imported, since
 * each format, and each Node, wants it imported in another way.
 * @param {string} ending
 * @returns {import('esbuild').Plugin}
 */
function externally(ending) {
  return {
    name: 'externally',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ kind, path: specifier }) => {
        if (kind === 'entry-point' || isData(specifier)) return undefined;
        const isOwn = specifier.startsWith('.');
        return { path: isOwn ? specifier.replace(/\.ts$/, ending) : specifier, external: true };
      });
    },
  };
}

/** @param {string} file */
function isData(file) {
  return file.endsWith('.json');
}
