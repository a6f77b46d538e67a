import type { Readable } from 'node:stream';
import type { More } from '@dpr/runtime/repeated-failures';

/** Longest line of a process's output that is kept whole. */
export const MAX_LINE_CHARACTERS = 64 * 1024;
/** Longest text of a log line that is shown to people. */
const MAX_SHOWN_CHARACTERS = 300;

/** `fatal`: the last words of a process, which are told with its end. */
export type Severity = 'warn' | 'error' | 'fatal';
/** What a line of a process's output says to people. */
export type Said = {
  readonly severity: Severity;
  readonly text: string;
  /** The process counted it itself: so many times it came after its line. */
  readonly more?: More;
};

const SEVERITIES: Readonly<Record<string, Severity>> = { warn: 'warn', error: 'error', fatal: 'fatal' };

/** What processes tell of and the supervisor once for all: a rollback is a new world-line, and it asks each process itself. */
const CLUSTER_EVENTS: readonly unknown[] = ['rollback', 'silent'];

/** Cuts a stream of text into lines; the end of the stream ends the last one. One longer than the limit is cut short. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS);
    for (const line of lines) onLine(line.slice(0, MAX_LINE_CHARACTERS));
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
  stream.on('error', () => undefined); // the end of the process says more
}

/**
 * The warning or the error in a line of a process's output, if there is one. Structured lines tell their level; of the
 * others, which come from Node itself or from a foreign program, only those count that name an error.
 */
export function saidIn(line: string): Said | undefined {
  const entry = structured(line);
  if (entry === undefined) {
    const names = /^(Uncaught )?\w*(Error|Exception)\b.*:|^FATAL ERROR: /.test(line);
    return names ? { severity: 'fatal', text: shortened(line) } : undefined;
  }
  const severity = typeof entry.level === 'string' ? SEVERITIES[entry.level] : undefined;
  if (severity === undefined || CLUSTER_EVENTS.includes(entry.event)) return undefined;
  const { event, reason, error, msg, moreTimes: times, inMs: ms } = entry;
  const parts = [inWords(event), firstLine(reason) ?? firstLine(error) ?? firstLine(msg)];
  const text = parts.filter((part) => part !== undefined).join(': ');
  const more = typeof times === 'number' && typeof ms === 'number' ? { more: { times, ms } } : {};
  return { severity, text: shortened(text === '' ? line : text), ...more };
}

/** `stopTimeout` as "stop timeout". */
function inWords(name: unknown): string | undefined {
  return typeof name === 'string' ? name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) : undefined;
}

/** Of a stack trace the first line says what happened; a list of mistakes is told whole. */
function firstLine(text: unknown): string | undefined {
  return typeof text === 'string' ? text.split('\n    at ')[0] : undefined;
}

/** What a line says that is structured; a line of another program may be anything. */
export function structured(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function shortened(text: string): string {
  const oneLine = text.replaceAll(/\s+/g, ' ').trim();
  return oneLine.length > MAX_SHOWN_CHARACTERS ? `${oneLine.slice(0, MAX_SHOWN_CHARACTERS - 1)}…` : oneLine;
}
