/** The subcommands of `dpr`: their words, options and help. */
import { MAX_AMOUNT, MIN_AMOUNT } from '@dpr/counter/operations';
import { MAX_KEPT_EVENTS, MAX_WORKER_ID } from '@dpr/protocol';
import { MAX_TIME_TO_LIVE_MS } from '@dpr/store/operations';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { removeWorker, showEvents, showStatus, showWorkers, watchEvents } from './commands.ts';
import { addToCounter, readCounter } from './counter-commands.ts';
import { ensureDeclared, type EnsureWords } from './ensure-command.ts';
import { clusterIn, dataDirectory, respAddresses } from './local-clusters.ts';
import { showConsole, type ConsolePlace } from './console-command.ts';
import { showPids } from './pid-command.ts';
import { settingsInTime, settingsOf, type CommonOptions, type Variables } from './settings.ts';
import { deleteKeys, readKey, setKey, type SetWords } from './store-commands.ts';
import type { Terminal } from './terminal.ts';
import { deleteVolume, showVolumes, type VolumesPlace } from './volumes-command.ts';
import type { WriteWords } from './worker-calls.ts';

const MAX_PORT = 65_535;

/** Where the command was called. */
export interface Caller {
  readonly variables: Variables;
  readonly terminal: Terminal;
  /** Where stacks are looked for. */
  readonly directory: string;
}

/** What the subcommands share. */
interface Context {
  readonly terminal: Terminal;
  readonly common: () => CommonOptions;
  readonly settings: () => ReturnType<typeof settingsInTime>;
  readonly withJson: <Words extends object>(words: Words) => Words & { readonly json: boolean };
}

/** In the order in which the help lists them. */
export function addSubcommands(program: Command, caller: Caller): void {
  const { variables, terminal, directory } = caller;
  const common = () => program.opts<CommonOptions>();
  const context: Context = {
    terminal,
    common,
    settings: () => settingsInTime(common(), variables, directory, terminal.signal),
    withJson: (words) => ({ ...words, json: common().json === true }),
  };
  addStatusCommands(program, context, directory);
  addCounterCommands(program, context);
  addStoreCommands(program, context);
  addMembershipCommands(program, context);
  addVolumesCommand(program, context, () => volumesPlace(common(), caller));
  addEventCommands(program, context);
  addConsoleCommand(program, context, directory);
  addPidCommand(program, context, directory);
}

/** The Finder that is asked is that of these volumes, and no other that may run on this machine. */
async function volumesPlace(
  { stack, data, ...options }: CommonOptions,
  { variables, directory }: Caller,
): Promise<VolumesPlace> {
  const place = dataDirectory({ ...(stack && { stack }), ...(data && { data }) }, directory);
  if ((await clusterIn(place)) !== undefined) {
    return { data: place, settings: await settingsOf({ ...options, data: place }, variables, directory) };
  }
  const isGiven = options.cluster !== undefined;
  return { data: place, settings: isGiven ? await settingsOf(options, variables, directory) : undefined };
}

function addStatusCommands(
  program: Command,
  { terminal, common, settings, withJson }: Context,
  directory: string,
): void {
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
    .action(async (words: object) => {
      const asked = await settings();
      return showWorkers(asked, terminal, await respAddresses(common(), directory, asked.cluster), withJson(words));
    });
}

