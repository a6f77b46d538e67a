/** Compares what a store answers with what Redis does, from the command line. `--help` tells what it can do. */
import { commandLine, EXIT_USAGE, whole, word } from '../../services/local/command-line.ts';
import { endAll } from '../cluster/harness.ts';
import { type TableName, TABLE_NAMES } from './differential/commands/index.ts';
import { startPrograms, type Programs } from './differential/programs.ts';
import { type CommandCounts, runDifferential } from './differential/run.ts';

const MORE = `
It starts a cluster of this machine with one store, and a redis-server (Debian: apt-get install redis-server); sends both the same
commands, drawn by the seed from the tables in test/resp/differential/commands; and stops at the first reply that is not the same, with
what was done to its keys before, and with the shortest sequence found that shows it. A command that the store does not have yet is not
drawn. At the end the store is killed, and must hold the same once it is back.

Examples:
  node --import tsx test/resp/differential.ts --seed 7 --steps 100000
  node --import tsx test/resp/differential.ts --only zset --only set    these types, and commands on any key

Exit codes: 0 nothing differs; 1 something does; ${EXIT_USAGE} wrong options.`;

const MAX_SEED = 2 ** 48;
const MAX_STEPS = 1_000_000_000;

function table(text: string, before: readonly TableName[] = []): readonly TableName[] {
  const name = TABLE_NAMES.find((one) => one === word(text));
  if (name === undefined) throw new Error(`there is no table '${text}': there are ${TABLE_NAMES.join(', ')}`);
  return [...before, name];
}

function countsText(counts: CommandCounts): string {
  const lines = [...counts].map(([name, { total, errors, empty }]) =>
    [name.padEnd(18), ...[total, errors, empty].map((count) => String(count).padStart(9))].join(''),
  );
  return ['command               total   errors    empty', ...lines].join('\n');
}

const command = commandLine('node --import tsx test/resp/differential.ts', 'Compares a store with Redis.')
  .option('--seed <seed>', 'what decides what is drawn (default: the time)', whole(0, MAX_SEED), Date.now())
  .option('--steps <count>', 'how many commands, transactions and the like', whole(1, MAX_STEPS), 20_000)
  .option('--only <table>', `a table to draw from, again and again: ${TABLE_NAMES.join(', ')}`, table)
  .option('--counts', 'show how often each command was answered, with errors, and with nothing')
  .addHelpText('after', MORE);
command.parse();
const options = command.opts<{ seed: number; steps: number; only?: readonly TableName[]; counts?: true }>();

let programs: Programs | undefined;
try {
  programs = await startPrograms();
  const { seed, steps, only = TABLE_NAMES } = options;
  const counts = await runDifferential({ seed, steps, only, programs });
  if (options.counts === true) console.log(countsText(counts));
  console.log(`seed ${seed}: ${steps} steps with ${counts.size} commands, and nothing differs`);
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await programs?.stop();
  await endAll();
}
