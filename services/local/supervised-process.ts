import type { ChildProcess } from 'node:child_process';
import type { LocalProcess } from '@dpr/infra/plan';
import { EXIT } from '@dpr/runtime/exit-codes';
import { killGroup, NO_OUTPUT, type Output, readOutput, spawnProcess } from './child-process.ts';
import type { Emit, LocalEvent } from './events.ts';
import { createLifecycle, type Lifecycle, type ProcessState } from './process-phases.ts';
import { watchLiveness } from './liveness.ts';
import type { LogFile } from './log-file.ts';
import { untilReady } from './readiness.ts';
import { afterDeath, type Death, deathText } from './restart-policy.ts';
import { shownWarnings } from './shown-warnings.ts';

/** A process that was asked to stop is killed after this; the services' own limit is shorter. */
export const STOP_GRACE_MS = 5_000;
export type { ProcessState } from './process-phases.ts';

/** Keeps one process of a plan running. */
export interface Supervised {
  readonly state: ProcessState;
  /** Starts it, unless it is there. */
  start(): void;
  /** Asks it to stop, and kills it when it does not; resolves once it is gone. False: it did not end cleanly. */
  stop(): Promise<boolean>;
  /** Ends it at once, and what it started, without a chance to finish anything. */
  kill(): void;
}

export type SupervisorOptions = {
  /** The address that it binds. */
  readonly host: string;
  readonly log: LogFile;
  readonly emit: Emit;
  /** Called after every change of its state. */
  readonly changed: () => void;
};

/** A supervisor of one process, which it does not start yet. */
export function supervise(spec: LocalProcess, { host, log, emit, changed }: SupervisorOptions): Supervised {
  const { name } = spec;
  const shown = shownWarnings(name, emit);
  const events = inOrder(emit);
  const life = createLifecycle(spec, events.emit, changed);
  let child: ChildProcess | undefined;
  let failures = 0;
  let restart: NodeJS.Timeout | undefined;
  let stopped: ((clean: boolean) => void)[] = [];

  function launch(again: boolean): void {
    const started = performance.now();
    const restarts = life.state.restarts + (again ? 1 : 0);
    const own = spawnProcess(spec);
    if (own instanceof Error) {
      life.become('starting', { pid: undefined, restarts });
      return died({ code: null, signal: null, error: own }, NO_OUTPUT);
    }
    shown.started();
    const output = readOutput(own, log, (said) => shown.said(said, life.hasServed()));
    child = own;
    const { pid } = own;
    life.launched(pid, restarts);
    if (pid !== undefined) events.emit(() => ({ event: 'processStarted', process: name, pid, restart: again }));

    watch(own, { host, adminPort: spec.ports.admin, started, life }, (death) => {
      child = undefined;
      killGroup(own.pid);
      died(death, output);
    });
  }

  function died(death: Death, output: Output): void {
    if (life.state.phase === 'stopping') return wasStopped(death, output);
    const verdict = afterDeath(death, failures, life.servedMs());
    const ended = () =>
      ({ event: 'processEnded', process: name, reason: deathText(death, output.lastError()) }) as const;
    if (verdict.kind === 'rest') {
      life.become(verdict.phase, { pid: undefined });
      return events.emit(() => ({ ...ended(), phase: verdict.phase }), output.read);
    }
    failures = verdict.failures;
    const { pauseMs } = verdict;
    events.emit(() => ({ ...ended(), phase: 'waiting', restartInMs: pauseMs }), output.read);
    if (pauseMs === 0) return launch(true);
    life.become('waiting', { pid: undefined });
    restart = setTimeout(() => launch(true), pauseMs);
  }

  function wasStopped(death: Death, output: Output): void {
    // One that was still starting did not listen to signals yet, and has nothing to lose.
    const unborn = !life.hasServed() && death.signal === 'SIGTERM';
    const clean = unborn || death.code === EXIT.ok || death.code === EXIT.left;
    life.become('idle', { pid: undefined });
    const reason = () => (clean ? {} : { reason: `it ${deathText(death, output.lastError())}` });
    events.emit(() => ({ event: 'processStopped', process: name, ...reason() }), output.read);
    const waiting = stopped;
    stopped = [];
    void events.emitted().then(() => waiting.forEach((resolve) => resolve(clean)));
  }

  return {
    get state() {
      return life.state;
    },
    start() {
      if (child !== undefined || life.state.phase === 'waiting') return;
      failures = 0;
      launch(false);
    },
    async stop() {
      clearTimeout(restart);
      const own = child;
      if (own === undefined) {
        if (life.state.phase === 'waiting') life.become('idle');
        await events.emitted();
        return true;
      }
      const done = new Promise<boolean>((resolve) => stopped.push(resolve));
      if (life.state.phase === 'stopping') return done;
      life.become('stopping');
      return askToStop(own, done);
    },
    kill() {
      clearTimeout(restart);
      if (child === undefined) return;
      life.become('stopping'); // it is not started again
      killGroup(child.pid); // now: the supervisor may not be there any more when it is gone
    },
  };
}

/** @param done settles once it is gone */
function askToStop(child: ChildProcess, done: Promise<boolean>): Promise<boolean> {
  child.kill('SIGTERM');
  child.kill('SIGCONT'); // one that stands still hears nothing
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  return done.finally(() => clearTimeout(impatience));
}

interface Watched {
  readonly host: string;
  readonly adminPort: number;
  /** When it was launched, by the monotonic clock. */
  readonly started: number;
  readonly life: Lifecycle;
}

/** Follows a child until it has ended. @param dead is called once */
function watch(child: ChildProcess, { host, adminPort, started, life }: Watched, dead: (death: Death) => void): void {
  const gone = new AbortController();
  let silentMs = 0;
  const ended = (death: Death): void => {
    if (gone.signal.aborted) return;
    gone.abort();
    dead(death);
  };
  child.on('exit', (code, signal) => ended({ code, signal, silentMs }));
  child.on('error', (error) => {
    if (child.pid === undefined) ended({ code: null, signal: null, error });
  });
  const observe = (forMs: number): void => {
    life.noteSilence(forMs);
    if (!life.isLost(forMs)) return;
    silentMs = forMs;
    killGroup(child.pid);
  };
  const answered = watchLiveness({ host, adminPort, gone: gone.signal, observe });
  untilReady(host, adminPort, gone.signal).then(
    () => {
      if (gone.signal.aborted) return;
      answered();
      life.ready(started);
    },
    () => undefined, // it is gone
  );
}

/** Events of one process in their order, though the last words of the dead may come after its successor was started. */
function inOrder(emit: Emit) {
  let last: Promise<unknown> = Promise.resolve();
  return {
    /** @param after what the event waits for, besides those before it */
    emit: (event: () => LocalEvent, after: Promise<unknown> = Promise.resolve()): void => {
      last = Promise.all([last, after]).then(() => emit(event()));
    },
    /** Resolves once all are. */
    emitted: (): Promise<unknown> => last,
  };
}
