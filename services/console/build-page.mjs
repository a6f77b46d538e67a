// Builds the page of the console: its files as texts, with all that they take in them, so that it works without a network.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = path.join(ROOT, 'services/console/page');
const LIBRARY_FOLDER = /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * @returns {Promise<import('./page-assets.ts').PageAssets>} to be served as the PATHS of
 * messages.ts with these names; the html refers to the script and the styles
 */
export async function buildPage() {
  const { libraries, ...texts } = await build();
  const licences = await Promise.all(libraries.map((folder) => readFile(licenceOf(folder), 'utf8')));
  return { ...texts, licences: licences.join('\n') };
}

/**
 * Puts the built page in the place of the module that builds it. Licences come by import, so that the bundler knows which
 * libraries the bundle has code of.
 * @type {esbuild.Plugin}
 */
export const consolePage = {
  name: 'console-page',
  setup(building) {
    building.onLoad({ filter: /services\/console\/page-assets\.ts$/ }, async () => {
      const { libraries, ...texts } = await build();
      const imports = libraries.map((folder, at) => `import licence${at} from ${JSON.stringify(licenceOf(folder))};`);
      const licences = libraries.map((_, at) => `licence${at}`).join(', ');
      const assets = `{ ...${JSON.stringify(texts)}, licences: [${licences}].join('\\n') }`;
      return {
        contents: `${imports.join('\n')}\nexport const pageAssets = () => Promise.resolve(${assets});`,
        resolveDir: ROOT,
      };
    });
    building.onLoad({ filter: /node_modules\/.*\/LICENSE$/ }, async ({ path: file }) => ({
      contents: await readFile(file, 'utf8'),
      loader: 'text',
    }));
  },
};

/** @param {string} folder of a library, relative to the root */
function licenceOf(folder) {
  return path.join(ROOT, folder, 'LICENSE');
}

async function build() {
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: { page: path.join(PAGE, 'main.tsx'), styles: path.join(PAGE, 'page.css') },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
    metafile: true,
    outdir: 'dist/console-page',
  });
  /** @param {string} name */
  const text = (name) => outputFiles.find((file) => path.basename(file.path) === name)?.text ?? '';
  const folders = Object.keys(metafile.inputs).flatMap((file) => LIBRARY_FOLDER.exec(file)?.[1] ?? []);
  return {
    html: await readFile(path.join(PAGE, 'index.html'), 'utf8'),
    script: text('page.js'),
    styles: text('styles.css'),
    libraries: [...new Set(folders)].sort(),
  };
}
