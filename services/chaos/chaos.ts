/** `npm run chaos`: strikes the processes of a running cluster, and tells how long they take to serve again. */
import path from 'node:path';
import { Command, Option } from 'commander';
import { EXIT_INTERRUPTED, errorText, interruption } from './interrupt.ts';
import { localTarget } from './local-target.ts';
import { duration, seedOption, selectors, sequence, whole } from './options.ts';
import { clock, output } from './output.ts';
import { freshSeed } from './random.ts';
import { dueAt, type Schedule, type Selector, victimsOf } from './schedule.ts';
import { showMs, showSummary, summarize } from './statistics.ts';
import { PATIENCE_MS, REST_MS, runStrikes } from './strikes.ts';
import type { Blow, Target } from './target.ts';

type Options = {
  readonly stack: string;
  readonly data?: string;
  readonly victims: readonly Selector[];
  readonly atOnce: number;
  readonly sequence?: readonly (readonly Selector[])[];
  readonly interval: number;
  readonly rest: number;
  readonly count?: number;
  readonly duration?: number;
  readonly seed?: number;
  readonly signal: Blow['kind'];
  readonly stopFor: number;
  readonly patience: number;
  readonly dryRun: boolean;
  readonly json: boolean;
};

const INTERVAL_MS = 5_000;
const STOP_FOR_MS = 2_000;
/** Strikes of an endless schedule that a dry run shows. */
const DRY_RUN_STRIKES = 10;
const MAX_STRIKES = 1_000_000;

const MORE = `
Whom to strike: all, workers, finder, or a name that cluster.json has, such as counter-0.
Times are in milliseconds, or with a unit: 300, 5s, 2m.

  npm run chaos                                            a random process every 5 s, until Ctrl-C
  npm run chaos -- --victims workers --interval 1s --count 20
  npm run chaos -- --sequence counter-0,finder,counter-0+counter-1,all
  npm run chaos -- --signal stop --stop-for 3s             stand still, then go on

Exit codes: 0 done, 1 somebody could not be struck or did not serve again, 130 interrupted.`;

function parse(words: readonly string[]): Options {
  return new Command('npm run chaos --')
    .description('Strikes processes of a running cluster, waits until they serve again, and tells how long that takes.')
    .option('-s, --stack <name>', 'the stack whose cluster it is', 'dev')
    .option('-d, --data <directory>', 'the data directory of the cluster (default: .dpr/<stack>)')
    .option('--victims <who>', 'whom to choose from at random', selectors, ['all'])
    .option('--at-once <n>', 'so many of them in each strike', whole(1, 1_000), 1)
    .addOption(
      new Option('--sequence <who>', 'strike these, one after another').argParser(sequence).conflicts('victims'),
    )
    .option('--interval <time>', 'from one strike to the next', duration, INTERVAL_MS)
    .option('--rest <time>', 'at least so long between the recovery from a strike and the next', duration, REST_MS)
    .option('--count <n>', 'end after so many strikes', whole(1, MAX_STRIKES))
    .option('--duration <time>', 'end after this time', duration)
    .option('--seed <n>', 'repeat the random choices of another run', seedOption)
    .addOption(
      new Option('--signal <what>', 'kill: SIGKILL; term: SIGTERM; stop: SIGSTOP, and SIGCONT later')
        .choices(['kill', 'term', 'stop'])
        .default('kill'),
    )
    .option('--stop-for <time>', 'how long to stand still', duration, STOP_FOR_MS)
    .option('--patience <time>', 'how long a victim may take to serve again', duration, PATIENCE_MS)
    .option('--dry-run', 'tell who would be struck when', false)
    .option('--json', 'one JSON object per line, for scripts', false)
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', MORE)
    .allowExcessArguments(false)
    .parse(words, { from: 'user' })
    .opts<Options>();
}

/** A sequence is gone through once, unless it is told how often or for how long to repeat it. */
function scheduleOf(options: Options): Schedule {
  const { sequence: entries, count, duration: durationMs = Infinity, interval: intervalMs } = options;
  const once = entries !== undefined && durationMs === Infinity ? entries.length : Infinity;
  return {
    seed: options.seed ?? freshSeed(),
    firstMs: 0,
    intervalMs,
    restMs: options.rest,
    count: count ?? once,
    durationMs,
    choice:
      entries === undefined
        ? { kind: 'random', among: options.victims, atOnce: options.atOnce }
        : { kind: 'sequence', entries },
  };
}

async function run(options: Options, schedule: Schedule, target: Target, signal: AbortSignal): Promise<void> {
  const say = output(options.json);
  const recoveries: number[] = [];
  let strikes = 0;
  const done = { kill: 'killed', term: 'told to stop', stop: `stopped for ${showMs(options.stopFor)}` }[options.signal];
  try {
    await runStrikes({
      target,
      schedule,
      blow: options.signal === 'stop' ? { kind: 'stop', forMs: options.stopFor } : { kind: options.signal },
      patienceMs: options.patience,
      signal,
      struck({ index, atMs, victims }) {
        strikes++;
        const names = victims.map(({ name }) => name);
        const event = { event: 'struck', index, atMs, victims: names, signal: options.signal };
        say(event, `${clock()}  ${names.join(' and ')} ${done}`);
      },
      recovered({ index, victim, tookMs }) {
        recoveries.push(tookMs);
        const event = { event: 'recovered', index, victim: victim.name, tookMs };
        say(event, `${clock()}  ${victim.name} serves again after ${showMs(tookMs)}`);
      },
    });
  } finally {
    const recovery = summarize(recoveries);
    const { seed } = schedule;
    const text = `${strikes} strikes; recovery ${showSummary(recovery)}; seed ${seed}`;
    if (strikes > 0) say({ event: 'summary', strikes, recovery, seed }, text);
  }
}

/** Tells who would be struck when, if each served again at once and nobody came or went. */
async function rehearse(options: Options, schedule: Schedule, target: Target): Promise<void> {
  const say = output(options.json);
  const victims = await target.victims();
  const shown = { ...schedule, count: Math.min(schedule.count, DRY_RUN_STRIKES) };
  let atMs = 0;
  for (let index = 0; ; index++) {
    const due = dueAt(shown, index, atMs, atMs);
    if (due === undefined) break;
    atMs = due;
    const names = victimsOf(schedule, index, victims).map(({ name }) => name);
    say({ event: 'wouldStrike', index, atMs, victims: names }, `after ${showMs(atMs)}  ${names.join(' and ')}`);
  }
  if (shown.count < schedule.count) say({ event: 'more' }, '… and so on');
  say({ event: 'summary', seed: schedule.seed }, `nobody was struck; seed ${schedule.seed}`);
}

async function main(words: readonly string[]): Promise<number> {
  const options = parse(words);
  const schedule = scheduleOf(options);
  const target = localTarget(path.resolve(options.data ?? path.join('.dpr', options.stack)));
  const signal = interruption();
  try {
    await (options.dryRun ? rehearse(options, schedule, target) : run(options, schedule, target, signal));
    return signal.aborted ? EXIT_INTERRUPTED : 0;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));
