/** Runs files of redis-py's own tests, which are fetched from the package index, against a server that runs. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pip, REDIS_PY } from './pip.ts';
import { noResults, type UnitResults } from './unit-results.ts';

/** What its tests import beside it. */
const NEEDED = [
  'pytest==8.4.2',
  'pytest-asyncio==1.2.0',
  'pytest-timeout==2.4.0',
  'numpy',
  'PyJWT',
  'pybreaker',
  'xxhash',
];
/** Not what asks for other servers than one that stands alone. */
const MARKS = ['redismod', 'onlycluster', 'ssl', 'replica', 'cp_integration', 'multidb_integration'];
const REPORT = 'report.jsonl';
/** For a test, and for a file: far more than they take. */
const LIMIT_S = 30;
const LIMIT_MS = 300_000;
const MAX_NOTE = 400;

interface Report {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly error: string;
}

export interface RedisPySuite {
  /** Run a file of the tests, given without its ending. */
  readonly run: (file: string, port: number) => Promise<UnitResults>;
}

/**
 * Fetch the tests and what they need.
 * @param directory an empty one
 * @param skip tests that are not run, with their files
 * @throws Error that says what is missing
 */
export function fetchRedisPy(directory: string, skip: readonly string[]): RedisPySuite {
  const packages = path.join(directory, 'packages');
  const sources = path.join(directory, 'sources');
  mkdirSync(sources);
  pip('install', '--target', packages, REDIS_PY, ...NEEDED);
  pip('download', '--no-deps', '--no-binary', ':all:', '--dest', sources, REDIS_PY);
  const [archive = ''] = readdirSync(sources);
  execFileSync('tar', ['-xzf', archive, '--strip-components=1'], { cwd: sources });
  return { run: (file, port) => runFile(sources, packages, skip, file, port) };
}

async function runFile(
  sources: string,
  packages: string,
  skip: readonly string[],
  file: string,
  port: number,
): Promise<UnitResults> {
  const report = path.join(sources, REPORT);
  rmSync(report, { force: true });
  const marks = MARKS.map((mark) => `not ${mark}`).join(' and ');
  const options = [
    '-q',
    '--tb=line',
    '-p',
    'report',
    '-p',
    'no:cacheprovider',
    '-o',
    'addopts=',
    '-o',
    'filterwarnings=ignore',
    '-m',
    marks,
  ];
  const skipped = skip.flatMap((test) => ['--deselect', `tests/${test}`]);
  const where = ['--redis-url', `redis://127.0.0.1:${port}/0`, '--timeout', String(LIMIT_S)];
  const pythonPath = [packages, import.meta.dirname].join(path.delimiter);
  const child = spawn('python3', ['-m', 'pytest', ...options, ...where, ...skipped, `tests/${file}.py`], {
    cwd: sources,
    env: { ...process.env, PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: '1', TEST_REPORT: report },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-MAX_NOTE)));
  }
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const results = noResults();
  // 0: all passed, 1: some failed; everything else is pytest's own trouble.
  if (code !== 0 && code !== 1) results.said.push(`pytest ended with ${String(code)}: ${output}`);
  else
    for (const line of readFileSync(report, 'utf8').split('\n'))
      if (line !== '') take(results, JSON.parse(line) as Report);
  return results;
}

function take(results: UnitResults, { name, outcome, error }: Report): void {
  const { passed, failed } = results;
  if (outcome === 'failed') {
    failed.set(name, error.replaceAll(/\s+/g, ' ').slice(0, MAX_NOTE));
    passed.delete(name);
  } else if (outcome === 'passed') {
    if (!failed.has(name)) passed.add(name);
  } else {
    results.left++;
  }
}
