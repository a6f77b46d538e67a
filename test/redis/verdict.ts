/** What a run of Redis' tests says: which failures are known, and which lines of the lists are not needed any more. */
import { DIFFERENT, MISSING_COMMANDS, NOT_RUN, type Unit, UNITS } from './known.ts';
import type { UnitResults } from './tcl-suite.ts';

export interface Failure {
  readonly title: string;
  readonly error: string;
}

export interface Verdict {
  readonly passed: number;
  /** Failures that are known. */
  readonly known: number;
  readonly failures: readonly Failure[];
}

const UNKNOWN_COMMAND = /unknown command '(\w+)'/i;

/** The command that a failure names which the store does not have. */
function missingCommand(failure: string): string | undefined {
  return UNKNOWN_COMMAND.exec(failure)?.[1]?.toUpperCase();
}

const ALL_MISSING = new Set(Object.values(MISSING_COMMANDS).flat());

export function unitVerdict(unit: string, { passed, failed, said }: UnitResults): Verdict {
  const names = Object.values(DIFFERENT[unit] ?? {}).flat();
  const failures: Failure[] = said.map((error) => ({ title: `${unit} broke off`, error }));
  let known = 0;
  for (const [name, error] of failed) {
    if (names.includes(name) || ALL_MISSING.has(missingCommand(error) ?? '')) known++;
    else failures.push({ title: `${unit}: ${name}`, error });
  }
  for (const name of names.filter((one) => !failed.has(one))) {
    const error = passed.has(name) ? 'it passes: take its line away' : 'there is no such test: take its line away';
    failures.push({ title: `${unit}: ${name}`, error });
  }
  if (passed.size === 0) failures.push({ title: unit, error: 'not one test passed' });
  return { passed: passed.size, known, failures };
}

/** @param results of all units that were run @param has the commands of the store */
export function listVerdict(results: readonly UnitResults[], has: ReadonlySet<string>): readonly Failure[] {
  const seen = new Set(results.flatMap(({ failed }) => [...failed.values()].map(missingCommand)));
  const useless = [...ALL_MISSING].filter((command) => has.has(command) || !seen.has(command));
  const waiting = [
    ...UNITS.map(({ name, waitsFor }) => ({ title: name, waitsFor })),
    ...NOT_RUN.map(({ pattern, waitsFor }) => ({ title: pattern, waitsFor })),
  ];
  return [
    ...useless.map((command) => ({ title: `the line of ${command}`, error: 'no test fails by it: take it away' })),
    ...waiting
      .filter(({ waitsFor }) => waitsFor !== undefined && has.has(waitsFor))
      .map(({ title }) => ({ title, error: 'what it waits for is there: run it, and list what cannot pass' })),
  ];
}

export function runnable({ waitsFor }: Unit): boolean {
  return waitsFor === undefined;
}
