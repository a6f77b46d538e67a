/** The `dpr` command: its options, its help and how it ends. */
import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { complaintOf } from './error-report.ts';
import { stacksDirectory } from './local-clusters.ts';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';
import { VERSION } from '../version.ts';
import { DEFAULT_CLUSTER, DEFAULT_TIMEOUT_S, type Variables } from './settings.ts';
import { addSubcommands } from './subcommands.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  $ dpr status --watch
  $ dpr add 0 300 --commit
  $ dpr get 0
  $ dpr set 2 cart-17 'two apples'
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
  const program = new Command('dpr')
    .description('Look at a DPR cluster, use its counters and stores, remove workers.')
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
  addSubcommands(program, { variables, terminal, directory: stacksDirectory(calledIn) });
  return program;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('A time is a number of seconds above 0, up to 86400.');
}
