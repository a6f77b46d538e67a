/** The files that the documents show: RESULTS.md, charts, and the figures as JSON. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BATCHES, cellName, CHART_CELL } from './cells.ts';
import { chart, type Series } from './chart.ts';
import {
  cellTable,
  EXPLANATION,
  machineLine,
  showCount,
  showTime,
  targetTable,
  type CellResult,
  type Machine,
} from './report.ts';
import type { TargetResult } from './targets.ts';

export interface Results {
  readonly machine: Machine;
  readonly targets: readonly TargetResult[];
  readonly cells: readonly CellResult[];
}

const MARKS = ['<!-- bench -->', '<!-- /bench -->'] as const;

/** Put `inside` between the marks. @throws Error when the marks are not there */
export function replaceMarked(document: string, inside: string): string {
  const [from, to] = MARKS.map((mark) => document.indexOf(mark));
  if (from === undefined || to === undefined || from < 0 || to < from) {
    throw new Error(`the document lacks ${MARKS.join(' and ')}, between which the table goes`);
  }
  return `${document.slice(0, from + MARKS[0].length)}\n\n${inside}\n\n${document.slice(to)}`;
}

/** One line for each peer, over batch sizes; peers without all of them are left out. */
export function seriesOf(cells: readonly CellResult[], read: (result: CellResult) => number): readonly Series[] {
  const peers = [...new Set(cells.map(({ peer }) => peer))];
  return peers.flatMap((name) => {
    const points = BATCHES.flatMap((batch): [number, number][] => {
      const wanted = cellName({ batch, ...CHART_CELL });
      const found = cells.find(({ cell, peer }) => peer === name && cell === wanted);
      const value = found === undefined ? NaN : read(found);
      return value > 0 ? [[batch, value]] : [];
    });
    return points.length === BATCHES.length ? [{ name, points }] : [];
  });
}

/** @param root of the project; @returns the names of the files that were written */
export function writeResults(root: string, results: Results): readonly string[] {
  const { machine, targets, cells } = results;
  const load = `${CHART_CELL.connections} connections, ${CHART_CELL.inFlight} batches in flight`;
  const charts = [
    {
      file: 'throughput.svg',
      title: `Operations per second, ${load}`,
      show: showCount,
      read: (one: CellResult) => one.operationsPerSecond.median,
    },
    {
      file: 'latency.svg',
      title: `99th percentile of the latency, ${load}`,
      show: showTime,
      read: ({ latency }: CellResult) => latency.p99,
    },
  ];
  const written: [file: string, content: string][] = charts.flatMap(({ file, title, show, read }) => {
    const series = seriesOf(cells, read);
    return series.length === 0 ? [] : [[file, chart(series, { title, xTitle: 'operations in a batch', show })]];
  });
  const pictures = written.map(([file]) => `![${charts.find((one) => one.file === file)?.title ?? ''}](${file})`);
  const page = ['# Results', machineLine(machine), targetTable(targets), ...pictures, EXPLANATION, cellTable(cells)];
  written.push(
    ['RESULTS.md', `${page.join('\n\n')}\n`],
    ['results.json', `${JSON.stringify(results, undefined, 2)}\n`],
  );
  const all = written.map(([file, content]): [string, string] => [path.join('services/bench', file), content]);
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  all.push(['README.md', replaceMarked(readme, `${targetTable(targets)}\n\n${machineLine(machine)}`)]);
  for (const [file, content] of all) writeFileSync(path.join(root, file), content);
  return all.map(([file]) => file);
}
