/** `npm run experiment`: counters incremented under kills, which must end with exactly what was added. */
import path from 'node:path';
import { commandLine, EXIT_USAGE, whole } from '@dpr/local/command-line';
import { EXIT_INTERRUPTED, errorText, interruption } from '@dpr/local/interrupt';
import { freshSeed, MAX_SEED } from '@dpr/local/measurements';
import { LOCAL_PROGRAM, startTemporaryCluster } from '@dpr/local/temporary-cluster';
import { patience } from '@dpr/runtime/time-limit';
import { kubernetesTarget } from './kubernetes-target.ts';
import { localTarget } from './local-target.ts';
import { clusterAddress, duration, seedOption, selectors } from './options.ts';
import { addTargetOptions, FAULTS, faultOf, checkTargetOptions, type TargetOptions } from './target-options.ts';
import { type Experiment, type ExperimentReport, type ExperimentSite, runExperiment } from './run-experiment.ts';
import type { Selector } from './schedule.ts';
import { experimentLine, experimentText, progress } from './show-experiment.ts';
import { PATIENCE_MS, REST_MS } from './faults.ts';
import type { Target } from './target.ts';

type Options = TargetOptions & {
  readonly cluster?: string;
  readonly data?: string;
  readonly workers: number;
  readonly target: number;
  readonly step: number;
  readonly duration?: number;
  readonly killEvery?: number;
  readonly minKills?: number;
  readonly victims: readonly Selector[];
  readonly atOnce: number;
  readonly stopFor?: number;
  readonly checkpointInterval?: number;
  readonly seed?: number;
  readonly repeat: number;
  readonly fast: boolean;
  readonly json: boolean;
};

/**
 * How long the increments take, how often a process has a fault, and how often the cluster writes checkpoints, ms: slowly when
 * there are few increments in a second, so that a kill finds something to lose.
 */
const STOP_FOR_MS = 2_000;
const PACES = {
  paced: { durationMs: 35_000, killEveryMs: 5_000, minKills: 3, checkpointIntervalMs: 500 },
  fast: { durationMs: 2_500, killEveryMs: 300, minKills: 5, checkpointIntervalMs: 100 },
};

const MORE = `${FAULTS}

Times are in milliseconds, or with a unit: 300, 5s, 2m. The cluster that it starts is gone afterwards; the one of
--cluster is left as it is, with its counters incremented. A cluster that asks for a token gets DPR_CLIENT_TOKEN.

  npm run experiment                                       about 40 s, a random kill every 5 s
  npm run experiment -- --fast --repeat 50                 each in a few seconds
  npm run experiment -- --victims finder --kill-every 1s
  npm run experiment -- --cluster ws://localhost:6379 --data .dpr/dev
  npm run experiment -- --cluster ws://ADDRESS:6379 --kubernetes --namespace dpr --victims workers

Exit codes: 0 every total is exact, 1 one is not or the experiment could not be finished,
${EXIT_USAGE} wrong options, ${EXIT_INTERRUPTED} interrupted.`;

function parse(words: readonly string[]): Options {
  const description =
    'One session increments counters while processes are killed. In the end every total must be exact.';
  const command = addTargetOptions(commandLine('npm run experiment --', description))
    .option('--target <n>', 'increment each counter until it exceeds this', whole(1, 1_000_000_000), 70_000)
    .option('--step <n>', 'by so much each time', whole(1, 1_000_000_000), 300)
    .option('--workers <n>', 'so many counters', whole(1, 100), 2)
    .option('--duration <time>', 'spread the increments over this time (default: 35s; fast: 2.5s)', duration)
    .option('--kill-every <time>', 'from one kill to the next; 0: no kills (default: 5s; fast: 300ms)', duration)
    .option('--min-kills <n>', 'wait for at least so many (default: 3; fast: 5)', whole(0, 1_000))
    .option('--victims <names>', 'which processes to kill: all, workers, finder, or names', selectors, [
      'workers',
      'finder',
    ])
    .option('--at-once <n>', 'so many of them each time', whole(1, 1_000), 1)
    .option('--stop-for <time>', 'instead of killing, let them stand still for so long', duration)
    .option('--checkpoint-interval <time>', 'of the cluster that it starts (default: 500ms; fast: 100ms)', duration)
    .option('--seed <n>', 'repeat the random choices of another run', seedOption)
    .option('--repeat <n>', 'so many experiments, each with the next seed, each told in a line', whole(1, 10_000), 1)
    .option('--fast', 'a few seconds, a kill every few hundred ms', false)
    .option(
      '--cluster <address>',
      'use this cluster instead of starting one, as in ws://localhost:6379',
      clusterAddress,
    )
    .option('--data <directory>', 'the data directory of that cluster, to kill its processes')
    .option('--json', 'one JSON object for each experiment, for scripts', false)
    .addHelpText('after', MORE);
  const options = command.parse(words, { from: 'user' }).opts<Options>();
  checkTargetOptions(command, options);
  const { cluster, data, kubernetes, killEvery } = options;
  if (cluster === undefined && (data !== undefined || kubernetes)) {
    command.error(`error: ${kubernetes ? '--kubernetes' : '--data'} goes with --cluster`);
  }
  if (data !== undefined && kubernetes) command.error('error: --data is for a cluster of this machine');
  if (cluster !== undefined && data === undefined && !kubernetes && killEvery !== 0) {
    command.error(
      'error: to kill processes of the cluster, add --data with its data directory, or --kubernetes; or --kill-every 0',
    );
  }
  return options;
}

