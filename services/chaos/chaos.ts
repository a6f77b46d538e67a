/** `npm run chaos`: injects faults into the processes of a running cluster, and tells how long these take to serve again. */
import path from 'node:path';
import { type Cluster, connect } from '@dpr/client';
import { commandLine, EXIT_USAGE, whole } from '@dpr/local/command-line';
import { EXIT_INTERRUPTED, interruptible } from '@dpr/local/interrupt';
import { freshSeed, showMs, showSummary, summarize, type Summary } from '@dpr/local/measurements';
import { Option } from 'commander';
import { probedTarget } from './outage-probe.ts';
import { kubernetesTarget } from './kubernetes-target.ts';
import { localTarget } from './local-target.ts';
import { clusterAddress, duration, seedOption, selectors, sequence } from './options.ts';
import { clock, output, type Say } from './output.ts';
import { addTargetOptions, FAULTS, faultOf, checkTargetOptions, type TargetOptions } from './target-options.ts';
import { dueAt, type Schedule, type Selector, victimsOf } from './schedule.ts';
import { PATIENCE_MS, type Recovery, REST_MS, injectFaults } from './faults.ts';
import type { Fault, Target } from './target.ts';

type Options = TargetOptions & {
  readonly stack: string;
  readonly data?: string;
  readonly cluster?: string;
  readonly victims: readonly Selector[];
  readonly atOnce: number;
  readonly sequence?: readonly (readonly Selector[])[];
  readonly interval: number;
  readonly rest: number;
  readonly count?: number;
  readonly duration?: number;
  readonly seed?: number;
  readonly stopFor: number;
  readonly patience: number;
  readonly dryRun: boolean;
  readonly json: boolean;
};

const INTERVAL_MS = 5_000;
const STOP_FOR_MS = 2_000;
/** Faults of an endless schedule that a dry run shows. */
const DRY_RUN_FAULTS = 10;
const MAX_FAULTS = 1_000_000;

const MORE = `${FAULTS}

Victims are named by all, workers, finder, or the name of one, such as counter-0.
Times are in milliseconds, or with a unit: 300, 5s, 2m.

  npm run chaos                                            a random process every 5 s, until Ctrl-C
  npm run chaos -- --victims workers --interval 1s --count 20
  npm run chaos -- --sequence counter-0,finder,counter-0+counter-1,all
  npm run chaos -- --fault stop --stop-for 3s               stand still, then go on
  npm run chaos -- --kubernetes --namespace dpr --dry-run
  npm run chaos -- --kubernetes --namespace dpr --fault force --cluster ws://ADDRESS:6379

On Kubernetes nothing is touched but pods of the Finder and of workers, in a namespace with the label
app.kubernetes.io/part-of=dpr-cluster. A cluster that asks for a token gets DPR_CLIENT_TOKEN.

Exit codes: 0 done, 1 a fault could not be injected or a victim did not serve again, ${EXIT_USAGE} wrong options,
${EXIT_INTERRUPTED} interrupted.`;

