import type { ChildProcess } from 'node:child_process';
import type { LocalProcess } from '@dpr/infra/plan';
import { EXIT } from '@dpr/runtime/exit-codes';
import { killGroup, NO_OUTPUT, type Output, readOutput, spawnProcess } from './child.ts';
import type { Emit, LocalEvent, Phase } from './events.ts';
import type { LogFile } from './log-file.ts';
import { RESTART_AFTER_MS, watchLiveness } from './liveness.ts';
import { untilReady } from './readiness.ts';
import { afterDeath, type Death, deathText } from './restart-policy.ts';
import { sayings } from './sayings.ts';

/** A process that was asked to stop is killed after this; the services' own limit is shorter. */
export const STOP_GRACE_MS = 5_000;
export type ProcessState = {
  readonly phase: Phase;
  /** Of the process that there is, if any. */
  readonly pid: number | undefined;
  /** When this phase began, ms since 1970. */
  readonly since: number;
  /** How many times it was started after it ended by itself. */
  readonly restarts: number;
  /** For how long it has not answered, ms; 0 unless it is silent. */
  readonly silentMs: number;
};

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
  const shown = sayings(name, emit);
  let state: ProcessState = { phase: 'idle', pid: undefined, since: Date.now(), restarts: 0, silentMs: 0 };
  let child: ChildProcess | undefined;
  let failures = 0;
  let servingSince: number | undefined;
  let restart: NodeJS.Timeout | undefined;
  let stopped: ((clean: boolean) => void)[] = [];
  const events = inOrder(emit);

  function become(phase: Phase, change: Partial<ProcessState> = {}): void {
    state = { ...state, silentMs: 0, ...change, phase, since: Date.now() };
    changed();
  }

  function launch(again: boolean): void {
    const started = performance.now();
    const restarts = state.restarts + (again ? 1 : 0);
    const own = spawnProcess(spec);
    if (own instanceof Error) {
      become('starting', { pid: undefined, restarts });
      return died({ code: null, signal: null, error: own }, NO_OUTPUT);
    }
    shown.started();
    const output = readOutput(own, log, (said) => shown.said(said, servingSince !== undefined));
    child = own;
    servingSince = undefined;
    become('starting', { pid: own.pid, restarts });
    const { pid } = own;
    if (pid !== undefined) events.emit(() => ({ event: 'processStarted', process: name, pid, restart: again }));

    watch(own, started, (death) => died(death, output));
  }

  /** Follows a child until it has ended. */
  function watch(own: ChildProcess, started: number, dead: (death: Death) => void): void {
    const gone = new AbortController();
    let silentMs = 0;
    const ended = (death: Death): void => {
      if (gone.signal.aborted) return;
      gone.abort();
      child = undefined;
      killGroup(own.pid);
      dead(death);
    };
    own.on('exit', (code, signal) => ended({ code, signal, silentMs }));
    own.on('error', (error) => {
      if (own.pid === undefined) ended({ code: null, signal: null, error });
    });
    const observe = (forMs: number): void => {
      noteSilence(forMs);
      if (!isLost(forMs)) return;
      silentMs = forMs;
      killGroup(own.pid);
    };
    const answered = watchLiveness({ host, adminPort: spec.ports.admin, gone: gone.signal, observe });
    untilReady(host, spec.ports.admin, gone.signal).then(
      () => {
        if (gone.signal.aborted) return;
        answered();
        becomeReady(started);
      },
      () => undefined, // it is gone
    );
  }

  function becomeReady(started: number): void {
    if (state.phase !== 'starting' && state.phase !== 'silent') return;
    servingSince = performance.now();
    const afterMs = Math.round(servingSince - started);
    become('serving');
    events.emit(() => ({ event: 'processServing', process: name, afterMs }));
  }

  /** One that has not served yet may be loading what it holds, however long that takes: killed, it would begin again. */
  function isLost(silentMs: number): boolean {
    return state.phase === 'silent' && servingSince !== undefined && silentMs >= RESTART_AFTER_MS;
  }

  /** @param silentMs for how long it has not answered, 0 if it does */
  function noteSilence(silentMs: number): void {
    const { phase, silentMs: beforeMs } = state;
    if (phase === 'silent' && silentMs > 0) {
      state = { ...state, silentMs };
    } else if (phase === 'silent') {
      become(servingSince === undefined ? 'starting' : 'serving');
      events.emit(() => ({ event: 'processAnswers', process: name, afterMs: beforeMs }));
    } else if (silentMs > 0 && (phase === 'starting' || phase === 'serving')) {
      become('silent', { silentMs });
      const restart = servingSince === undefined ? {} : { restartAfterMs: RESTART_AFTER_MS };
      events.emit(() => ({ event: 'processSilent', process: name, silentMs, holdsUp: heldUpBy(spec), ...restart }));
    }
  }

  function died(death: Death, output: Output): void {
    if (state.phase === 'stopping') return wasStopped(death, output);
    const servedMs = servingSince === undefined ? 0 : performance.now() - servingSince;
    const verdict = afterDeath(death, failures, servedMs);
    const ended = () =>
      ({ event: 'processEnded', process: name, reason: deathText(death, output.lastError()) }) as const;
    if (verdict.kind === 'rest') {
      become(verdict.phase, { pid: undefined });
      return events.emit(() => ({ ...ended(), phase: verdict.phase }), output.read);
    }
    failures = verdict.failures;
    const { pauseMs } = verdict;
    events.emit(() => ({ ...ended(), phase: 'waiting', restartInMs: pauseMs }), output.read);
    if (pauseMs === 0) return launch(true);
    become('waiting', { pid: undefined });
    restart = setTimeout(() => launch(true), pauseMs);
  }

  function wasStopped(death: Death, output: Output): void {
    // One that was still starting did not listen to signals yet, and has nothing to lose.
    const unborn = servingSince === undefined && death.signal === 'SIGTERM';
    const clean = unborn || death.code === EXIT.ok || death.code === EXIT.left;
    become('idle', { pid: undefined });
    const reason = () => (clean ? {} : { reason: `it ${deathText(death, output.lastError())}` });
    events.emit(() => ({ event: 'processStopped', process: name, ...reason() }), output.read);
    const waiting = stopped;
    stopped = [];
    void events.emitted().then(() => waiting.forEach((resolve) => resolve(clean)));
  }

  return {
    get state() {
      return state;
    },
    start() {
      if (child !== undefined || state.phase === 'waiting') return;
      failures = 0;
      launch(false);
    },
    async stop() {
      clearTimeout(restart);
      const own = child;
      if (own === undefined) {
        if (state.phase === 'waiting') become('idle');
        await events.emitted();
        return true;
      }
      const done = new Promise<boolean>((resolve) => stopped.push(resolve));
      if (state.phase === 'stopping') return done;
      become('stopping');
      own.kill('SIGTERM');
      own.kill('SIGCONT'); // one that stands still hears nothing
      const impatience = setTimeout(() => own.kill('SIGKILL'), STOP_GRACE_MS);
      return done.finally(() => clearTimeout(impatience));
    },
    kill() {
      clearTimeout(restart);
      if (child === undefined) return;
      become('stopping'); // it is not started again
      killGroup(child.pid); // now: the supervisor may not be there any more when it is gone
    },
  };
}

/** What does not go on while a process stands still. */
function heldUpBy(spec: LocalProcess): string {
  return 'id' in spec ? `nothing that depends on worker ${String(spec.id)} commits` : 'nothing commits';
}

/** Events of one process in their order, though the last words of the dead may come after its successor was started. */
function inOrder(emit: Emit) {
  let last: Promise<unknown> = Promise.resolve();
  return {
    /** @param after what the event waits for, besides those before it */
    emit(event: () => LocalEvent, after: Promise<unknown> = Promise.resolve()): void {
      last = Promise.all([last, after]).then(() => emit(event()));
    },
    /** Resolves once all are. */
    emitted: (): Promise<unknown> => last,
  };
}
