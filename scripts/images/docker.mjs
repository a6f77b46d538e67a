// Docker, or what takes its place.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** An image cannot be built, for a reason that people can act on. */
export class ImageError extends Error {
  /** @override */
  name = 'ImageError';
}

/** What Docker's own words mean for the person who runs this. */
const ADVICE = [
  {
    words: /cannot connect to the docker daemon|connection refused|docker daemon is not running/i,
    what: 'Start Docker, or name its address with DOCKER_HOST.',
  },
  {
    words: /denied|unauthorized|authentication required|no basic auth/i,
    what: 'Log in to the registry with "docker login", as a user who may push there.',
  },
  {
    words: /server gave http response to https/i,
    what: 'The registry speaks plain HTTP: let Docker know it among its "insecure-registries".',
  },
  {
    words: /no such host|i\/o timeout|no route to host/i,
    what: "Is the registry's name right, and can it be reached from here?",
  },
  {
    words: /no such image|manifest unknown|not found|pull access denied/i,
    what: 'Is the name of the base image right?',
  },
];

/** The program that builds images. */
export function dockerProgram() {
  return process.env.DOCKER ?? 'docker';
}

/**
 * Runs Docker.
 * @param {string[]} words
 * @returns {string} what it printed
 * @throws ImageError with its words, and what to do
 */
export function docker(...words) {
  const program = dockerProgram();
  return run(program, words, `Install Docker, or name another program with DOCKER`);
}

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {string[]} words
 * @param {string} remedy when there is no such program
 */
export function run(program, words, remedy) {
  const { error, status, stdout, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (error) throw new ImageError(`${program} could not be started: ${error.message}. ${remedy}`);
  if (status === 0) return stdout.trim();
  const said = `${stderr}${stdout}`.trim();
  const advice = ADVICE.find((one) => one.words.test(said))?.what ?? '';
  throw new ImageError(
    [`${program} ${words.join(' ')} failed:`, said, advice].filter((line) => line !== '').join('\n'),
  );
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
