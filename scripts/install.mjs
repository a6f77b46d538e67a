// Installs what is missing, so that `npm start` and `npm test` work on a fresh clone. Imports nothing but Node's own
// modules. `node scripts/install.mjs` makes sure of what running the services takes, `--all` of the tools as well.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = { major: 20, minor: 19 };

/**
 * @typedef {{ version?: string, link?: boolean, dev?: boolean, optional?: boolean, devOptional?: boolean }} Entry
 * @typedef {Record<string, Entry>} Packages by their folder, such as `node_modules/ws`
 */

/**
 * The packages of a lock file, or none where there is no such file.
 * @param {string} file relative to the root
 * @returns {Packages}
 */
function lockedPackages(file) {
  try {
    const lock = /** @type {{ packages: Packages }} */ (JSON.parse(readFileSync(`${ROOT}/${file}`, 'utf8')));
    return lock.packages;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * What npm has to be told so that everything needed is there in its locked version; undefined when it already is.
 * Optional packages do not count: which of them belong here depends on the platform.
 * @param {boolean} withTools
 * @returns {string[] | undefined}
 */
function missing(withTools) {
  const wanted = Object.entries(lockedPackages('package-lock.json')).filter(([path]) => path !== '');
  const installed = lockedPackages('node_modules/.package-lock.json'); // npm's own record of what it put there
  // Once the tools are there they stay: installing without them would remove them.
  const tools = withTools || wanted.some(([path, entry]) => entry.dev && installed[path]);
  const needed = wanted.filter(([, entry]) => !entry.optional && !entry.devOptional && (tools || !entry.dev));
  if (needed.every(([path, entry]) => installed[path]?.version === entry.version && installed[path])) return undefined;
  return ['install', tools ? '--include=dev' : '--omit=dev', '--no-save', '--no-progress', '--loglevel=error'];
}

/**
 * Installs what is missing, in the versions of package-lock.json; costs a few milliseconds when nothing is. Ends the
 * process, with the reason, when that is impossible.
 * @param {{ withTools: boolean }} options withTools: also what tests, lint and deployment take
 */
export function ensureInstalled({ withTools }) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE.major || (major === OLDEST_NODE.major && minor < OLDEST_NODE.minor)) {
    fail(`Node ${process.versions.node} is too old: use ${OLDEST_NODE.major}.${OLDEST_NODE.minor} or newer.`);
  }
  const npmArguments = missing(withTools);
  if (npmArguments === undefined) return;
  process.stderr.write('installing dependencies…\n');
  const { error, status } = spawnSync('npm', npmArguments, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2], // standard output belongs to what runs after this
    shell: process.platform === 'win32',
  });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail('npm install failed, for the reason above. Mend it and try again.');
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled({ withTools: process.argv.includes('--all') });
