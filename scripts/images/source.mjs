// Which source an image is made of: what its labels say, and the one time that everything in it has.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @typedef {{ version: string, license: string, revision?: string, source?: string, time: Date }} Source
 * revision: the commit, with `-dirty` if the files differ from it; time: the commit's, or SOURCE_DATE_EPOCH
 */

/**
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {Source}
 */
export function readSource({ SOURCE_DATE_EPOCH: given } = process.env) {
  const { version, license } = /** @type {{ version: string, license: string }} */ (
    JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  );
  if (given !== undefined && !/^\d{1,11}$/.test(given)) {
    throw new Error(`SOURCE_DATE_EPOCH is '${given}': the seconds since 1970 are expected`);
  }
  const commit = git('rev-parse', 'HEAD');
  const seconds = given ?? git('log', '-1', '--format=%ct') ?? '0';
  const origin = webAddress(git('remote', 'get-url', 'origin') ?? '');
  return {
    version,
    license,
    ...(commit === undefined ? {} : { revision: git('status', '--porcelain') === '' ? commit : `${commit}-dirty` }),
    ...(origin === undefined ? {} : { source: origin }),
    time: new Date(Number(seconds) * 1_000),
  };
}

/**
 * Where people find a repository: its remote as a web address, without the name or password of a user in it.
 * @param {string} remote
 */
export function webAddress(remote) {
  const [, host, name] = /^(?:ssh:\/\/)?[^@/]+@([^:/]+)[:/](.+)$/.exec(remote) ?? [];
  const text = host === undefined ? remote : `https://${host}/${name ?? ''}`;
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, host: where, pathname } = new URL(text);
  return `${protocol}//${where}${pathname.replace(/\.git$/, '')}`;
}

/**
 * What git prints; undefined where there is no git, or no repository.
 * @param {string[]} words
 */
function git(...words) {
  const { status, stdout } = spawnSync('git', words, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : undefined;
}
