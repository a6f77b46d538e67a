import assert from 'node:assert/strict';
import type { UnitResults } from './unit-results.ts';
import { type Known, listVerdict, unitVerdict } from './verdict.ts';

const UNIT = 'unit/strings';
const NAMES = ['it sorts', 'it dumps'];
const MISSING = ['SORT', 'BLPOP'];
const KNOWN: Known = {
  missing: { 'no sorting': ['SORT'], 'no commands that wait': ['BLPOP'] },
  different: { [UNIT]: { 'one reason': ['it sorts'], another: ['it dumps'] } },
  notRun: [{ pattern: '/BL', waitsFor: 'BLPOP' }],
};

function results(
  passed: readonly string[],
  failed: Readonly<Record<string, string>>,
  said: string[] = [],
): UnitResults {
  return { passed: new Set(passed), failed: new Map(Object.entries(failed)), left: 0, said };
}

const knownFailures = Object.fromEntries(NAMES.map((name) => [name, 'it differs']));
const missingFailures = Object.fromEntries(
  MISSING.map((name) => [name, `ERR unknown command '${name.toLowerCase()}': no`]),
);

describe("what a run of others' tests says", () => {
  it('is well where only that fails which is known', () => {
    const verdict = unitVerdict(KNOWN, UNIT, results(['one'], { ...knownFailures, ...missingFailures }));
    assert.deepEqual(verdict, { passed: 1, known: NAMES.length + MISSING.length, failures: [] });
  });

  it('is that a test failed that is not known, or another unknown command', () => {
    const failed = { ...knownFailures, two: 'Expected 1', three: "ERR unknown command 'get'" };
    const titles = unitVerdict(KNOWN, UNIT, results(['one'], failed)).failures.map(({ title }) => title);
    assert.deepEqual(titles, [`${UNIT}: two`, `${UNIT}: three`]);
  });

  it('is that a line is not needed, when its test passes or is not there', () => {
    const [first = '', ...others] = NAMES;
    const { failures } = unitVerdict(KNOWN, UNIT, results([first], {}));
    assert.deepEqual(
      failures.map(({ title, error }) => [title, error.split(':')[0]]),
      [[`${UNIT}: ${first}`, 'it passes'], ...others.map((name) => [`${UNIT}: ${name}`, 'there is no such test'])],
    );
  });

  it('is that it broke off, or that nothing passed', () => {
    const { failures } = unitVerdict(KNOWN, 'unit/scan', results([], {}, ['it ended']));
    assert.deepEqual(
      failures.map(({ title }) => title),
      ['unit/scan broke off', 'unit/scan'],
    );
  });

  it('is that the store has what a line says it has not, or that no test asks for it', () => {
    const all = [results(['one'], missingFailures)];
    assert.deepEqual(listVerdict(KNOWN, all, new Set()), []);
    assert.deepEqual(
      listVerdict(KNOWN, all, new Set(['BLPOP'])).map(({ title }) => title),
      ['the line of BLPOP', '/BL'],
    );
    assert.deepEqual(
      listVerdict(KNOWN, [results(['one'], {})], new Set()).map(({ title }) => title),
      MISSING.map((command) => `the line of ${command}`),
    );
  });
});
