/** What a run of others' tests says: which failures are known, and which lines of the lists are not needed any more. */
import type { UnitResults } from './unit-results.ts';

/** What of a suite cannot pass at a store. The lists only ever get shorter: a run fails where a line is not needed any more. */
export interface Known {
  /** Commands that the store does not have, by why: a test that fails by one of them is left out. */
  readonly missing: Readonly<Record<string, readonly string[]>>;
  /** Tests that fail by something else, by unit, and by why. */
  readonly different: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Tests that are not run, since others fail after them: patterns of their names, each until the store has the command. */
  readonly notRun: readonly { readonly pattern: string; readonly waitsFor: string }[];
}

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

function allMissing({ missing }: Known): ReadonlySet<string> {
  return new Set(Object.values(missing).flat());
}

export function unitVerdict(known: Known, unit: string, { passed, failed, said }: UnitResults): Verdict {
  const names = Object.values(known.different[unit] ?? {}).flat();
  const commands = allMissing(known);
  const failures: Failure[] = said.map((error) => ({ title: `${unit} broke off`, error }));
  let expected = 0;
  for (const [name, error] of failed) {
    if (names.includes(name) || commands.has(missingCommand(error) ?? '')) expected++;
    else failures.push({ title: `${unit}: ${name}`, error });
  }
  for (const name of names.filter((one) => !failed.has(one))) {
    const error = passed.has(name) ? 'it passes: take its line away' : 'there is no such test: take its line away';
    failures.push({ title: `${unit}: ${name}`, error });
  }
  if (passed.size === 0) failures.push({ title: unit, error: 'not one test passed' });
  return { passed: passed.size, known: expected, failures };
}

/** @param results of all units that were run @param has the commands of the store */
export function listVerdict(
  known: Known,
  results: readonly UnitResults[],
  has: ReadonlySet<string>,
): readonly Failure[] {
  const seen = new Set(results.flatMap(({ failed }) => [...failed.values()].map(missingCommand)));
  const useless = [...allMissing(known)].filter((command) => has.has(command) || !seen.has(command));
  return [
    ...useless.map((command) => ({ title: `the line of ${command}`, error: 'no test fails by it: take it away' })),
    ...known.notRun
      .filter(({ waitsFor }) => has.has(waitsFor))
      .map(({ pattern }) => ({
        title: pattern,
        error: 'what it waits for is there: run it, and list what cannot pass',
      })),
  ];
}
