/** What every program of the cluster shares: signals, exit codes, and the last words of one that cannot go on. */
import type { Readable } from 'node:stream';
import { EXIT, ProcessError } from './exit-codes.ts';
import type { Log } from './log.ts';

/** Something that runs until it ends or is asked to. */
export interface Running {
  /** The exit code, once it has ended; rejects with what it could not go on after. */
  readonly ended: Promise<number>;
  /** Ask it to end; what was asked of it is finished first. */
  stop(): void;
}

/** Something that is closed when a process ends. */
export interface Closable {
  close(): Promise<unknown>;
}

/** A process that was asked to stop does so within this, gracefully or not. */
export const STOP_LIMIT_MS = 1_800;

/** Set to `1` by the program that starts the process with a pipe as its standard input: the end of the pipe asks it to stop. */
const PARENT_PIPE_VARIABLE = 'DPR_PARENT_PIPE';

/**
 * Run until the end. SIGTERM and SIGINT ask for it, and so does the end of the parent where there is a pipe to it. Never
 * returns: the process exits with a code of `EXIT`.
 */
export async function runProcess(log: Log, start: () => Promise<Running>): Promise<never> {
  let running: Running | undefined;
  const asked = new AbortController();

  const onSignal = (reason: NodeJS.Signals | 'parentGone'): void => {
    if (asked.signal.aborted) return;
    asked.abort();
    log.info({ event: 'stopping', reason });
    setTimeout(() => {
      log.error({ event: 'stopTimeout', reason: `not done within ${STOP_LIMIT_MS} ms` });
      process.exit(EXIT.unclean);
    }, STOP_LIMIT_MS);
    running?.stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (process.env[PARENT_PIPE_VARIABLE] === '1') onEnd(process.stdin, () => onSignal('parentGone'));
  process.on('uncaughtException', (error) => process.exit(lastWords(log, error)));

  try {
    running = await start();
    if (asked.signal.aborted) running.stop();
    const code = await running.ended;
    log.info({ event: 'stopped', code });
    process.exit(code);
  } catch (error) {
    process.exit(lastWords(log, error));
  }
}

/** However it ends: with the program that held its other end, or broken. What comes through it before does not matter. */
function onEnd(pipe: Readable, ended: () => void): void {
  pipe.on('end', ended).on('close', ended).on('error', ended).resume();
}

/** @returns the exit code */
function lastWords(log: Log, error: unknown): number {
  if (error instanceof ProcessError) {
    log.fatal({ event: 'failed', reason: error.message });
    return error.exitCode;
  }
  log.fatal({ event: 'crashed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return EXIT.internal;
}
