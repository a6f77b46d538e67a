/** Structured lines on standard output. */
import { pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { kindOfText, repeats, type Time } from './repeated-failures.ts';

export type Log = Logger;

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a log is made of besides its level and its fields; tests give their own. */
export interface LogParts {
  readonly destination?: DestinationStream;
  readonly time?: Time;
}

/**
 * Warnings and errors that give the same reason again and again are one line, and then one with `moreTimes` and `inMs` from time to
 * time.
 *
 * @param base fields of every line: the role, and of a worker its id and type
 */
export function createLog(
  level: LogLevel,
  base: Readonly<Record<string, unknown>>,
  { destination, time }: LogParts = {},
): Log {
  const same = repeats<(more: object) => void>((write, more) => {
    write(more === undefined ? {} : { moreTimes: more.times, inMs: more.ms });
  }, time);
  const options: LoggerOptions = {
    level,
    base: { ...base, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: {
      logMethod([entry, ...rest], method, level) {
        const kind = REPEATED.includes(level) ? kindOf(entry) : undefined;
        if (kind === undefined) method.apply(this, [entry, ...rest]);
        else same.note(`${level} ${kind}`, (more) => method.apply(this, [{ ...(entry as object), ...more }, ...rest]));
      },
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

const REPEATED: readonly number[] = [pino.levels.values.warn ?? NaN, pino.levels.values.error ?? NaN];

/** Of an entry that says why something failed: what is the same when it fails again. */
function kindOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('reason' in entry)) return undefined;
  const { event, what, worker, worldLine, reason } = entry as Readonly<Record<string, unknown>>;
  return JSON.stringify([event, what, worker, worldLine, kindOfText(String(reason))]);
}
