import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { LocalProcess } from '@dpr/infra/plan';
import { EXIT } from '@dpr/runtime/exit-codes';
import type { Phase, Emit } from './events.ts';
import type { LogFile } from './log-file.ts';
import { RESTART_AFTER_MS, watchLiveness } from './liveness.ts';
import { readLines, type Said, saidIn } from './log-lines.ts';
import { untilReady } from './readiness.ts';
import { afterDeath, type Death, deathText } from './restart-policy.ts';
import { sayings } from './sayings.ts';

/** A process that was asked to stop is killed after this; the services' own limit is shorter. */
export const STOP_GRACE_MS = 5_000;
/** How long to wait for the last words of a process that is gone, if something of its own still holds its output. */
const LAST_WORDS_MS = 200;
/** Warnings and errors of one process that are shown per second; the log has them all. */
const SHOWN_PER_SECOND = 5;

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
  let told: Promise<unknown> = Promise.resolve();

  function become(phase: Phase, change: Partial<ProcessState> = {}): void {
    state = { ...state, silentMs: 0, ...change, phase, since: Date.now() };
    changed();
  }

  /** Tells of things in their order, though the last words of the dead may come after their successor was born. */
  function emitLater(event: () => Parameters<Emit>[0] | undefined, after: Promise<unknown> = Promise.resolve()): void {
    told = Promise.all([told, after]).then(() => {
      const happened = event();
      if (happened !== undefined) emit(happened);
    });
  }

  function launch(again: boolean): void {
    const gone = new AbortController();
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
    if (pid !== undefined) emitLater(() => ({ event: 'processStarted', process: name, pid, restart: again }));

    let over = false;
    let silentMs = 0;
    const ended = (death: Death): void => {
      if (over) return;
      over = true;
      gone.abort();
      child = undefined;
      killGroup(own.pid);
      died(death, output);
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
        if (over) return;
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
    emitLater(() => ({ event: 'processServing', process: name, afterMs }));
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
      emitLater(() => ({ event: 'processAnswers', process: name, afterMs: beforeMs }));
    } else if (silentMs > 0 && (phase === 'starting' || phase === 'serving')) {
      become('silent', { silentMs });
      const restart = servingSince === undefined ? {} : { restartAfterMs: RESTART_AFTER_MS };
      emitLater(() => ({ event: 'processSilent', process: name, silentMs, holdsUp: heldUpBy(spec), ...restart }));
    }
  }

  function died(death: Death, output: Output): void {
    const reason = () => deathText(death, output.lastError());
    if (state.phase === 'stopping') {
      // One that was still starting did not listen to signals yet, and has nothing to lose.
      const unborn = servingSince === undefined && death.signal === 'SIGTERM';
      const clean = unborn || death.code === EXIT.ok || death.code === EXIT.left;
      become('idle', { pid: undefined });
      emitLater(
        () => ({ event: 'processStopped', process: name, ...(clean ? {} : { reason: `it ${reason()}` }) }),
        output.read,
      );
      const waiting = stopped;
      stopped = [];
      void told.then(() => waiting.forEach((resolve) => resolve(clean)));
      return;
    }
    const servedMs = servingSince === undefined ? 0 : performance.now() - servingSince;
    const verdict = afterDeath(death, failures, servedMs);
    const ended = { event: 'processEnded', process: name } as const;
    if (verdict.kind === 'rest') {
      become(verdict.phase, { pid: undefined });
      return emitLater(() => ({ ...ended, reason: reason(), phase: verdict.phase }), output.read);
    }
    failures = verdict.failures;
    const { pauseMs } = verdict;
    emitLater(() => ({ ...ended, reason: reason(), phase: 'waiting', restartInMs: pauseMs }), output.read);
    if (pauseMs === 0) return launch(true);
    become('waiting', { pid: undefined });
    restart = setTimeout(() => launch(true), pauseMs);
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
        await told;
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

/**
 * In a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which stops the Finder last. The
 * process stops by itself when its standard input ends, as it does however the supervisor dies.
 *
 * @returns an error where the system refuses at once, because the program is being written perhaps
 */
function spawnProcess({ command, environment, dataDirectory }: LocalProcess): ChildProcess | Error {
  const [program = '', ...programArguments] = command;
  try {
    mkdirSync(dataDirectory, { recursive: true });
  } catch {
    // The process itself says better what is wrong with its directory.
  }
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('DPR_'));
  try {
    return spawn(program, programArguments, {
      env: { ...Object.fromEntries(inherited), ...environment, DPR_PARENT_PIPE: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What a dead process started itself, a store behind a worker perhaps, would be in its successor's way. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // No process is left of it.
  }
}

type Output = {
  /** Resolves when there is no more to come. */
  readonly read: Promise<unknown>;
  /** The last error that it told of. */
  lastError(): string | undefined;
};

/** Of a process that never was. */
const NO_OUTPUT: Output = { read: Promise.resolve(), lastError: () => undefined };

/** Keeps what a process says, and shows what people should know at once. */
function readOutput(child: ChildProcess, log: LogFile, show: (said: Said) => void): Output {
  let lastError: string | undefined;
  let second = 0;
  let shown = 0;
  const onLine = (line: string): void => {
    log.write(line);
    const said = saidIn(line);
    if (said === undefined) return;
    if (said.severity !== 'warn') lastError = said.text;
    if (said.severity === 'fatal') return;
    const now = Math.floor(Date.now() / 1_000);
    if (now !== second) [second, shown] = [now, 0];
    if (++shown <= SHOWN_PER_SECOND) show(said);
  };
  for (const stream of [child.stdout, child.stderr]) if (stream !== null) readLines(stream, onLine);
  child.stdin?.on('error', () => undefined); // nothing is ever written to it
  const gone = new Promise((resolve) => child.on('exit', resolve).on('error', resolve));
  const closed = new Promise((resolve) => child.on('close', resolve));
  const read = gone.then(() => Promise.race([closed, pause(LAST_WORDS_MS, undefined, { ref: false })]));
  void read.then(() => log.close()); // until the next line
  return { read, lastError: () => lastError };
}