function parse(words: readonly string[]): Options {
  const description =
    'Injects faults into processes of a running cluster, waits until they serve again, and tells how long that takes.';
  const command = addTargetOptions(
    commandLine('npm run chaos --', description)
      .option('-s, --stack <name>', 'the stack whose cluster it is', 'dev')
      .option('-d, --data <directory>', 'the data directory of the cluster (default: .dpr/<stack>)'),
  )
    .option(
      '--cluster <address>',
      'use it, as in ws://localhost:6379, to tell how long a session has no answer',
      clusterAddress,
    )
    .option('--victims <names>', 'which processes to choose from at random', selectors, ['all'])
    .option('--at-once <n>', 'so many of them at each time', whole(1, 1_000), 1)
    .addOption(
      new Option('--sequence <names>', 'these victims, one after another').argParser(sequence).conflicts('victims'),
    )
    .option('--interval <time>', 'from one fault to the next', duration, INTERVAL_MS)
    .option('--rest <time>', 'at least so long between the recovery from a fault and the next', duration, REST_MS)
    .option('--count <n>', 'end after so many faults', whole(1, MAX_FAULTS))
    .option('--duration <time>', 'end after this time', duration)
    .option('--seed <n>', 'repeat the random choices of another run', seedOption)
    .option(
      '--stop-for <time>',
      'how long to stand still; npm start restarts a process after 10 s',
      duration,
      STOP_FOR_MS,
    )
    .option('--patience <time>', 'how long a victim may take to serve again', duration, PATIENCE_MS)
    .option('--dry-run', 'tell which processes would have a fault when', false)
    .option('--json', 'one JSON object per line, for scripts', false)
    .addHelpText('after', MORE);
  const options = command.parse(words, { from: 'user' }).opts<Options>();
  checkTargetOptions(command, options);
  if (options.kubernetes && options.data !== undefined) command.error('error: --data is for a cluster of this machine');
  return options;
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

type Scene = { readonly schedule: Schedule; readonly fault: Fault; readonly target: Target; readonly say: Say };

const DONE: Readonly<Record<Fault['kind'], string>> = {
  kill: 'killed',
  term: 'told to stop',
  stop: 'stopped',
  delete: 'deleted',
  force: 'deleted by force',
  crash: 'killed and deleted by force',
};

async function run(options: Options, { schedule, fault, target, say }: Scene, signal: AbortSignal): Promise<void> {
  const recoveries: Recovery[] = [];
  let injections = 0;
  const done = `${DONE[fault.kind]}${fault.kind === 'stop' ? ` for ${showMs(fault.forMs)}` : ''}`;
  try {
    await injectFaults({
      target,
      schedule,
      fault,
      patienceMs: options.patience,
      signal,
      injected({ index, atMs, victims }) {
        injections++;
        const names = victims.map(({ name }) => name);
        const event = { event: 'struck', index, atMs, victims: names, blow: fault.kind };
        say(event, `${clock()}  ${names.join(' and ')} ${done}`);
      },
      recovered(recovery) {
        recoveries.push(recovery);
        const { victim, ...facts } = recovery;
        const steps = stepsOf(recovery).map(([step, ms]) => `${step} ${showMs(ms)}`);
        const told = steps.length === 0 ? '' : ` (${steps.join(', ')})`;
        const text = `${clock()}  ${victim.name} serves again after ${showMs(recovery.tookMs)}${told}`;
        say({ event: 'recovered', ...facts, victim: victim.name }, text);
      },
    });
  } finally {
    if (injections > 0) tellSummary(say, injections, recoveries, schedule);
  }
}

/** What of a recovery its successor's log tells. */
function stepsOf({ startedMs, servingMs }: Recovery): [step: string, ms: number][] {
  const steps = [
    ['started', startedMs],
    ['serving', servingMs],
  ] as const;
  return steps.flatMap(([step, ms]): [string, number][] => (ms === undefined ? [] : [[step, ms]]));
}

function tellSummary(say: Say, injections: number, recoveries: readonly Recovery[], { seed }: Schedule): void {
  const recovery = summarize(recoveries.map(({ tookMs }) => tookMs));
  const told = recoveries.map((one) => Object.fromEntries(stepsOf(one)));
  const steps = ['started', 'serving'].flatMap((step): [string, Summary][] => {
    const times = told.flatMap((one) => one[step] ?? []);
    return times.length === 0 ? [] : [[step, summarize(times)]];
  });
  const shown = [['recovery', recovery] as const, ...steps].map(([what, times]) => `${what} ${showSummary(times)}`);
  const event = { event: 'summary', strikes: injections, recovery, ...Object.fromEntries(steps), seed };
  say(event, `${injections} ${injections === 1 ? 'fault' : 'faults'}; ${shown.join('; ')}; seed ${seed}`);
}

/** Tells which victims would have a fault when, if each served again at once and no process came or went. */
async function rehearse({ schedule, target, say }: Scene): Promise<void> {
  const victims = await target.victims();
  const shown = { ...schedule, count: Math.min(schedule.count, DRY_RUN_FAULTS) };
  let atMs = 0;
  for (let index = 0; ; index++) {
    const due = dueAt(shown, index, atMs, atMs);
    if (due === undefined) break;
    atMs = due;
    const names = victimsOf(schedule, index, victims).map(({ name }) => name);
    say({ event: 'wouldStrike', index, atMs, victims: names }, `after ${showMs(atMs)}  ${names.join(' and ')}`);
  }
  if (shown.count < schedule.count) say({ event: 'more' }, '… and so on');
  say({ event: 'summary', seed: schedule.seed }, `no fault was injected; seed ${schedule.seed}`);
}

/** @returns the target, after telling which processes it has */
async function targetOf({ kubernetes, namespace, context, stack, data, dryRun }: Options, say: Say): Promise<Target> {
  if (!kubernetes) return localTarget(path.resolve(data ?? path.join('.dpr', stack)));
  const target = await kubernetesTarget({ namespace, context });
  const victims = (await target.victims()).map(({ name }) => name);
  const text = `${dryRun ? 'would inject' : 'injects'} faults into pods in ${target.place}: ${victims.join(', ')}`;
  say({ event: 'target', place: target.place, victims }, text);
  return target;
}

async function chaos(options: Options, signal: AbortSignal): Promise<void> {
  const { cluster: address, json, dryRun } = options;
  const schedule = scheduleOf(options);
  const say = output(json);
  let cluster: Cluster | undefined;
  try {
    const target = await targetOf(options, say);
    const scene = { schedule, fault: faultOf(options, options.stopFor), target, say };
    if (dryRun) {
      await rehearse(scene);
    } else if (address === undefined) {
      await run(options, scene, signal);
    } else {
      cluster = await connect({ cluster: address, token: process.env.DPR_CLIENT_TOKEN, signal });
      await run(options, { ...scene, target: probedTarget(target, cluster) }, signal);
    }
  } finally {
    await cluster?.close();
  }
}

const options = parse(process.argv.slice(2));
process.exit(await interruptible((signal) => chaos(options, signal)));
