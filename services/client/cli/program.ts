/** The `dpr` command: its words, options and help. */
import path from 'node:path';
import { MAX_AMOUNT, MIN_AMOUNT } from '@dpr/counter/operations';
import { MAX_WORKER_ID } from '@dpr/protocol';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addToCounter, readCounter, removeWorker, showStatus, showWorkers, watchEvents } from './commands.ts';
import { complaintOf } from './complaint.ts';
import { ensureDeclared, type EnsureWords } from './ensure.ts';
import { clusterIn, dataDirectory, stacksDirectory } from './here.ts';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';
import { VERSION } from '../version.ts';
import { showPids } from './processes.ts';
import {
  DEFAULT_CLUSTER,
  DEFAULT_TIMEOUT_S,
  settingsInTime,
  settingsOf,
  type CommonOptions,
  type Variables,
} from './settings.ts';
import type { Terminal } from './terminal.ts';
import { deleteVolume, showVolumes, type VolumesPlace } from './volumes.ts';

const EXAMPLES = `
Examples:
  $ dpr status --watch
  $ dpr add 0 300 --commit
  $ dpr get 0
  $ DPR_CLUSTER=wss://dpr.example.com:6379 dpr --ca ca.pem workers
  $ dpr remove-worker 1 --wait
  $ kill -9 $(dpr pid counter-0)

With --json a command that fails prints { "error", "exitCode" }. Values of counters are texts in JSON, since they have 64 bits.

Exit codes:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}`).join('\n')}`;

const TOKENS = `
Tokens come from files or the environment: DPR_CLIENT_TOKEN or DPR_CLIENT_TOKEN_FILE, DPR_CONTROL_TOKEN or
DPR_CONTROL_TOKEN_FILE. Without any, the one that 'npm start' made is taken from the data directory of the cluster that
runs here, and its addresses too: of the stack of this directory, or of the checkout that it is in, that runs, dev before others. Where none runs now, a command
fails and asks no other cluster; with --timeout it waits for one. DPR_CONTROL names the control port where the Finder does not
tell it rightly.`;

/**
 * @param directory where it is called: clusters of the stacks there, or of the checkout around it, are found without an address
 * @returns the exit code
 */
export async function runDpr(
  args: readonly string[],
  variables: Variables,
  terminal: Terminal,
  directory: string,
): Promise<number> {
  const tell = (error: string, exitCode: number): number => {
    if (args.includes('--json')) terminal.print(JSON.stringify({ error, exitCode }));
    return exitCode;
  };
  try {
    await buildProgram(variables, terminal, directory).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // Help was asked for, or commander has told already what is wrong.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT.ok : tell(error.message.replace(/^error: /, ''), EXIT.usage);
    }
    if (terminal.signal.aborted) return EXIT.interrupted;
    const { text, exitCode } = complaintOf(error);
    terminal.say(`error: ${text}`);
    return tell(text, exitCode);
  }
}

function buildProgram(variables: Variables, terminal: Terminal, calledIn: string): Command {
  const directory = stacksDirectory(calledIn);
  const program = new Command('dpr')
    .description('Look at a DPR cluster, use its counters, remove workers.')
    .option(
      '--cluster <address>',
      `the Finder's public port (DPR_CLUSTER; default: of the cluster that runs here; where none was ever started, ${DEFAULT_CLUSTER})`,
    )
    .option('-s, --stack <name>', 'the cluster of this stack that runs here')
    .option('--data <directory>', 'the cluster that runs here with its data in this directory', (data) =>
      path.resolve(calledIn, data),
    )
    .option('--control <address>', "the Finder's control port (DPR_CONTROL; default: as the Finder tells)")
    .option('--token-file <file>', 'the token of clients, where the cluster asks for one')
    .option('--control-token-file <file>', 'the token of the control port, where the cluster asks for one')
    .option('--ca <file>', 'PEM certificates to trust, for wss://')
    .option(
      '--timeout <seconds>',
      `how long to wait for an answer, or until there is a Finder (default: ${DEFAULT_TIMEOUT_S}, and not for a Finder)`,
      seconds,
    )
    .option('--json', 'as JSON, one line; watch and status --watch print one for each event or look')
    .version(VERSION, '--version', 'print the version')
    .addHelpText('after', `${TOKENS}\n${EXAMPLES}`)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.say(text.trimEnd()),
    })
    .showHelpAfterError("'dpr --help' tells more.")
    .exitOverride();
  const settings = () => settingsInTime(program.opts<CommonOptions>(), variables, directory, terminal.signal);
  const withJson = <Words extends object>(words: Words) => ({
    ...words,
    json: program.opts<CommonOptions>().json === true,
  });

  /** The Finder that is asked is that of these volumes, and no other that may run on this machine. */
  async function volumesPlace(): Promise<VolumesPlace> {
    const { stack, data, ...options } = program.opts<CommonOptions>();
    const place = dataDirectory({ ...(stack && { stack }), ...(data && { data }) }, directory);
    if ((await clusterIn(place)) !== undefined) {
      return { data: place, settings: await settingsOf({ ...options, data: place }, variables, directory) };
    }
    const isGiven = options.cluster !== undefined;
    return { data: place, settings: isGiven ? await settingsOf(options, variables, directory) : undefined };
  }

  program
    .command('status')
    .description('the world-line; per worker its state, versions, and what is executed and not committed')
    .option('--watch', 'look again every second, until Ctrl-C')
    .addHelpText('after', STATUS_HELP)
    .action(async (words: { watch?: boolean }) => showStatus(await settings(), terminal, withJson(words)));

  program
    .command('workers')
    .description('the workers and where they are reached')
    .addHelpText('after', examples('dpr workers', "dpr workers --json | jq '.[].address'"))
    .action(async (words: object) => showWorkers(await settings(), terminal, withJson(words)));

  program
    .command('add')
    .description('add to a counter, and print its value')
    .argument('<worker>', 'the id of a counter', workerId)
    .argument('<amount>', 'a whole number of 64 bits; it may be negative', amount)
    .option('--commit', 'wait until it is committed')
    .option('--no-replay', 'fail, instead of adding it again, when a failure of the cluster took it back')
    .addHelpText('after', examples('dpr add 0 300', 'dpr add 0 -5', 'dpr add 1 1 --commit'))
    .action(async (worker: number, by: bigint, words: { commit?: boolean; replay?: boolean }) =>
      addToCounter(await settings(), terminal, worker, by, withJson(words)),
    );

  program
    .command('get')
    .description("print a counter's value, asked for again if a failure comes between")
    .argument('<worker>', 'the id of a counter', workerId)
    .addHelpText('after', examples('dpr get 0', 'dpr get 0 --json | jq -r .value'))
    .action(async (worker: number, words: object) => readCounter(await settings(), terminal, worker, withJson(words)));

  program
    .command('remove-worker')
    .description('ask a worker to leave: once everything that it executed is committed, it is a member no more')
    .argument('<id>', "the worker's id", workerId)
    .option('--force', 'remove it though it is dead; what it did not commit is lost, for all clients')
    .option('--wait', 'wait until it left, and tell what it waits for')
    .addHelpText('after', examples('dpr remove-worker 1 --wait', 'dpr remove-worker 1 --force'))
    .action(async (id: number, words: { force?: boolean; wait?: boolean }) =>
      removeWorker(await settings(), terminal, id, withJson(words)),
    );

  program
    .command('ensure')
    .description('wait, up to --timeout, until the declared workers serve; fail if others are members too')
    .argument('[workers...]', 'the members that the cluster is to have, by type: counter:0-4,7 kv:5; or the word none')
    .option('--remove-others', 'ask workers that are not declared to leave, and wait until they left')
    .option(
      '--force-remove <ids>',
      'with --remove-others: dead workers that may leave although work of theirs is lost by it',
    )
    .option('--ingress <address>', 'where the pods of the ingress tell what they serve')
    .option('--ingress-version <version>', 'what they are to serve')
    .addHelpText(
      'after',
      examples('dpr ensure counter:0-4 --timeout 60', 'dpr ensure counter:0 --remove-others --force-remove 1'),
    )
    .action(async (declared: string[], words: EnsureWords) =>
      ensureDeclared(await settings(), terminal, declared, withJson(words)),
    );

  const volumes = program
    .command('volumes')
    .description('the volumes of workers on this machine, also of removed ones: nothing of those is deleted by itself')
    .addHelpText('after', VOLUMES_HELP)
    .action(async (words: object) => showVolumes(await volumesPlace(), terminal, withJson(words)));
  volumes
    .command('delete')
    .description('delete what is kept of a removed worker; it cannot be brought back then')
    .argument('<worker>', "the worker's id", workerId)
    .argument('<generation>', 'which of its lives', generation)
    .option('--yes', 'really; otherwise it says what it would delete')
    .addHelpText('after', examples('dpr volumes delete 1 2', 'dpr volumes delete 1 2 --yes'))
    .action(async (id: number, which: number, words: { yes?: boolean }) =>
      deleteVolume(await volumesPlace(), terminal, id, which, withJson(words)),
    );

  program
    .command('watch')
    .description('joins, leaves, restarts, rollbacks and cuts as they happen, until Ctrl-C')
    .addHelpText('after', examples('dpr watch', 'dpr watch --json | grep rolledBack'))
    .action(async (words: object) => watchEvents(await settings(), terminal, withJson(words)));

  program
    .command('pid')
    .description('the process ids of a cluster of this machine, or of one of its processes')
    .argument('[name]', 'of the process, such as counter-0 or dpr-finder')
    .addHelpText('after', examples('dpr pid', 'kill -9 $(dpr pid counter-0)'))
    .action((name: string | undefined, words: object) =>
      showPids(program.opts<CommonOptions>(), directory, terminal, name, withJson(words)),
    );

  return program;
}

