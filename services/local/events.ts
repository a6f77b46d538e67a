import { type More, moreText } from '@dpr/runtime/repeated-failures';
import type { Severity } from './log-lines.ts';

/**
 * What a process is at. `idle`: never started, or stopped as asked · `starting` · `serving` · `silent`: it runs and does not answer · `waiting`: it
 * ended and is started again after a pause · `stopping`: asked to · `left`: it was removed from the cluster · `halted`: an
 * administrator must act first.
 */
export type Phase = 'idle' | 'starting' | 'serving' | 'silent' | 'waiting' | 'stopping' | 'left' | 'halted';

/** Something that happened in the cluster. With `--json` each is printed as it stands, with its time added. */
export type LocalEvent =
  | { readonly event: 'cannotStart'; readonly problems: readonly string[] }
  | { readonly event: 'starting'; readonly config: string; readonly data: string; readonly processes: number }
  /** Every process of the plan serves. */
  | { readonly event: 'serving'; readonly cluster: string; readonly control: string; readonly afterMs: number }
  /** A page in the browser shows the cluster there, and lets who opens it by this address change it. */
  | { readonly event: 'console'; readonly address: string }
  | { readonly event: 'processStarted'; readonly process: string; readonly pid: number; readonly restart: boolean }
  | {
      readonly event: 'processServing';
      readonly process: string;
      readonly afterMs: number;
      /** Where it serves Redis clients. */
      readonly respPort?: number;
    }
  | {
      readonly event: 'processEnded';
      readonly process: string;
      readonly reason: string;
      readonly phase: Phase;
      readonly restartInMs?: number;
    }
  /** It runs and does not answer. Without `restartAfterMs` it is not restarted for that, since it has not served yet. */
  | {
      readonly event: 'processSilent';
      readonly process: string;
      readonly silentMs: number;
      readonly holdsUp: string;
      readonly restartAfterMs?: number;
    }
  | { readonly event: 'processAnswers'; readonly process: string; readonly afterMs: number }
  | { readonly event: 'processStopped'; readonly process: string; readonly reason?: string }
  /** With `more` it says the same again, and did so often since it was told last. */
  | {
      readonly event: 'processSays';
      readonly process: string;
      readonly severity: Severity;
      readonly text: string;
      readonly more?: More;
    }
  | { readonly event: 'configChanged'; readonly changes: readonly string[] }
  | { readonly event: 'configInvalid'; readonly problems: readonly string[] }
  /** Workers are not in the config any more, and leave after `delayMs` if it stays so. `doubtful`: they are many. */
  | {
      readonly event: 'removalPending';
      readonly workers: readonly number[];
      readonly delayMs: number;
      readonly doubtful: boolean;
    }
  /** They stay. */
  | { readonly event: 'removalCancelled'; readonly workers: readonly number[]; readonly why: string }
  | { readonly event: 'worldLine'; readonly worldLine: number }
  | { readonly event: 'workerLeaving'; readonly worker: number; readonly waitingFor: string }
  | { readonly event: 'workerLeft'; readonly worker: number; readonly forced: boolean }
  | { readonly event: 'warning'; readonly text: string }
  | { readonly event: 'stopping'; readonly why: string }
  | { readonly event: 'stopped'; readonly kept: boolean };

export type Emit = (event: LocalEvent) => void;

function redisText(port: number | undefined): string {
  return port === undefined ? '' : `, Redis clients at port ${port}`;
}

/** An event in plain words; several lines where it lists something. */
export function textOf(event: LocalEvent): string {
  switch (event.event) {
    case 'cannotStart':
      return ['the cluster cannot start:', ...event.problems].join('\n  ');
    case 'starting':
      return `starting ${event.processes} processes by ${event.config}, their data in ${event.data}`;
    case 'serving':
      return `the cluster serves at ${event.cluster}, after ${event.afterMs} ms`;
    case 'console':
      return `the console is at ${event.address}`;
    case 'processStarted':
      return `${event.process} ${event.restart ? 'restarted' : 'started'} as process ${event.pid}`;
    case 'processServing':
      return `${event.process} serves${redisText(event.respPort)}, after ${event.afterMs} ms`;
    case 'processEnded':
      return `${event.process} ${event.reason}; ${nextText(event)}`;
    case 'processSilent':
      return `${event.process} is silent for ${seconds(event.silentMs)}: ${event.holdsUp}${restartText(event.restartAfterMs)}`;
    case 'processAnswers':
      return `${event.process} answers again, after ${seconds(event.afterMs)}`;
    case 'processStopped':
      return `${event.process} stopped${event.reason === undefined ? '' : `, but ${event.reason}`}`;
    case 'processSays':
      return `${event.process} ${event.severity === 'warn' ? 'warns' : 'reports an error'}: ${event.text}${againText(event.more)}`;
    case 'configChanged':
      return event.changes.length === 0
        ? 'the config says what it said before'
        : `the config changed: ${event.changes.join(', ')}`;
    case 'configInvalid':
      return ['the config cannot be used, and the cluster stays as it is:', ...event.problems].join('\n  ');
    case 'removalPending':
      return removalText(event);
    case 'removalCancelled':
      return `${namesOf(event.workers)} not removed: ${event.why}`;
    case 'worldLine':
      return `world-line ${event.worldLine}: what was not committed was rolled back`;
    case 'workerLeaving':
      return `worker ${event.worker} is leaving; it waits for ${event.waitingFor}`;
    case 'workerLeft':
      return `worker ${event.worker} left the cluster${event.forced ? ', by force' : ''}; what was committed there is kept: added again, its entry says state: kept or state: empty`;
    case 'warning':
      return event.text;
    case 'stopping':
      return `stopping on ${event.why}, workers first; the same again kills them`;
    case 'stopped':
      return event.kept ? 'stopped; everything is kept' : 'stopped; what was not durable will be rolled back';
  }
}

function againText(more: More | undefined): string {
  return more === undefined ? '' : ` ${moreText(more)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function restartText(afterMs: number | undefined): string {
  return afterMs === undefined ? '' : `; it is killed and started again after ${afterMs / 1_000} s`;
}

function removalText({ workers, delayMs, doubtful }: Extract<LocalEvent, { event: 'removalPending' }>): string {
  const doubt = doubtful ? ', which are half of all or more' : '';
  const seconds = `${delayMs / 1_000} s`;
  return (
    `the config has no entry any more that fits ${numbered(workers)}${doubt}: removal in ${seconds}, unless it comes back before; ` +
    'stopping the cluster until then (Ctrl-C) removes no worker'
  );
}

/** `worker 1`, `workers 1, 2` */
function numbered(workers: readonly number[]): string {
  return `${workers.length === 1 ? 'worker' : 'workers'} ${workers.join(', ')}`;
}

function namesOf(workers: readonly number[]): string {
  return `${numbered(workers)} ${workers.length === 1 ? 'is' : 'are'}`;
}

function nextText({ phase, restartInMs }: { readonly phase: Phase; readonly restartInMs?: number }): string {
  if (phase === 'left') return 'it is started again only if its entry in the config changes';
  if (phase === 'halted') return 'it stays down until the config is saved again: see to the reason first';
  return restartInMs === undefined || restartInMs === 0 ? 'restarting at once' : `restarting in ${restartInMs} ms`;
}
