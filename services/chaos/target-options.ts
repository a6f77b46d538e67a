/** The options that say where a cluster runs, and which fault its processes have. */
import { type Command, Option } from 'commander';
import type { Fault } from './target.ts';

export type TargetOptions = {
  readonly kubernetes: boolean;
  readonly namespace?: string;
  readonly context?: string;
  readonly fault?: Fault['kind'];
  /** The earlier name of `fault`. */
  readonly blow?: Fault['kind'];
};

const EVERYWHERE: readonly Fault['kind'][] = ['kill', 'term', 'stop'];
const IN_PODS: readonly Fault['kind'][] = ['delete', 'force', 'crash'];

const KINDS = [...EVERYWHERE, ...IN_PODS];

/** What an option of this name means, for `--help`. */
export const FAULTS = `
Faults (--fault):
  kill    SIGKILL to the process; on Kubernetes its container is started again in the same pod, after pauses that grow
  term    SIGTERM to the process
  stop    SIGSTOP, and SIGCONT later
  delete  the pod is deleted: its process is asked to stop, and replaced when it has
  force   the pod is deleted by force: replaced at once, while its process is still asked to stop
  crash   SIGKILL to the process, and the pod is deleted by force: as when a machine dies`;

export function addTargetOptions(command: Command): Command {
  return command
    .option('--kubernetes', 'the cluster is one of Kubernetes, which kubectl reaches', false)
    .option('--namespace <name>', "the cluster's namespace there (default: the one that the context names)")
    .option('--context <name>', "of kubectl's configuration (default: its current one)")
    .addOption(
      new Option('--fault <kind>', 'what to do to a victim, see below (default: kill; on Kubernetes: crash)').choices(
        KINDS,
      ),
    )
    .addOption(new Option('--blow <kind>').choices(KINDS).conflicts('fault').hideHelp());
}

/** Ends the program, by the command's own error, when the options do not go together. */
export function checkTargetOptions(
  command: Command,
  { kubernetes, namespace, context, ...kinds }: TargetOptions,
): void {
  if (kubernetes) return;
  if (namespace !== undefined || context !== undefined) {
    command.error('error: --namespace and --context go with --kubernetes');
  }
  const kind = kinds.fault ?? kinds.blow;
  if (kind !== undefined && IN_PODS.includes(kind)) {
    command.error(`error: --fault ${kind} goes with --kubernetes: processes of this machine have no pods`);
  }
}

/** @param stopForMs how long to stand still */
export function faultOf({ kubernetes, fault, blow }: TargetOptions, stopForMs: number): Fault {
  const kind = fault ?? blow ?? (kubernetes ? 'crash' : 'kill');
  return kind === 'stop' ? { kind, forMs: stopForMs } : { kind };
}