const STATUS_HELP = `
COMMITTED: when operations of the worker were committed last, and 'all' if none waits. DURABLE: when it reported a checkpoint
last. Both by the Finder's clock; - where there was none yet. LAG: how many operations executed and are not committed, and for
how long the oldest has been so. A ? is what the Finder does not know: what was before it began, or a worker's that is away.
RESTARTS: starts that no clean stop preceded. A worker that is silent is connected and does not answer.
Where a line is too short for all columns some give way; --json has everything, with versions as numbers.
${examples('dpr status', 'dpr status --watch', 'dpr status --json | jq .worldLine')}`;

const VOLUMES_HELP = `
A worker that is removed leaves its volume. Added again, it begins with what was committed (state: kept in its entry), with an
earlier generation (state: NUMBER), or without (state: empty).
${examples('dpr volumes', 'dpr volumes --data .dpr/test --json', 'dpr volumes delete 1 2 --yes')}`;

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

function workerId(text: string): number {
  const id = Number(text);
  if (/^\d+$/.test(text) && id <= MAX_WORKER_ID) return id;
  throw new InvalidArgumentError(`A worker's id is a whole number from 0 to ${MAX_WORKER_ID}.`);
}

function generation(text: string): number {
  const value = Number(text);
  if (/^[1-9]\d{0,8}$/.test(text)) return value;
  throw new InvalidArgumentError('A generation is a whole number from 1.');
}

function amount(text: string): bigint {
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
  if (value !== undefined && value >= MIN_AMOUNT && value <= MAX_AMOUNT) return value;
  throw new InvalidArgumentError(`An amount is a whole number from ${MIN_AMOUNT} to ${MAX_AMOUNT}.`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('A time is a number of seconds above 0, up to 86400.');
}
