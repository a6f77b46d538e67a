/** `npm run bench`: DPR beside what its users would pick instead, in one run on this machine. */
import path from 'node:path';
import { commandLine, whole } from '@dpr/local/command-line';
import { interruptible } from '@dpr/local/interrupt';
import { cellName, TARGET_CELLS } from './cells.ts';
import { profileWorker } from './profile-worker.ts';
import { cellResults, cellTable, EXPLANATION, machineLine, targetTable } from './report.ts';
import { writeResults } from './result-files.ts';
import { machineOf, runBench, selection } from './measure-all.ts';
import { judge } from './targets.ts';

type Options = {
  readonly quick: boolean;
  readonly only: string;
  readonly rounds: number;
  readonly sessions: number;
  readonly json: boolean;
  readonly write: boolean;
  readonly profile?: string;
};

const ROOT = path.join(import.meta.dirname, '..');
const NO_REDIS =
  'redis-server is not on the path, so there is nothing to compare with: install it (Debian: apt-get install redis-server).';

function parse(words: readonly string[]): Options {
  const description =
    'Measures a cluster, Redis and bare WebSockets, in turns. Let nothing else keep the machine busy.';
  return commandLine('npm run bench --', description)
    .option('--quick', 'a look in about two minutes: few loads, short runs', false)
    .option('--only <text>', 'only loads and parts whose name contains this, as in B=64 or commits', '')
    .option('--rounds <n>', 'how often everything is measured', whole(1, 100), 3)
    .option('--sessions <n>', 'how many sessions a worker is to remember', whole(1, 1_000_000), 100_000)
    .option('--json', 'one JSON object; rates per second, times in nanoseconds', false)
    .option('--write', 'also write tables and charts into the documents', false)
    .option(
      '--profile <directory>',
      'no table, but CPU profiles of the worker and of the load (of the first load that --only leaves)',
    )
    .parse(words, { from: 'user' })
    .opts<Options>();
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function profile(directory: string, { only }: Options, signal: AbortSignal): Promise<void> {
  const [first] = selection({ quick: false, only }).cells;
  const cell = only === '' || first === undefined ? TARGET_CELLS.medium : first;
  say(`profiling ${cellName(cell)} …`);
  const files = await profileWorker(directory, cell, signal);
  say(
    `${files.join('\n')}\nOpen them in Chrome (DevTools, Performance, Load profile), in VS Code, or at speedscope.app.`,
  );
}

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const machine = machineOf();
  if (machine.redis === undefined) say(NO_REDIS);
  const measured = await runBench({ ...options, signal, tell: (text) => say(`${text} …`) });
  const results = { machine, targets: judge(measured), cells: cellResults(measured.cells) };
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...results, measured })}\n`);
  } else {
    const cells = results.cells.length === 0 ? [] : [cellTable(results.cells), EXPLANATION];
    const targets = results.targets.length === 0 ? [] : [targetTable(results.targets)];
    process.stdout.write(`${[machineLine(machine), ...targets, ...cells].join('\n\n')}\n`);
  }
  if (options.write) say(`written: ${writeResults(ROOT, results).join(', ')}`);
}

const options = parse(process.argv.slice(2));
const exitCode = await interruptible((signal) =>
  options.profile === undefined ? bench(options, signal) : profile(options.profile, options, signal),
);
process.exit(exitCode);
