// Builds one image, with Docker, so that the same source on the same base is the same image.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tar from 'tar';
import { DIST } from '../bundle.mjs';
import { packLayer, rewriteImage } from './archive.mjs';
import { bundlesOf, IMAGES, instructionsOf, writeContents } from './contents.mjs';
import { docker, ImageError } from './docker.mjs';
import { billOfMaterials } from './sbom.mjs';

/**
 * @typedef {import('./contents.mjs').Image} Image
 * @typedef {import('./contents.mjs').Bundle} Bundle
 * @typedef {{ bundles: Record<string, Bundle>, base: import('./sbom.mjs').BaseImage, source: import('./source.mjs').Source }} From
 * @typedef {{ image: Image, name: string, id: string, bytes: number, ownBytes: number, sbom: string }} Built
 * id: Docker's; bytes: of all its layers; sbom: the bill of materials' file, which is in the image too
 */

/**
 * @param {Image} image
 * @param {string} name with its tag
 * @param {From} from
 * @returns {Promise<Built>}
 */
export async function buildImage(image, name, { bundles, base, source }) {
  const folder = await mkdtemp(path.join(tmpdir(), 'dpr-image-'));
  try {
    const used = Object.values(bundlesOf(image)).map((file) => {
      const bundle = bundles[file];
      if (bundle === undefined) throw new Error(`dist/${file} was not built`);
      return bundle;
    });
    const sbom = billOfMaterials(`dpr-${image}`, used, base, source);
    const sbomFile = path.join(DIST, 'sbom', `dpr-${image}.cdx.json`);
    await mkdir(path.dirname(sbomFile), { recursive: true });
    await writeFile(sbomFile, sbom);

    const context = path.join(folder, 'context');
    const root = path.join(context, 'root');
    await mkdir(root, { recursive: true });
    const files = await writeContents(image, root, sbom);
    const instructions = instructionsOf(image, labelsOf(image, base, source));
    await writeFile(
      path.join(context, 'Dockerfile'),
      `${['ARG BASE_IMAGE', 'FROM ${BASE_IMAGE}', ...instructions].join('\n')}\n`,
    );
    const layer = path.join(folder, 'layer.tar');
    await packLayer(root, files, source.time, layer);
    const id = await dockerBuild(folder, base.name, { layer, instructions, time: source.time, tags: [name] });
    const bytes = Number(docker('image', 'inspect', '--format', '{{.Size}}', name));
    return { image, name, id, bytes, ownBytes: (await stat(layer)).size, sbom: path.relative(process.cwd(), sbomFile) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Has Docker build the context, and loads the image back without the traces of when and where that was.
 * @param {string} folder
 * @param {string} base
 * @param {Parameters<typeof rewriteImage>[1]} options
 */
async function dockerBuild(folder, base, options) {
  const idFile = path.join(folder, 'id');
  docker(
    'build',
    '--quiet',
    '--no-cache',
    '--build-arg',
    `BASE_IMAGE=${base}`,
    '--iidfile',
    idFile,
    path.join(folder, 'context'),
  );
  const built = (await readFile(idFile, 'utf8')).trim(); // of this build alone, since no cache is used
  const saved = path.join(folder, 'saved');
  await mkdir(saved);
  docker('save', '--output', `${saved}.tar`, built);
  await tar.extract({ file: `${saved}.tar`, cwd: saved, strict: true });
  await rm(`${saved}.tar`);
  const id = await rewriteImage(saved, options, path.join(folder, 'image.tar'));
  docker('load', '--quiet', '--input', path.join(folder, 'image.tar'));
  docker('image', 'rm', built);
  return id;
}

/**
 * @param {Image} image
 * @param {From['base']} base
 * @param {From['source']} source
 */
function labelsOf(image, base, source) {
  const facts = {
    'base.digest': base.digest,
    'base.name': base.name,
    created: source.time.toISOString(),
    licenses: source.license,
    revision: source.revision,
    source: source.source,
    title: IMAGES[image].title,
    version: source.version,
  };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [[`org.opencontainers.image.${name}`, value]],
    ),
  );
}

/**
 * The base image, pulled if it is not here.
 * @param {string} name
 * @returns {import('./sbom.mjs').BaseImage}
 */
export function baseImage(name) {
  const inspect = () => docker('image', 'inspect', '--format', '{{json .RepoDigests}}', name);
  let found;
  try {
    found = inspect();
  } catch (error) {
    if (!(error instanceof ImageError) || !/no such image/i.test(error.message)) throw error;
    docker('pull', '--quiet', name);
    found = inspect();
  }
  const [digest] = /** @type {string[]} */ (JSON.parse(found) ?? []);
  return { name, digest: digest?.replace(/^.*@/, '') };
}

/**
 * Pushes an image.
 * @param {string} name
 * @returns {string} its name by digest, to pull exactly this one by
 */
export function pushImage(name) {
  docker('push', '--quiet', name);
  const digests = /** @type {string[]} */ (
    JSON.parse(docker('image', 'inspect', '--format', '{{json .RepoDigests}}', name))
  );
  const repository = name.replace(/:[^:/]*$/, '');
  const own = digests.find((digest) => digest.startsWith(`${repository}@`));
  if (own === undefined) throw new ImageError(`${name} was pushed, and Docker does not tell its digest`);
  return own;
}
