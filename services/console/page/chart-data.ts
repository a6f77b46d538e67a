/** The history as a chart takes it. Pure. */
import type { Sample } from '../messages.ts';

/** How much a chart shows. */
export const CHART_SPAN_S = 15 * 60;

/** Samples further apart have a time between them of which nothing is known. */
const GAP_MS = 3_000;

export type Value = (sample: Sample) => number | undefined;

/** Times in seconds since 1970, and for each series its value then; null: not known, and the line breaks. */
export type Columns = [number[], ...(number | null)[][]];

export function columnsOf(history: readonly Sample[], values: readonly Value[]): Columns {
  const times: number[] = [];
  const series = values.map((): (number | null)[] => []);
  let before: Sample | undefined;
  for (const sample of history) {
    if (before !== undefined && sample.at - before.at > GAP_MS) {
      times.push(before.at / 1_000 + 1);
      for (const column of series) column.push(null);
    }
    times.push(sample.at / 1_000);
    for (const [index, value] of values.entries()) series[index]?.push(value(sample) ?? null);
    before = sample;
  }
  return [times, ...series];
}

/** A sentence for those who do not see the chart: "now 120, from 3 to 240". */
export function summary(column: readonly (number | null)[], text: (value: number) => string): string {
  const known = column.filter((value) => value !== null);
  if (known.length === 0) return 'not known';
  const least = known.reduce((a, b) => Math.min(a, b));
  const most = known.reduce((a, b) => Math.max(a, b));
  const now = column.at(-1) ?? null;
  return `${now === null ? 'not known now' : `now ${text(now)}`}, from ${text(least)} to ${text(most)}`;
}