function addCounterCommands(program: Command, { terminal, settings, withJson }: Context): void {
  const add = program
    .command('add')
    .description('add to a counter, and print its value')
    .argument('<worker>', 'the id of a counter', workerId)
    .argument('<amount>', 'a whole number of 64 bits; it may be negative', amount);
  withWriteOptions(add, 'adding it again')
    .addHelpText('after', examples('dpr add 0 300', 'dpr add 0 -5', 'dpr add 1 1 --commit'))
    .action(async (worker: number, by: bigint, words: WriteWords) =>
      addToCounter({ settings: await settings(), terminal, worker }, by, withJson(words)),
    );

  program
    .command('get')
    .description("print a counter's value, or what a store has under a key; asked for again if a failure comes between")
    .argument('<worker>', 'the id of a counter or of a store', workerId)
    .argument('[key]', 'of a store')
    .addHelpText('after', examples('dpr get 0', 'dpr get 0 --json | jq -r .value', 'dpr get 2 cart-17'))
    .action(async (worker: number, key: string | undefined, words: object) => {
      const asked = { settings: await settings(), terminal, worker };
      return key === undefined ? readCounter(asked, withJson(words)) : readKey(asked, key, withJson(words));
    });
}

function addStoreCommands(program: Command, { terminal, settings, withJson }: Context): void {
  const set = program
    .command('set')
    .description('write a key of a store, and print its revision')
    .argument('<worker>', 'the id of a store', workerId)
    .argument('<key>', 'text of up to 65,535 bytes')
    .argument('<value>', 'text')
    .option('--ttl <seconds>', 'the key is gone after that time', timeToLive)
    .addOption(new Option('--if-absent', 'only if the key is not there').conflicts('ifPresent'))
    .option('--if-present', 'only if the key is there');
  withWriteOptions(set, 'writing it again')
    .addHelpText('after', examples("dpr set 2 cart-17 'two apples' --commit", 'dpr set 2 lock me --if-absent --ttl 30'))
    .action(async (worker: number, key: string, value: string, words: SetWords) =>
      setKey({ settings: await settings(), terminal, worker }, key, value, withJson(words)),
    );

  const del = program
    .command('del')
    .description('delete keys of a store, and print how many were there')
    .argument('<worker>', 'the id of a store', workerId)
    .argument('<keys...>', 'which');
  withWriteOptions(del, 'deleting again')
    .addHelpText('after', examples('dpr del 2 cart-17 cart-18 --commit'))
    .action(async (worker: number, keys: string[], words: WriteWords) =>
      deleteKeys({ settings: await settings(), terminal, worker }, keys, withJson(words)),
    );
}

/** Of each command that changes something. @param again what it does after a failure */
function withWriteOptions(command: Command, again: string): Command {
  return command
    .option('--commit', 'wait until it is committed')
    .option('--no-replay', `fail, instead of ${again}, when a failure of the cluster took it back`);
}

function addMembershipCommands(program: Command, { terminal, settings, withJson }: Context): void {
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
}

function addVolumesCommand(
  program: Command,
  { terminal, withJson }: Context,
  place: () => Promise<VolumesPlace>,
): void {
  const volumes = program
    .command('volumes')
    .description('the volumes of workers on this machine, also of removed ones: nothing of those is deleted by itself')
    .addHelpText('after', VOLUMES_HELP)
    .action(async (words: object) => showVolumes(await place(), terminal, withJson(words)));
  volumes
    .command('delete')
    .description('delete what is kept of a removed worker; it cannot be brought back then')
    .argument('<worker>', "the worker's id", workerId)
    .argument('<generation>', 'which of its lives', generation)
    .option('--yes', 'really; otherwise it says what it would delete')
    .addHelpText('after', examples('dpr volumes delete 1 2', 'dpr volumes delete 1 2 --yes'))
    .action(async (id: number, which: number, words: { yes?: boolean }) =>
      deleteVolume(await place(), terminal, id, which, withJson(words)),
    );
}

function addEventCommands(program: Command, { terminal, settings, withJson }: Context): void {
  program
    .command('events')
    .description('what happened lately: joins, leaves, restarts and rollbacks with their times, the newest last')
    .addHelpText('after', EVENTS_HELP)
    .action(async (words: object) => showEvents(await settings(), terminal, withJson(words)));

  program
    .command('watch')
    .description('joins, leaves, restarts, rollbacks and cuts as they happen, until Ctrl-C')
    .addHelpText('after', examples('dpr watch', 'dpr watch --json | grep rolledBack'))
    .action(async (words: object) => watchEvents(await settings(), terminal, withJson(words)));
}

