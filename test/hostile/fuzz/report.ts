/** What a run shows: a line now and then, and tables at its end. */
import { ERROR_CODES, type ErrorCode } from '@dpr/protocol';
import { KINDS } from './frames.ts';
import { mebibytes, ranges, type Sample } from './memory.ts';
import type { Progress } from './run.ts';

/** What stays of the memory after garbage was collected shows in the least of so many samples. */
const WINDOW = 10;
const MINUTE_MS = 60_000;

export function progressLine({ atMs, counts, samples, commits }: Progress): string {
  const frames = counts.get('frames') ?? 0;
  const memory = [...ranges(samples.slice(-WINDOW))].map(
    ([name, { least, most }]) => `${name} ${mebibytes(least)}-${mebibytes(most)}`,
  );
  const perMinute = Math.round((frames * MINUTE_MS) / atMs / 1_000);
  return `${seconds(atMs)}  ${frames} frames (${perMinute}k/min), ${counts.get('connections') ?? 0} connections; MiB: ${memory.join(', ')}; commits ${percentiles(commits.slice(-WINDOW * 5))} ms`;
}

/** Everything that was counted, the memory and the times. */
export function report({ atMs, counts, samples, commits, newcomers }: Progress, seed: number): string {
  const frames = counts.get('frames') ?? 0;
  const lines = [
    `seed ${seed}, ${seconds(atMs)}: ${frames} frames, ${Math.round((frames * MINUTE_MS) / atMs)} a minute`,
    '',
    ...table('The client beside', [
      ['commits of its calls', String(commits.length)],
      ['  took, ms (50 %, 99 %, most)', percentiles(commits)],
      ['new clients with new sessions', String(newcomers.length)],
      ['  took, ms (50 %, 99 %, most)', percentiles(newcomers)],
    ]),
    ...table('Memory, MiB: at first, least and most of the last tenth, most of all', memoryRows(samples)),
  ];
  const missing = neverReached(counts);
  if (missing.length > 0) lines.push(`Never answered: ${missing.join(', ')}`, '');
  for (const [title, prefix] of GROUPS) {
    const rows = [...counts].filter(([what]) => what.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    lines.push(
      ...table(
        title,
        rows.map(([what, times]) => [what.slice(prefix.length), String(times)]),
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Codes that no client brings about here, and why. */
export const OUT_OF_REACH: readonly ErrorCode[] = [
  'wrongWorker', // a client finds that out itself, and so does a worker
  'overloaded', // takes a disk or a memory that does not suffice
  'tooManySessions', // takes a memory that does not suffice
  'leaving', // takes the word of an administrator
  'surveyAgain', // takes a removal
  'notServing', // takes a server that starts or stops
  'staleFinder', // takes a record that is older than it was
];
const CLOSE_CODES = [1002, 1007, 1008, 1009];

/** What a run of a minute or more has as an answer, unless it does not send what it should. @returns what did not come */
export function neverReached(counts: ReadonlyMap<string, number>): string[] {
  const codes = ERROR_CODES.filter((code) => !OUT_OF_REACH.includes(code)).map((code) => `error ${code}`);
  const kinds = KINDS.map((kind) => `sent ${kind}`);
  const endings = CLOSE_CODES.map((code) => `ended: code ${code}`);
  return [...kinds, ...codes, ...endings].filter((what) => !counts.has(what));
}

const GROUPS = [
  ['Frames that were sent, by kind', 'sent '],
  ['Frames and messages that were damaged', 'damage: '],
  ['WebSockets that did something else', 'WebSocket: '],
  ['Requests that were no right ones', 'request: '],
  ['Answers, by kind', 'got '],
  ['Refusals, by code', 'error '],
  ['Connections, by how they ended', 'ended: '],
] as const;

function memoryRows(samples: readonly Sample[]): [string, string][] {
  const all = ranges(samples);
  const last = ranges(samples.slice(-Math.ceil(samples.length / 10)));
  const first = samples[0]?.bytes ?? {};
  return [...all].map(([name, { most }]) => {
    const { least, most: late } = last.get(name) ?? { least: 0, most: 0 };
    return [name, [first[name] ?? 0, least, late, most].map(mebibytes).join('  ')];
  });
}

function table(title: string, rows: readonly (readonly [string, string])[]): string[] {
  const width = rows.reduce((most, [name]) => Math.max(most, name.length), 0);
  return [title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ''];
}

function percentiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return `${at(0.5)} ${at(0.99)} ${at(1)}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
