/** The command line of the fuzzer. */
import { commandLine, EXIT_USAGE, whole, word } from '../../../services/local/command-line.ts';

export const FUZZ_EXIT = { ok: 0, failed: 1 } as const;

export interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly rate: number;
  readonly connections: number;
  /** The file for the report; a chart of the memory goes beside it. */
  readonly write: string | undefined;
}

const MORE = `
It starts a Finder and three workers, as processes of this machine at free ports, in a directory that is gone afterwards; then it sends
them frames of every kind with mutated fields, damaged ones, and WebSockets gone wrong, at the Finder's public port, at the control
port with its token and without, and at the workers. Beside them a client that behaves well must notice nothing, no process may end,
and none may have more memory than it may. At the end all are restarted in order, and hold what was committed.

What is sent depends on the seed and on what the servers answer; so a seed gives the same kind of run, and not the same bytes.

Examples:
  npm run fuzz -- --minutes 2
  npm run fuzz -- --minutes 60 --seed 7 --write fuzz.txt    the report, and fuzz.txt.svg with the memory over time

Exit codes: ${FUZZ_EXIT.ok} nothing is wrong; ${FUZZ_EXIT.failed} something is, and the last line says what; 130 interrupted; ${EXIT_USAGE} wrong options.`;

const MAX_MINUTES = 24 * 60;
const MAX_RATE = 100_000_000;
const MAX_CONNECTIONS = 1_000;

/** What the command line asks for. Ends the process after `--help`, and with the reason when the options are wrong. */
export function parseOptions(words: readonly string[]): Options {
  const description = 'Sends a cluster what no client should, and checks that it harms no other.';
  const command = commandLine('npm run fuzz --', description)
    .option('-m, --minutes <count>', 'how long', whole(1, MAX_MINUTES), 2)
    .option('--seed <seed>', 'what decides what is drawn (default: the time)', whole(0, 2 ** 32 - 1))
    .option('--rate <frames>', 'frames per minute in all, at most', whole(1, MAX_RATE), 1_200_000)
    .option('--connections <count>', 'connections to each port of clients', whole(1, MAX_CONNECTIONS), 4)
    .option('--write <file>', 'write the report there', word)
    .addHelpText('after', MORE);
  command.parse(words, { from: 'user' });
  const given = command.opts<Omit<Options, 'seed' | 'write'> & { seed?: number; write?: string }>();
  return { ...given, seed: given.seed ?? Math.floor(Date.now() / 1000), write: given.write };
}
