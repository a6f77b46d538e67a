/** The options that say where a cluster runs and how it is struck there. */
import { type Command, Option } from 'commander';
import type { Blow } from './target.ts';

export type PlaceOptions = {
  readonly kubernetes: boolean;
  readonly namespace?: string;
  readonly context?: string;
  readonly blow?: Blow['kind'];
};

const EVERYWHERE: readonly Blow['kind'][] = ['kill', 'term', 'stop'];
const IN_PODS: readonly Blow['kind'][] = ['delete', 'force', 'crash'];

/** What an option of this name means, for `--help`. */
export const BLOWS = `
How to strike (--blow):
  kill    SIGKILL to the process; on Kubernetes its container is started again in the same pod, after pauses that grow
  term    SIGTERM to the process
  stop    SIGSTOP, and SIGCONT later
  delete  the pod is deleted: its process is asked to stop, and replaced when it has
  force   the pod is deleted by force: replaced at once, while its process is still asked to stop
  crash   SIGKILL to the process, and the pod is deleted by force: as when a machine dies`;

export function addPlaceOptions(command: Command): Command {
  return command
    .option('--kubernetes', 'the cluster is one of Kubernetes, which kubectl reaches', false)
    .option('--namespace <name>', "the cluster's namespace there (default: the one that the context names)")
    .option('--context <name>', "of kubectl's configuration (default: its current one)")
    .addOption(
      new Option('--blow <how>', 'how to strike, see below (default: kill; on Kubernetes: crash)').choices([
        ...EVERYWHERE,
        ...IN_PODS,
      ]),
    );
}

/** Ends the program, by the command's own error, when the options do not go together. */
export function checkPlace(command: Command, { kubernetes, namespace, context, blow }: PlaceOptions): void {
  if (kubernetes) return;
  if (namespace !== undefined || context !== undefined) {
    command.error('error: --namespace and --context go with --kubernetes');
  }
  if (blow !== undefined && IN_PODS.includes(blow)) {
    command.error(`error: --blow ${blow} goes with --kubernetes: processes of this machine have no pods`);
  }
}

/** @param stopForMs how long to stand still */
export function blowOf({ kubernetes, blow = kubernetes ? 'crash' : 'kill' }: PlaceOptions, stopForMs: number): Blow {
  return blow === 'stop' ? { kind: 'stop', forMs: stopForMs } : { kind: blow };
}
