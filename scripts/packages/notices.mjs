// The licences of what is bundled: each asks to be kept with copies of the code.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** @typedef {import('esbuild').Metafile} Metafile */

const LIBRARY_FOLDER = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;

/**
 * @param {readonly Metafile[]} metafiles of the bundles
 * @param {string} root
 * @returns {string | undefined} the notices; undefined where nothing of others is bundled
 */
export function noticesOf(metafiles, root) {
  const outputs = metafiles.flatMap(({ outputs: made }) => Object.values(made));
  const used = outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const folders = new Set(used.flatMap((file) => LIBRARY_FOLDER.exec(file)?.[1] ?? []));
  if (folders.size === 0) return undefined;
  const notices = [...folders].map((folder) => noticeOf(root, folder)).sort();
  return `This package contains code of these libraries, under their own licences.\n\n${notices.join('\n')}`;
}

/**
 * @param {string} root
 * @param {string} folder of a library
 */
function noticeOf(root, folder) {
  const text = readFileSync(path.join(root, folder, 'package.json'), 'utf8');
  const { name, version, license } = /** @type {{ name: string, version: string, license?: string }} */ (
    JSON.parse(text)
  );
  const files = readdirSync(path.join(root, folder)).filter((file) => LICENCE_FILE.test(file));
  const texts = files.sort().map((file) => readFileSync(path.join(root, folder, file), 'utf8').trim());
  if (license === undefined && texts.length === 0) throw new Error(`${folder} is bundled and states no licence`);
  const heading = `## ${name} ${version}${license === undefined ? '' : ` (${license})`}\n`;
  return [heading, ...texts.map((licence) => `${licence}\n`)].join('\n');
}
