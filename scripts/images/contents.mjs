// The files of every image, made anew from the sources.
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundle, DIST, METAFILE } from '../bundle.mjs';

/** What Node is told for a worker: why, says `WORKER_NODE_OPTIONS` in infra/plan/local.ts, which is the same. */
const WORKER_NODE_OPTIONS = ['--initial-old-space-size=96'];

/**
 * What is in each image. One of programs starts the first of them. The harness is what images of other worker types are
 * built on: it has the package `@dpr/runtime`, and leaves the program to them.
 */
export const IMAGES = {
  finder: { title: 'The Finder of a DPR cluster', programs: ['finder'] },
  counter: { title: 'A counter, a worker of a DPR cluster', programs: ['counter'], node: WORKER_NODE_OPTIONS },
  store: { title: 'A store, a worker of a DPR cluster', programs: ['store'], node: WORKER_NODE_OPTIONS },
  ingress: { title: 'What brings the port map of a DPR cluster to its NGINX', programs: ['ingress'] },
  client: { title: 'The dpr command of a DPR cluster, and its experiment', programs: ['dpr', 'experiment'] },
  harness: {
    title: 'What images of worker types of a DPR cluster are built on',
    programs: [],
    node: WORKER_NODE_OPTIONS,
  },
};

/** @typedef {keyof typeof IMAGES} Image */
/** @typedef {{ title: string, programs: string[], node?: string[] }} Contents */
/** @typedef {import('esbuild').Metafile['outputs'][string]} Bundle */

/** Where programs are in an image. */
const APP = 'app';
/** Where its bill of materials is. */
const SBOM = `${APP}/sbom.cdx.json`;
/** Where the harness is in its image. */
const HARNESS = `${APP}/node_modules/@dpr/runtime`;
const HARNESS_PACKAGE = { name: '@dpr/runtime', type: 'module', exports: './index.js' };
/** So that `kubectl exec` and `kubectl run` can say `dpr status`. */
const DPR_COMMAND = '#!/bin/sh\nexec node /app/dpr.js "$@"\n';

/**
 * Brings the bundles up to date, and tells what they are made of.
 * @returns {Promise<Record<string, Bundle>>} by the file's name in `dist`
 */
export async function bundleAll() {
  await bundle();
  const { outputs } = /** @type {import('esbuild').Metafile} */ (JSON.parse(await readFile(METAFILE, 'utf8')));
  return Object.fromEntries(
    Object.entries(outputs).map(([file, output]) => [path.posix.relative('dist', file), output]),
  );
}

/**
 * The files of an image by their path in it, each a file of `dist`.
 * @param {Image} image
 * @returns {Record<string, string>}
 */
export function bundlesOf(image) {
  const { programs } = IMAGES[image];
  if (programs.length > 0) return Object.fromEntries(programs.map((name) => [`${APP}/${name}.js`, `${name}.js`]));
  return { [`${HARNESS}/index.js`]: 'harness.js' };
}

/**
 * Writes all that an image adds to its base into a folder.
 * @param {Image} image
 * @param {string} folder
 * @param {string} sbom
 * @returns {Promise<string[]>} what is in the folder now, directories before their files
 */
export async function writeContents(image, folder, sbom) {
  /** @type {Record<string, string>} */
  const texts = { [`${APP}/package.json`]: '{ "type": "module" }\n', [SBOM]: sbom };
  if (image === 'client') texts['usr/local/bin/dpr'] = DPR_COMMAND;
  if (image === 'harness') texts[`${HARNESS}/package.json`] = `${JSON.stringify(HARNESS_PACKAGE)}\n`;
  const copies = bundlesOf(image);
  const files = [...Object.keys(texts), ...Object.keys(copies)];
  const folders = [...new Set(files.flatMap(parents))].toSorted();
  for (const name of folders) {
    await mkdir(path.join(folder, name));
    await chmod(path.join(folder, name), 0o755); // with any umask
  }
  for (const [name, text] of Object.entries(texts)) await writeFile(path.join(folder, name), text);
  for (const [name, file] of Object.entries(copies)) await cp(path.join(DIST, file), path.join(folder, name));
  for (const name of files) await chmod(path.join(folder, name), name.startsWith('usr/') ? 0o755 : 0o644);
  return [...folders, ...files].toSorted();
}

/** @param {string} file */
function parents(file) {
  const steps = file.split('/').slice(0, -1);
  return steps.map((_, index) => steps.slice(0, index + 1).join('/'));
}

/**
 * The instructions that follow FROM in an image's Dockerfile.
 * @param {Image} image
 * @param {Readonly<Record<string, string>>} labels
 */
export function instructionsOf(image, labels) {
  const { programs, node = [] } = /** @type {Contents} */ (IMAGES[image]);
  const words = ['node', ...node, ...programs.slice(0, 1).map((program) => `/${APP}/${program}.js`)];
  const quoted = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    'COPY root /',
    'USER 1000:1000',
    'ENV NODE_ENV=production',
    `LABEL ${quoted.join(' ')}`,
    `ENTRYPOINT ${JSON.stringify(words)}`,
  ];
}
