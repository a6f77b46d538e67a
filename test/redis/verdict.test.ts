import assert from 'node:assert/strict';
import { DIFFERENT, MISSING_COMMANDS, NOT_RUN, UNITS } from './known.ts';
import type { UnitResults } from './tcl-suite.ts';
import { listVerdict, unitVerdict } from './verdict.ts';

const [UNIT = '', REASONS = {}] = Object.entries(DIFFERENT)[0] ?? [];
const KNOWN = Object.values(REASONS).flat();
const MISSING = Object.values(MISSING_COMMANDS).flat();

function results(
  passed: readonly string[],
  failed: Readonly<Record<string, string>>,
  said: string[] = [],
): UnitResults {
  return { passed: new Set(passed), failed: new Map(Object.entries(failed)), left: 0, said };
}

const knownFailures = Object.fromEntries(KNOWN.map((name) => [name, 'it differs']));
const missingFailures = Object.fromEntries(
  MISSING.map((name) => [name, `ERR unknown command '${name.toLowerCase()}': no`]),
);

describe("what a run of Redis' own tests says", () => {
  it('is well where only that fails which is known', () => {
    const verdict = unitVerdict(UNIT, results(['one'], { ...knownFailures, ...missingFailures }));
    assert.deepEqual(verdict, { passed: 1, known: KNOWN.length + MISSING.length, failures: [] });
  });

  it('is that a test failed that is not known, or another unknown command', () => {
    const failed = { ...knownFailures, two: 'Expected 1', three: "ERR unknown command 'get'" };
    const titles = unitVerdict(UNIT, results(['one'], failed)).failures.map(({ title }) => title);
    assert.deepEqual(titles, [`${UNIT}: two`, `${UNIT}: three`]);
  });

  it('is that a line is not needed, when its test passes or is not there', () => {
    const [first = '', ...others] = KNOWN;
    const { failures } = unitVerdict(UNIT, results([first], {}));
    assert.deepEqual(
      failures.map(({ title, error }) => [title, error.split(':')[0]]),
      [[`${UNIT}: ${first}`, 'it passes'], ...others.map((name) => [`${UNIT}: ${name}`, 'there is no such test'])],
    );
  });

  it('is that it broke off, or that nothing passed', () => {
    const { failures } = unitVerdict('unit/scan', results([], {}, ['it ended']));
    assert.deepEqual(
      failures.map(({ title }) => title),
      ['unit/scan broke off', 'unit/scan'],
    );
  });

  it('is that the store has what a line says it has not, or that no test asks for it', () => {
    const all = [results(['one'], missingFailures)];
    assert.deepEqual(listVerdict(all, new Set()), []);
    const [command = ''] = MISSING;
    const units = UNITS.filter(({ waitsFor }) => waitsFor === command).map(({ name }) => name);
    const patterns = NOT_RUN.filter(({ waitsFor }) => waitsFor === command).map(({ pattern }) => pattern);
    assert.deepEqual(
      listVerdict(all, new Set([command])).map(({ title }) => title),
      [`the line of ${command}`, ...units, ...patterns],
    );
    assert.deepEqual(
      listVerdict([results(['one'], {})], new Set()).map(({ title }) => title),
      MISSING.map((command) => `the line of ${command}`),
    );
  });
});
