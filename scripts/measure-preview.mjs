// Measures `pulumi preview` of stacks with many workers, each beside a bare program of as many ConfigMaps; needs what a preview needs.
//   npm run measure:preview -- --workers 2,100,1000 --runs 3
import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { readOptions } from './options.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Inside the project, where programs find their packages. */
const WORK = path.join(ROOT, 'node_modules/.cache/dpr-preview');
/** The longest preview that is waited for. */
const LIMIT_MS = 600_000;

const HELP = `Measures "pulumi preview" of stacks with many workers, each beside a bare program of as many ConfigMaps. Needs what a
preview needs: the Pulumi CLI, and a cluster that kubectl reaches.
  --workers N,M  how many workers each stack has; 2,100,1000 unless given
  --runs N       how often each is measured, of which the best counts; 3 unless given
  --json         one line of JSON for each stack, times in seconds`;

const OPTIONS = /** @type {const} */ ({
  workers: { type: 'string', default: '2,100,1000' },
  runs: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
});
const given = readOptions('npm run measure:preview --', HELP, OPTIONS);
const workerCounts = given.workers.split(',').map((count) => whole('workers', count));
const runs = whole('runs', given.runs);

const BARE = `
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { Config } from '@pulumi/pulumi';
const count = new Config('dpr').requireNumber('count');
for (let i = 0; i < count; i++) new ConfigMap('bare-' + i, { metadata: { name: 'bare-' + i }, data: { i: String(i) } });
`;

ensureInstalled({ withTools: true });
if (!given.json) process.stdout.write('workers  resources  this program  bare ConfigMaps\n');
for (const workers of workerCounts) await measure(workers);
await rm(WORK, { recursive: true });

/**
 * @param {string} option
 * @param {string} text
 */
function whole(option, text) {
  return /^[1-9]\d{0,4}$/.test(text)
    ? Number(text)
    : fail(`--${option} takes whole numbers from 1 to 99999, not '${text}'`);
}

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
    Math.min(...Array.from({ length: runs }, () => preview(directory).seconds)),
  );
  const [ours = 0, theirs = 0] = best;
  if (given.json) {
    process.stdout.write(`${JSON.stringify({ workers, resources, programSeconds: ours, bareSeconds: theirs })}\n`);
    return;
  }
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
  if (error) fail(`pulumi could not be started: ${error.message}. Install it (https://www.pulumi.com/docs/install)`);
  if (status !== 0) fail(`pulumi ${words.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
