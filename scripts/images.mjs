// Builds the images of the cluster: each is a base image with Node, and one bundle copied onto it.
//   npm run images -- --registry registry.example.com/dpr --tag 0.1.0 --push
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ensureInstalled } from './install.mjs';

/** The bundles of each image; the first one is what it starts. */
const IMAGES = {
  finder: ['finder'],
  counter: ['counter'],
  ingress: ['ingress'],
  client: ['dpr', 'experiment'],
};
const DEFAULT_BASE = 'node:24-slim';
/** Files and layers have this time, so that the same source gives the same image. */
const EPOCH = new Date(0);

const { values: options } = parseArgs({
  options: {
    registry: { type: 'string' },
    tag: { type: 'string', default: 'latest' },
    'base-image': { type: 'string', default: DEFAULT_BASE },
    push: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `npm run images -- [--registry R] [--tag T] [--base-image B] [--push]

Builds dpr-finder, dpr-counter, dpr-ingress and dpr-client with Docker (or what DOCKER names).
  --registry R    the images are called R/dpr-…; without it they stay on this machine
  --tag T         latest unless given
  --base-image B  has Node as "node" on its path; ${DEFAULT_BASE} unless given
  --push          to the registry`;

if (options.help) process.stdout.write(`${HELP}\n`);
else await buildAll();

async function buildAll() {
  if (options.push && options.registry === undefined) fail('--push needs --registry: where should the images go?');
  ensureInstalled({ withTools: false });
  const { bundle, DIST } = await import('./bundle.mjs');
  await bundle();
  for (const [image, programs] of Object.entries(IMAGES)) await build(image, programs, DIST);
}

/**
 * @param {string} image
 * @param {string[]} programs
 * @param {string} dist
 */
async function build(image, programs, dist) {
  const context = await mkdtemp(path.join(tmpdir(), 'dpr-image-'));
  try {
    const app = path.join(context, 'app');
    await mkdir(app);
    await writeFile(path.join(app, 'package.json'), '{ "type": "module" }\n');
    for (const program of programs) await cp(path.join(dist, `${program}.js`), path.join(app, `${program}.js`));
    for (const file of ['package.json', ...programs.map((program) => `${program}.js`)]) {
      await utimes(path.join(app, file), EPOCH, EPOCH);
    }
    await writeFile(path.join(context, 'Dockerfile'), dockerfile(image, programs[0] ?? image));
    const registry = options.registry === undefined ? '' : `${options.registry}/`;
    const name = `${registry}dpr-${image}:${options.tag}`;
    docker(['build', '--quiet', '--tag', name, context]);
    if (options.push) docker(['push', '--quiet', name]);
    process.stdout.write(`${name}\n`);
  } finally {
    await rm(context, { recursive: true });
  }
}

/**
 * @param {string} image
 * @param {string} program
 */
function dockerfile(image, program) {
  const lines = [
    `FROM ${options['base-image']}`,
    'COPY app /app',
    'USER 1000:1000',
    'ENV NODE_ENV=production',
    `LABEL org.opencontainers.image.title="dpr-${image}"`,
    `ENTRYPOINT ["node", "/app/${program}.js"]`,
  ];
  return `${lines.join('\n')}\n`;
}

/** @param {string[]} words */
function docker(words) {
  const program = process.env.DOCKER ?? 'docker';
  const { error, status } = spawnSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error) fail(`${program} could not be started: ${error.message}. Install Docker, or name another with DOCKER`);
  if (status !== 0) fail(`${program} ${words.join(' ')} failed, for the reason above`);
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
