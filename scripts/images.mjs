// Builds the images of the cluster: each is a base image with Node, and a few files copied onto it.
//   npm run images -- --registry registry.example.com/dpr --tag 0.1.0 --push
import process from 'node:process';
import { ImageError, run } from './images/docker.mjs';
import { readSource } from './images/source.mjs';
import { ensureInstalled } from './install.mjs';
import { readOptions } from './options.mjs';

const DEFAULT_BASE = 'node:24-slim';

/** How images come to a cluster that pulls from no registry. */
const LOADERS = {
  minikube: { words: ['image', 'load', '--overwrite=true'], from: 'https://minikube.sigs.k8s.io' },
  kind: { words: ['load', 'docker-image'], from: 'https://kind.sigs.k8s.io' },
};

const HELP = `Builds dpr-finder, dpr-counter, dpr-store, dpr-ingress, dpr-client and dpr-harness with Docker (or what DOCKER
names). The same source on the same base gives the same images. Their names go to standard output.
  --registry R    the images are called R/dpr-…; without it they stay on this machine
  --tag T         latest unless given
  --base-image B  has Node as "node" on its path; ${DEFAULT_BASE} unless given
  --only A,B      finder, counter, store, ingress, client, harness: these alone
  --push          to the registry
  --load X        into the nodes of X, ${Object.keys(LOADERS).join(' or ')}, which then need no registry
  --check         build each twice, and fail where the two differ
  --json          print what was built: name, image id, digest once pushed, bytes, bill of materials
  --help`;

const OPTIONS = /** @type {const} */ ({
  registry: { type: 'string' },
  tag: { type: 'string', default: 'latest' },
  'base-image': { type: 'string', default: DEFAULT_BASE },
  only: { type: 'string' },
  push: { type: 'boolean', default: false },
  load: { type: 'string' },
  check: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});

const given = readOptions('npm run images --', HELP, OPTIONS);
try {
  await buildAll(given);
} catch (error) {
  if (!(error instanceof ImageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** @param {typeof given} options */
async function buildAll({ registry, tag, 'base-image': baseName, only, push, load, check, json }) {
  if (push && registry === undefined) throw new ImageError('--push needs --registry: where should the images go?');
  const loader = load === undefined ? undefined : loaderOf(load);
  ensureInstalled({ withTools: true });
  const { bundleAll, IMAGES } = await import('./images/contents.mjs'); // only now: they import what was just installed
  const { baseImage, buildImage, pushImage } = await import('./images/build.mjs');

  const images = /** @type {(keyof typeof IMAGES)[]} */ (only?.split(',') ?? Object.keys(IMAGES));
  const unknown = images.find((image) => !(image in IMAGES));
  if (unknown !== undefined) {
    throw new ImageError(`There is no image "${unknown}": --only takes ${Object.keys(IMAGES).join(', ')}`);
  }
  const from = { base: baseImage(baseName), source: readSource() };
  say(`${from.source.revision ?? 'files without a commit'} on ${baseName}`);
  const bundles = await bundleAll();
  const all = [];
  for (const image of images) {
    const name = `${registry === undefined ? '' : `${registry}/`}dpr-${image}:${tag}`;
    const built = await buildImage(image, name, { ...from, bundles });
    if (check) {
      const again = await buildImage(image, name, { ...from, bundles });
      if (again.id !== built.id) throw new ImageError(`${name} came out as ${built.id}, and again as ${again.id}`);
    }
    const digest = push ? pushImage(name) : undefined;
    if (loader !== undefined) run(loader.program, [...loader.words, name], loader.remedy);
    const done = [check ? 'built twice alike' : 'built', push ? ', pushed' : '', load ? `, loaded into ${load}` : ''];
    say(`${name} ${done.join('')}: ${megabytes(built.bytes)} MB, ${megabytes(built.ownBytes)} MB on top of the base`);
    if (!json) process.stdout.write(`${name}\n`);
    all.push({ ...built, ...(digest === undefined ? {} : { digest }) });
  }
  if (json) process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
}

/** @param {string} program */
function loaderOf(program) {
  const loader = Object.entries(LOADERS).find(([name]) => name === program)?.[1];
  if (loader === undefined) {
    throw new ImageError(`--load takes ${Object.keys(LOADERS).join(' or ')}, not "${program}"`);
  }
  const remedy = `Install it (${loader.from}), or push to a registry instead: --registry and --push`;
  return { program, words: loader.words, remedy };
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1_000_000).toFixed(1);
}

/** @param {string} text progress, which is not the result */
function say(text) {
  process.stderr.write(`${text}\n`);
}
