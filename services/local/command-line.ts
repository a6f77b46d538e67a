/** What the command lines of the project's programs have in common; `dpr` has its own, for it has commands in turn. */
import { VERSION } from '@dpr/client/version';
import { EXIT } from '@dpr/runtime/exit-codes';
import { Command, InvalidArgumentError } from 'commander';

/** Exit code of a program whose options are wrong (`EX_USAGE`). */
export const EXIT_USAGE = 64;

/**
 * A program that takes options and nothing else. Parsing its words ends the process after `--help`, and with the reason
 * and `EXIT_USAGE` when they are wrong; so does its `error`.
 *
 * @param call how it is called
 */
export function commandLine(call: string, description: string): Command {
  return new Command(call)
    .description(description)
    .helpOption('-h, --help', 'show this')
    .version(VERSION, '--version', 'print the version')
    .allowExcessArguments(false)
    .showHelpAfterError(`'${call} --help' tells more.`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT_USAGE));
}

/** @returns what `parse` makes of an option's text; what it throws is what is wrong with that text */
export function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** @returns what reads a whole number within bounds */
export function whole(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= from && value <= to) return value;
    throw new InvalidArgumentError(`Give a whole number from ${from} to ${to}.`);
  };
}

/** Reads a word that is there: a script whose variable is not set gives an empty one. */
export function word(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Give a word that is not empty, or leave the option out.');
}
