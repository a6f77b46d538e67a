import path from 'node:path';
import { MAX_PORT } from '@dpr/infra/plan';
import { stackFileName } from '@dpr/infra/stack-file';
import { EXIT } from '@dpr/runtime/exit-codes';
import { Option } from 'commander';
import { DOUBT_FACTOR, REMOVAL_DELAY_MS } from './countdown.ts';
import { commandLine, EXIT_USAGE, whole, word } from './command-line.ts';
import { LOCAL_EXIT } from './exit-codes.ts';
import { RESTART_AFTER_MS } from './liveness.ts';
import { MAX_LOG_BYTES } from './log-file.ts';

export type Options = {
  /** The stack's file. */
  readonly config: string;
  /** Absolute. */
  readonly data: string;
  readonly checkpointIntervalMs: number | undefined;
  /** How long the config has to stay as it is before workers leave that it does not have. */
  readonly removalDelayMs: number;
  readonly host: string;
  readonly json: boolean;
  /** The port of the console, 0 any free one; undefined: there is none. */
  readonly consolePort: number | undefined;
};

const LONGEST_INTERVAL_MS = 60_000;
const LONGEST_DELAY_MS = 3_600_000;
const DEFAULT_STACK = 'dev';
const MIB = 2 ** 20;

const MORE = `
While it runs:
  Editing the config applies it: added workers join, changed ones restart. SIGHUP does it too. Removed ones leave after ${REMOVAL_DELAY_MS / 1_000} s
  without another change, ${(DOUBT_FACTOR * REMOVAL_DELAY_MS) / 1_000} s where they are many; what they hold is kept: see ./dpr volumes --help.
  Ctrl-C stops everything gracefully, and the next start goes on from there. Once more kills it.
  A process that does not answer is shown as silent, and one that served is restarted after ${RESTART_AFTER_MS / 1_000} s.
  <data>/cluster.json tells other programs which processes run at which ports, <data>/logs has a log of each,
  the newest ${(2 * MAX_LOG_BYTES) / MIB} MiB at most.

The console is a page in the browser, reached from this machine alone. The address that is printed has a key in it: who opens the
console by it may remove workers, and kill, pause and resume processes to see what happens.

The control port asks for a token, that of dpr:controlToken or else the one in <data>/control-token, where the command dpr
finds it. Pages of browsers are refused at every port, but for dpr:allowedOrigins at public ones.

With --json, standard output has one JSON object per line. Each has "time" and "event":
  cannotStart, starting, serving (the whole cluster), console, processStarted, processServing, processSilent, processAnswers,
  processEnded, processStopped, processSays, configChanged, configInvalid, removalPending, removalCancelled, worldLine,
  workerLeaving, workerLeft, warning, stopping, stopped, and "status": the world-line and every process, whenever one of
  them changes state.

Exit codes:
  ${EXIT.ok} stopped, everything is kept; ${EXIT_USAGE} wrong options; ${EXIT.internal} a defect
  ${EXIT.unclean} stopped, but what was not durable will be rolled back; ${LOCAL_EXIT.killed} killed by a second Ctrl-C
  ${EXIT.config} cannot start as configured: config, data directory or port`;

/** @param words without the program's own */
export function parseOptions(words: readonly string[]): Options {
  const description =
    'Runs the cluster of a stack on this machine: the Finder and every worker as processes of their own.';
  const given = commandLine('npm start --', description)
    .addOption(
      new Option('-s, --stack <name>', 'the stack whose Pulumi.<name>.yaml to use')
        .argParser(word)
        .default(DEFAULT_STACK),
    )
    .addOption(new Option('-c, --config <file>', 'the config file to use instead').argParser(word).conflicts('stack'))
    .option('-d, --data <directory>', 'where each process has its directory (default: .dpr/<stack>)', word)
    .option(
      '--checkpoint-interval <ms>',
      'for every worker, in place of what the config says',
      whole(1, LONGEST_INTERVAL_MS),
    )
    .option(
      '--removal-delay <ms>',
      'before workers leave that were taken out of the config',
      whole(0, LONGEST_DELAY_MS),
      REMOVAL_DELAY_MS,
    )
    .option('--host <address>', 'the address to bind; 0.0.0.0 lets other machines in', word, '127.0.0.1')
    .option(
      '--console-port <port>',
      'of the console in the browser, at 127.0.0.1 (default: any free one)',
      whole(1, MAX_PORT),
    )
    .option('--no-console', 'no console')
    .option('--json', 'one JSON object per line, for scripts', false)
    .addHelpText('after', MORE)
    .parse(words, { from: 'user' })
    .opts<Given>();
  const config = given.config ?? stackFileName(given.stack);
  return {
    config,
    data: path.resolve(given.data ?? path.join('.dpr', given.config === undefined ? given.stack : stackOf(config))),
    checkpointIntervalMs: given.checkpointInterval,
    removalDelayMs: given.removalDelay,
    host: given.host,
    json: given.json,
    consolePort: given.console ? (given.consolePort ?? 0) : undefined,
  };
}

type Given = {
  readonly stack: string;
  readonly config?: string;
  readonly data?: string;
  readonly checkpointInterval?: number;
  readonly removalDelay: number;
  readonly host: string;
  readonly json: boolean;
  readonly console: boolean;
  readonly consolePort?: number;
};

/** `Pulumi.dev.yaml` is of the stack `dev`; any other file stands for a stack of its own name. */
function stackOf(file: string): string {
  const name = path.basename(file, path.extname(file));
  return name.startsWith('Pulumi.') ? name.slice('Pulumi.'.length) : name;
}
