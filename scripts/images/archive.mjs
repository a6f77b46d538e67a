// Makes an image that Docker built the same wherever and whenever it was built.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tar from 'tar';

/** What of a container's settings says how it runs; a builder adds where and when it built. */
const SETTINGS = /** @type {const} */ ([
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'Healthcheck',
]);

/**
 * @typedef {{ created?: string, created_by?: string, empty_layer?: boolean }} Step
 * @typedef {{ architecture: string, os: string, variant?: string, config?: Record<string, unknown>,
 *   rootfs: { type: string, diff_ids: string[] }, history?: Step[] }} ImageConfig
 */

/**
 * Packs a folder as the layer of an image: in order of names, everything root's and of one time.
 * @param {string} folder
 * @param {string[]} files relative to it, directories before what is in them
 * @param {Date} time
 * @param {string} archive
 */
export async function packLayer(folder, files, time, archive) {
  await tar.create(
    { cwd: folder, file: archive, portable: true, noDirRecurse: true, mtime: time, strict: true },
    files.toSorted(),
  );
}

/**
 * Rewrites what `docker save` wrote so that it depends on nothing but the base image, the Dockerfile and the layer's files.
 * @param {string} folder the archive of one image, unpacked
 * @param {{ layer: string, instructions: string[], time: Date, tags: string[] }} options layer: in place of the image's last
 *   one, and all that the Dockerfile adds to the base; instructions: all of the Dockerfile's after FROM
 * @param {string} archive to be written, for `docker load`
 * @returns {Promise<string>} the image's id
 */
export async function rewriteImage(folder, { layer, instructions, time, tags }, archive) {
  const [described] = /** @type {{ Config: string, Layers: string[] }[]} */ (
    JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'))
  );
  if (described === undefined) throw new Error(`${folder} holds no image`);
  const built = /** @type {ImageConfig} */ (JSON.parse(await readFile(path.join(folder, described.Config), 'utf8')));

  const content = await readFile(layer);
  const config = JSON.stringify(rewriteConfig(built, `sha256:${sha256(content)}`, instructions, time));
  const id = sha256(Buffer.from(config));
  await rm(path.join(folder, described.Config));
  await mkdir(path.join(folder, 'own'));
  await writeFile(path.join(folder, 'own/layer.tar'), content);
  await writeFile(path.join(folder, `${id}.json`), config);
  const layers = [...described.Layers.slice(0, -1), 'own/layer.tar'];
  const manifest = [{ Config: `${id}.json`, RepoTags: tags, Layers: layers }];
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  await tar.create({ cwd: folder, file: archive, follow: true }, ['manifest.json', `${id}.json`, ...new Set(layers)]);
  return `sha256:${id}`;
}

/**
 * @param {ImageConfig} built
 * @param {string} layer
 * @param {string[]} instructions
 * @param {Date} time
 * @returns {ImageConfig & { created: string }}
 */
export function rewriteConfig(
  { architecture, os, variant, config = {}, rootfs, history = [] },
  layer,
  instructions,
  time,
) {
  const created = time.toISOString();
  const own = instructions.map((text) => ({
    created,
    created_by: text,
    ...(text.startsWith('COPY') ? {} : { empty_layer: true }),
  }));
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    created,
    config: Object.fromEntries(SETTINGS.filter((name) => config[name]).map((name) => [name, sorted(config[name])])),
    rootfs: { type: rootfs.type, diff_ids: [...rootfs.diff_ids.slice(0, -1), layer] },
    history: [...history.slice(0, -instructions.length), ...own],
  };
}

/**
 * Labels and other maps in the order of their names; a list, such as the environment, has an order of its own.
 * @param {unknown} value
 */
function sorted(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
