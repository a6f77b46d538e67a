/** Runs units of Redis' own test suite, of a directory outside of this project, against a server that runs. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { freePort } from '../runtime/cluster.ts';
import { noResults, type UnitResults } from './unit-results.ts';

/** The version of Redis whose tests these are, as in `7.0.15`; undefined when the directory has no suite. */
export function suiteVersion(directory: string): string | undefined {
  try {
    return /REDIS_VERSION "([^"]+)"/.exec(readFileSync(path.join(directory, 'src', 'version.h'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Not what has to do with volumes and replicas of Redis, its debugger and limits of memory; nor what takes minutes. */
const TAGS = [
  ...['-needs:debug', '-needs:pfdebug', '-needs:repl', '-needs:save', '-needs:latency', '-needs:config-maxmemory'],
  ...['-needs:config-resetstat', '-large-memory', '-slow'],
].join(' ');
const OPTIONS = ['--clients', '1', '--singledb', '--ignore-encoding', '--ignore-digest', '--no-latency', '--durable'];
/** For a test, and for a unit: far more than they take. */
const LIMIT_S = 120;
const LIMIT_MS = 300_000;
const LAST_LINES = 5;
/** From so many ports before the one that it is given on, the suite looks for one of its own. */
const PORTS_BEFORE = 32;
const RESULT = /^\[(ok|err|ignore|exception)\]: (.*)$/;
const DONE = /^\[\d+\/\d+ done\]/;
/** The suite prepares tests by settings that a store does not have, and by forgetting functions; it need not have them. */
const HARMLESS: readonly (readonly [RegExp, string])[] = [
  [/^( *)(r function flush|r config set [^;\n]*)/gm, '$1catch {$2}'],
  [/(proc config_set \{param value \{options) \{\}\}/, '$1 {mayfail}}'],
  [/^ *assert_morethan \[memory_usage \w+\] 0$/gm, ''],
];

/**
 * Runs the tests of a unit; nothing of one that fails keeps others from running.
 * @param skip names of tests that are not run, and patterns of names, which begin with a slash
 */
export async function runUnit(
  suite: string,
  port: number,
  unit: string,
  skip: readonly string[],
): Promise<UnitResults> {
  const copy = mkdtempSync(path.join(tmpdir(), 'redis-suite-'));
  try {
    cpSync(path.join(suite, 'tests'), path.join(copy, 'tests'), { recursive: true });
    writeFileSync(path.join(copy, 'skip'), skip.join('\n'));
    for (const file of ['support/server', 'support/util', unit]) {
      const full = path.join(copy, 'tests', `${file}.tcl`);
      writeFileSync(full, withHarmless(readFileSync(full, 'utf8')));
    }
    const base = String((await freePort()) + PORTS_BEFORE);
    const where = ['--baseport', base, '--host', '127.0.0.1', '--port', String(port)];
    const what = ['--single', unit, '--timeout', String(LIMIT_S), '--tags', TAGS];
    return await follow(copy, [...where, ...what, ...OPTIONS, '--skipfile', path.join(copy, 'skip')]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function withHarmless(text: string): string {
  return HARMLESS.reduce((changed, [from, to]) => changed.replace(from, to), text);
}

async function follow(directory: string, words: readonly string[]): Promise<UnitResults> {
  const child = spawn('tclsh', [path.join('tests', 'test_helper.tcl'), ...words], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', () => reject(new Error('tclsh is not on the path: install it (Debian: apt-get install tcl)')));
    child.on('close', resolve);
  });
  const results = noResults();
  let failing: string | undefined;
  let isDone = false;
  const last: string[] = [];
  const look = (shown: string): void => {
    const line = stripVTControlCharacters(shown);
    isDone ||= DONE.test(line);
    last.push(line.trim());
    if (last.length > LAST_LINES) last.shift();
    const [, kind, text = ''] = RESULT.exec(line) ?? [];
    if (kind === undefined && failing !== undefined) note(results.failed, failing, line);
    failing = kind === 'err' ? nameOf(text) : kind === undefined ? failing : undefined;
    if (kind === 'ok') results.passed.add(text.replace(/ \(\d+ ms\)$/, ''));
    else if (kind === 'err') note(results.failed, nameOf(text), '');
    else if (kind === 'ignore') results.left++;
    else if (kind === 'exception') results.said.push(text);
  };
  for (const output of [child.stdout, child.stderr]) createInterface(output).on('line', look);
  // Processes that it started hold its output, so it is not over before they are.
  const limit = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, LIMIT_MS);
  await ended.finally(() => clearTimeout(limit));
  if (!isDone) results.said.push(`the unit was not run to its end: ${last.join(' ')}`);
  return results;
}

/** A failure is told with the file of its unit. */
function nameOf(text: string): string {
  return text.replace(/ in tests\/unit\/\S+\.tcl$/, '');
}

const MAX_NOTE = 400;

function note(failed: Map<string, string>, name: string, line: string): void {
  const before = failed.get(name) ?? '';
  failed.set(name, `${before} ${line.trim()}`.trim().slice(0, MAX_NOTE));
}
