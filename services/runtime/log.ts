/** Structured lines on standard output. */
import { pino, stdTimeFunctions, type Logger } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** @param base fields of every line: the role, and of a worker its id and type */
export function createLog(level: LogLevel, base: Readonly<Record<string, unknown>>): Log {
  return pino({
    level,
    base: { ...base, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
