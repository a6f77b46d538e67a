/** `npm run measure`: the figures of the README, on clusters that it starts itself. */
import { commandLine, whole } from '@dpr/local/command-line';
import { interruptible } from '@dpr/local/interrupt';
import { markdownTable, showMs } from '@dpr/local/measurements';
import { seedOption } from './options.ts';
import { type Figure, measure } from './run-measure.ts';

type Options = {
  readonly kills: number;
  readonly commits: number;
  readonly starts: number;
  readonly seed: number;
  readonly json: boolean;
};

function parse(words: readonly string[]): Options {
  const description =
    'Measures recovery, commits and starts on clusters of its own. Let nothing else keep the machine busy.';
  return commandLine('npm run measure --', description)
    .option('--kills <n>', 'how often a worker is killed, and how often the Finder', whole(1, 10_000), 40)
    .option('--commits <n>', 'how many commits of each kind', whole(1, 100_000), 100)
    .option('--starts <n>', 'how often a cluster is started', whole(1, 1_000), 5)
    .option('--seed <n>', 'for the moments of the calls', seedOption, 1)
    .option('--json', 'one JSON object, times in milliseconds', false)
    .parse(words, { from: 'user' })
    .opts<Options>();
}

/** The figures as a table that is Markdown as well. */
function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, aimMs, ms: { count, p50, p90, max } }) => [
    name.replace(/^ +/, '… '),
    aimMs === undefined ? '' : `≤ ${showMs(aimMs)}`,
    ...[p50, p90, max].map(showMs),
    String(count),
  ]);
  return markdownTable(['figure', 'aim for p50', 'p50', 'p90', 'max', 'count'], rows);
}

const options = parse(process.argv.slice(2));
const exitCode = await interruptible(async (signal) => {
  const figures = await measure({ ...options, signal, log: (text) => process.stderr.write(`${text} …\n`) });
  process.stdout.write(`${options.json ? JSON.stringify({ node: process.version, figures }) : table(figures)}\n`);
});
process.exit(exitCode);