function addConsoleCommand(
  program: Command,
  { terminal, common, settings, withJson }: Context,
  directory: string,
): void {
  program
    .command('console')
    .description('a page in the browser that shows the cluster, until Ctrl-C')
    .option('--port <port>', 'at which it is served (default: any free one)', port)
    .option(
      '--host <address>',
      'at which it is served (default: 127.0.0.1); elsewhere pages have to be given the control token',
    )
    .option(
      '--metrics <address>',
      'where metrics are read, with NAME for dpr-finder or TYPE-ID, as in http://NAME:16380/metrics',
      metricsAddress,
    )
    .addHelpText('after', CONSOLE_HELP)
    .action(async (words: ConsolePlace) =>
      showConsole(await settings(), terminal, { place: common(), directory }, withJson(words)),
    );
}

function addPidCommand(program: Command, { terminal, common, withJson }: Context, directory: string): void {
  program
    .command('pid')
    .description('the process ids of a cluster of this machine, or of one of its processes')
    .argument('[name]', 'of the process, such as counter-0 or dpr-finder')
    .addHelpText('after', examples('dpr pid', 'kill -9 $(dpr pid counter-0)'))
    .action((name: string | undefined, words: object) =>
      showPids(common(), directory, terminal, name, withJson(words)),
    );
}

const STATUS_HELP = `
COMMITTED: when operations of the worker were committed last, and 'all' if none waits. DURABLE: when it reported a checkpoint
last. Both by the Finder's clock; - where there was none yet. LAG: how many operations executed and are not committed, and for
how long the oldest has been so. A ? is what the Finder does not know: what was before it began, or a worker's that is away.
RESTARTS: starts that no clean stop preceded. A worker that is silent is connected and does not answer.
Where a line is too short for all columns some give way; --json has everything, with versions as numbers.
${examples('dpr status', 'dpr status --watch', 'dpr status --json | jq .worldLine')}`;

const EVENTS_HELP = `
The Finder keeps the newest ${MAX_KEPT_EVENTS} events in its memory, and begins anew when it is restarted: its start is then the first of them. Times
are UTC by the clock of this machine. A worker is away while it has no connection to the Finder. How many operations a rollback took back
is an estimate: as many as workers had told the Finder of, that were not committed.
${examples('dpr events', 'dpr events --json | jq .events[-1]')}`;

const VOLUMES_HELP = `
A worker that is removed leaves its volume. Added again, it begins with what was committed (state: kept in its entry), with an
earlier generation (state: NUMBER), or without (state: empty).
${examples('dpr volumes', 'dpr volumes --data .dpr/test --json', 'dpr volumes delete 1 2 --yes')}`;

const CONSOLE_HELP = `
Rates and sizes are shown for a cluster that runs on this machine, or whose metrics are found by --metrics. A worker is removed by those who open
the address that is printed, or who give the page the control token.
${examples('dpr console', 'dpr console --port 8080', 'DPR_CLUSTER=wss://dpr.example.com:6379 dpr console')}`;

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

function workerId(text: string): number {
  const id = Number(text);
  if (/^\d+$/.test(text) && id <= MAX_WORKER_ID) return id;
  throw new InvalidArgumentError(`A worker's id is a whole number from 0 to ${MAX_WORKER_ID}.`);
}

function metricsAddress(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('An address of metrics begins with http:// or https://.');
}

function port(text: string): number {
  const value = Number(text);
  if (/^[1-9]\d{0,4}$/.test(text) && value <= MAX_PORT) return value;
  throw new InvalidArgumentError(`A port is a whole number from 1 to ${MAX_PORT}.`);
}

function timeToLive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value * 1_000 <= MAX_TIME_TO_LIVE_MS) return value;
  throw new InvalidArgumentError('A time to live is a number of seconds above 0.');
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
