// Measures `pulumi preview` of stacks with many workers, each beside a bare program of as many ConfigMaps; needs what a preview needs.
//   npm run measure:preview -- --workers 2,100,1000 --runs 3
import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from './install.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Inside the project, where programs find their packages. */
const WORK = path.join(ROOT, 'node_modules/.cache/dpr-preview');
/** The longest preview that is waited for. */
const LIMIT_MS = 600_000;

const { values: options } = parseArgs({
  options: { workers: { type: 'string', default: '2,100,1000' }, runs: { type: 'string', default: '3' } },
});

const BARE = `
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { Config } from '@pulumi/pulumi';
const count = new Config('dpr').requireNumber('count');
for (let i = 0; i < count; i++) new ConfigMap('bare-' + i, { metadata: { name: 'bare-' + i }, data: { i: String(i) } });
`;

ensureInstalled({ withTools: true });
process.stdout.write('workers  resources  this program  bare ConfigMaps\n');
for (const workers of options.workers.split(',').map(Number)) await measure(workers);
await rm(WORK, { recursive: true });

/** @param {number} workers */
async function measure(workers) {
  const entries = Array.from({ length: workers }, (_, id) => ({ id }));
  const own = await project('own', path.join(ROOT, 'infra'), { 'dpr:workers': entries });
  const resources = preview(own).resources;
  const bareProgram = path.join(WORK, 'program');
  await mkdir(bareProgram, { recursive: true });
  await writeFile(path.join(bareProgram, 'index.ts'), BARE);
  await writeFile(path.join(bareProgram, 'package.json'), '{ "type": "module", "main": "index.ts" }\n');
  const bare = await project('bare', bareProgram, { 'dpr:count': resources - 1 }); // and the stack itself
  const best = [own, bare].map((directory) =>
    Math.min(...Array.from({ length: Number(options.runs) }, () => preview(directory).seconds)),
  );
  const [ours = 0, theirs = 0] = best;
  const cells = [String(workers).padStart(7), String(resources).padStart(9), `${ours.toFixed(1)} s`.padStart(12)];
  process.stdout.write(`${[...cells, `${theirs.toFixed(1)} s`.padStart(15)].join('  ')}\n`);
}

/**
 * A project with an empty stack of its own.
 * @param {string} name
 * @param {string} main the folder of the program
 * @param {Record<string, unknown>} config
 */
async function project(name, main, config) {
  const directory = path.join(WORK, name);
  await rm(directory, { recursive: true, force: true });
  await mkdir(path.join(directory, 'state'), { recursive: true });
  // JSON is YAML too.
  const runtime = { name: 'nodejs', options: { typescript: false, nodeargs: '--import tsx' } };
  await writeFile(path.join(directory, 'Pulumi.yaml'), JSON.stringify({ name: 'dpr-cluster', runtime, main }));
  pulumi(directory, ['stack', 'init', 'measured']);
  await writeFile(path.join(directory, 'Pulumi.measured.yaml'), JSON.stringify({ config }));
  return directory;
}

/** @param {string} directory */
function preview(directory) {
  const began = performance.now();
  const text = pulumi(directory, ['preview']);
  const resources = Number(/\+ (\d+) to create/.exec(text)?.[1] ?? 0);
  return { seconds: (performance.now() - began) / 1_000, resources };
}

/**
 * @param {string} cwd
 * @param {string[]} words
 */
function pulumi(cwd, words) {
  const env = { ...process.env, PULUMI_BACKEND_URL: `file://${cwd}/state`, PULUMI_CONFIG_PASSPHRASE: '' };
  const settings = { cwd, env, timeout: LIMIT_MS, encoding: /** @type {const} */ ('utf8'), maxBuffer: 2 ** 28 };
  const { error, status, stdout, stderr } = spawnSync('pulumi', [...words, '--non-interactive'], settings);
  if (error) throw error;
  if (status !== 0) throw new Error(`pulumi ${words.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}