function paceOf({ fast }: Options) {
  return fast ? PACES.fast : PACES.paced;
}

function experimentOf(options: Options, seed: number): Experiment {
  const pace = paceOf(options);
  const intervalMs = options.killEvery ?? pace.killEveryMs;
  const hasFaults = intervalMs > 0;
  return {
    target: options.target,
    step: options.step,
    workers: Array.from({ length: options.workers }, (_, id) => id),
    durationMs: options.duration ?? pace.durationMs,
    minFaults: hasFaults ? (options.minKills ?? pace.minKills) : 0,
    schedule: {
      seed,
      firstMs: intervalMs,
      intervalMs,
      restMs: REST_MS,
      count: hasFaults ? Infinity : 0,
      durationMs: Infinity,
      choice: { kind: 'random', among: options.victims, atOnce: options.atOnce },
    },
    fault: options.stopFor === undefined ? faultOf(options, STOP_FOR_MS) : { kind: 'stop', forMs: options.stopFor },
    patienceMs: PATIENCE_MS,
  };
}

type RunContext = Pick<ExperimentSite, 'signal' | 'emit'>;

async function onGivenCluster(options: Options, experiment: Experiment, context: RunContext) {
  const { cluster = '' } = options;
  const target = experiment.schedule.count === 0 ? undefined : await targetOf(options);
  const token = process.env.DPR_CLIENT_TOKEN;
  return runExperiment(experiment, { cluster, token, target, restart: undefined, ...context });
}

async function targetOf({ kubernetes, namespace, context, data = '' }: Options): Promise<Target> {
  if (!kubernetes) return localTarget(path.resolve(data));
  const target = await kubernetesTarget({ namespace, context });
  process.stderr.write(`injects faults into pods in ${target.place}\n`);
  return target;
}

async function onTemporaryCluster(
  options: Options,
  experiment: Experiment,
  context: RunContext,
): Promise<ExperimentReport> {
  const own = await startTemporaryCluster({
    workers: options.workers,
    checkpointIntervalMs: options.checkpointInterval ?? paceOf(options).checkpointIntervalMs,
    command: LOCAL_PROGRAM,
    signal: context.signal,
  });
  const unbroken = patience({ signals: [context.signal, own.broken] });
  try {
    const site: ExperimentSite = {
      cluster: own.cluster,
      token: undefined,
      target: experiment.schedule.count === 0 ? undefined : localTarget(own.dataDirectory),
      restart: () => own.restart(),
      signal: unbroken.signal,
      emit: context.emit,
    };
    return await runExperiment(experiment, site);
  } catch (error) {
    throw own.broken.aborted ? own.broken.reason : error;
  } finally {
    unbroken.end();
    await own.remove();
  }
}

async function main(words: readonly string[]): Promise<number> {
  const options = parse(words);
  const signal = interruption();
  const firstSeed = options.seed ?? freshSeed();
  const run = options.cluster === undefined ? onTemporaryCluster : onGivenCluster;
  let exact = true;
  for (let index = 0; index < options.repeat; index++) {
    const seed = (firstSeed + index) % (MAX_SEED + 1);
    const shown = progress(options.repeat === 1);
    try {
      const report = await run(options, experimentOf(options, seed), { signal, emit: shown.emit });
      shown.end();
      const text = options.repeat === 1 ? experimentText(report, seed) : experimentLine(report, seed);
      process.stdout.write(`${options.json ? JSON.stringify({ seed, ...report }) : text}\n`);
      exact &&= report.exact;
    } catch (error) {
      shown.end();
      if (signal.aborted) return EXIT_INTERRUPTED;
      process.stderr.write(`${errorText(error)}\n(seed ${seed})\n`);
      exact = false;
    }
  }
  return exact ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
