/** Runs units of Redis' own test suite, of a directory outside of this project, against a server that runs. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';

/** The version of Redis whose tests these are, as in `7.0.15`; undefined when the directory has no suite. */
export function suiteVersion(directory: string): string | undefined {
  try {
    return /REDIS_VERSION "([^"]+)"/.exec(readFileSync(path.join(directory, 'src', 'version.h'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** What became of the tests of a unit, by their names. */
export interface UnitResults {
  readonly passed: Set<string>;
  /** With what was expected. */
  readonly failed: Map<string, string>;
  /** Those that the tags leave out. */
  left: number;
  /** What kept tests from running. */
  readonly said: string[];
}

/** Tests that have to do with what a store does not have: volumes and replicas of Redis, its debugger, its limits of memory. */
const TAGS = [
  ...['-needs:debug', '-needs:pfdebug', '-needs:repl', '-needs:save', '-needs:latency', '-needs:config-maxmemory'],
  ...['-needs:config-resetstat', '-large-memory'],
].join(' ');
const OPTIONS = ['--clients', '1', '--singledb', '--ignore-encoding', '--ignore-digest', '--no-latency', '--durable'];
/** Tests, by patterns of their names, whose failure would keep those behind them from running. */
const SKIPPED = [
  '/B(LPOP|RPOP|LMPOP|LMOVE|RPOPLPUSH|ZPOP|ZMPOP)',
  '/(client unblock|Linked LMOVEs|Circular|Self-referential)',
];
const LIMIT_S = 240;
const RESULT = /^\[(ok|err|ignore|exception)\]: (.*)$/;
const DONE = /^\[\d+\/\d+ done\]/;
/** The suite prepares parts by commands for what a store does not have, by file; it need not have it. */
const HARMLESS = [
  ['support/server.tcl', 'r function flush', 'catch {r function flush}'],
  ['support/server.tcl', 'r config set $param $val', 'catch {r config set $param $val}'],
  // How lists lie in memory: all else that these tests look at is the same.
  ['support/util.tcl', 'if {!$mayfail} {', 'if {!$mayfail && ![string match list-* $param]} {'],
  ['unit/type/list.tcl', 'r config set list-compress-depth 2', 'catch {r config set list-compress-depth 2}'],
  ['unit/type/list.tcl', 'r config set list-max-ziplist-size 1', 'catch {r config set list-max-ziplist-size 1}'],
  ['unit/type/list.tcl', 'r config set list-compress-depth 0', 'catch {r config set list-compress-depth 0}'],
  // The same of hashes and sorted sets.
  ['support/test.tcl', 'proc fail ', 'proc set_layout {args} {}\nproc fail '],
  ['unit/type/hash.tcl', 'r config set hash-', 'set_layout hash-'],
  ['unit/type/hash.tcl', 'assert_morethan [memory_usage myhash] 0', ''],
  ['unit/type/zset.tcl', 'r config set zset-', 'set_layout zset-'],
] as const;

/** Runs all tests of a unit; nothing of one that fails keeps others from running. */
export async function runUnit(suite: string, port: number, unit: string): Promise<UnitResults> {
  const copy = mkdtempSync(path.join(tmpdir(), 'redis-suite-'));
  try {
    cpSync(path.join(suite, 'tests'), path.join(copy, 'tests'), { recursive: true });
    for (const [name, from, to] of HARMLESS) {
      const file = path.join(copy, 'tests', name);
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replaceAll(from, () => to),
      );
    }
    const words = ['--host', '127.0.0.1', '--port', String(port), '--single', unit, '--timeout', String(LIMIT_S)];
    const skips = SKIPPED.flatMap((pattern) => ['--skiptest', pattern]);
    return await follow(copy, [...words, ...OPTIONS, '--tags', TAGS, ...skips]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function follow(directory: string, words: readonly string[]): Promise<UnitResults> {
  const child = spawn('tclsh', [path.join('tests', 'test_helper.tcl'), ...words], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', () => reject(new Error('tclsh is not on the path: install it (Debian: apt-get install tcl)')));
    child.on('close', resolve);
  });
  const results: UnitResults = { passed: new Set(), failed: new Map(), left: 0, said: [] };
  let failing: string | undefined;
  let isDone = false;
  createInterface(child.stdout).on('line', (shown) => {
    const line = stripVTControlCharacters(shown);
    isDone ||= DONE.test(line);
    const [, kind, text = ''] = RESULT.exec(line) ?? [];
    if (kind === undefined && failing !== undefined) note(results.failed, failing, line);
    failing = kind === 'err' ? nameOf(text) : kind === undefined ? failing : undefined;
    if (kind === 'ok') results.passed.add(text.replace(/ \(\d+ ms\)$/, ''));
    else if (kind === 'err') note(results.failed, nameOf(text), '');
    else if (kind === 'ignore') results.left++;
    else if (kind === 'exception') results.said.push(text);
  });
  await ended;
  if (!isDone) results.said.push('the unit was not run to its end');
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
