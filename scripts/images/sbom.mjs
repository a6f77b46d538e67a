// The bill of materials of an image, as CycloneDX JSON: the packages whose code is in its bundles, and the base image.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGE_FOLDER = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+|infra|services\/[^/]+)\//;

/**
 * @typedef {{ name: string, version: string, license?: string }} Manifest
 * @typedef {{ name: string, digest?: string | undefined }} BaseImage as given, and what it turned out to be
 */

/**
 * @param {string} image its name
 * @param {import('esbuild').Metafile['outputs'][string][]} bundles what is in it
 * @param {BaseImage} base
 * @param {import('./source.mjs').Source} source
 * @returns {string}
 */
export function billOfMaterials(image, bundles, base, source) {
  const inputs = bundles.flatMap((bundle) => Object.entries(bundle.inputs));
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => packageFolder(file));
  const lock = lockedPackages();
  const libraries = [...new Set(used)].sort().map((folder) => libraryOf(folder, lock[folder]?.integrity));
  const own = `${image}@${source.version}`;
  return `${JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: {
        timestamp: source.time.toISOString(),
        component: {
          'bom-ref': own,
          type: 'container',
          name: image,
          version: source.version,
          licenses: [{ license: { id: source.license } }],
          ...(source.revision === undefined ? {} : { pedigree: { commits: [{ uid: source.revision }] } }),
        },
      },
      components: [baseOf(base), ...libraries],
      dependencies: [{ ref: own, dependsOn: ['base-image', ...libraries.map((library) => library['bom-ref'])] }],
    },
    undefined,
    2,
  )}\n`;
}

/** @param {string} file an input of a bundle, relative to the root */
function packageFolder(file) {
  const [, folder] = PACKAGE_FOLDER.exec(file) ?? [];
  if (folder === undefined) throw new Error(`${file} is in a bundle and belongs to no package`);
  return folder;
}

/**
 * @param {string} folder
 * @param {string | undefined} integrity of the package's archive, as npm locks it
 */
function libraryOf(folder, integrity) {
  const text = readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8');
  const { name, version, license } = /** @type {Manifest} */ (JSON.parse(text));
  const address = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [, hash] = /^sha512-(.+)$/.exec(integrity ?? '') ?? [];
  return {
    'bom-ref': address,
    type: 'library',
    name,
    version,
    ...(hash === undefined
      ? {}
      : { hashes: [{ alg: 'SHA-512', content: Buffer.from(hash, 'base64').toString('hex') }] }),
    ...(license === undefined
      ? {}
      : { licenses: [/\s/.test(license) ? { expression: license } : { license: { id: license } }] }),
    purl: address,
  };
}

/** @param {BaseImage} base */
function baseOf({ name, digest }) {
  return {
    'bom-ref': 'base-image',
    type: 'container',
    name,
    ...(digest === undefined ? {} : { version: digest }),
  };
}

/** @returns {Record<string, { integrity?: string }>} */
function lockedPackages() {
  const lock = /** @type {{ packages: Record<string, { integrity?: string }> }} */ (
    JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'))
  );
  return lock.packages;
}
