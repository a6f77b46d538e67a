/** A child process: starting it, ending it with all that it started, and reading what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { LocalProcess } from '@dpr/infra/plan';
import type { LogFile } from './log-file.ts';
import { readLines, type Said, saidIn } from './log-lines.ts';

/** How long to wait for the last words of a process that is gone, if something of its own still holds its output. */
const LAST_WORDS_MS = 200;
/** Warnings and errors of one process that are shown per second; the log has them all. */
const SHOWN_PER_SECOND = 5;

/**
 * In a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which stops the Finder last. The
 * process stops by itself when its standard input ends, as it does however the supervisor dies.
 *
 * @returns an error where the system refuses at once, because the program is being written perhaps
 */
export function spawnProcess({ command, environment, dataDirectory }: LocalProcess): ChildProcess | Error {
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
export function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // No process is left of it.
  }
}

export type Output = {
  /** Resolves when there is no more to come. */
  readonly read: Promise<unknown>;
  /** The last error that it told of. */
  lastError(): string | undefined;
};

/** Of a process that never was. */
export const NO_OUTPUT: Output = { read: Promise.resolve(), lastError: () => undefined };

/** Keeps what a process says, and shows what people should know at once. */
export function readOutput(child: ChildProcess, log: LogFile, show: (said: Said) => void): Output {
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
