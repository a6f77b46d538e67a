/** Writes the tables of the simulator's README anew, from what a run saw. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';
import type { Branches } from '../coverage/index.ts';
import { MUST_BE_REACHED } from '../must-be-reached.ts';
import { MUTANTS } from '../mutants/index.ts';
import { KEPT_SEEDS } from '../seeds.ts';
import type { Hunted } from './run-mutants.ts';
import { sortedCoverage, type Summary } from './run-many.ts';

export const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** What stands between the marks `<!-- NAME -->` and `<!-- /NAME -->`. @throws Error when they are missing */
function tableIn(text: string, name: string): string {
  const [start, end] = marks(name);
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${README} has no place for '${name}', between ${start} and ${end}`);
  return text.slice(from + start.length, to);
}

function marks(name: string): [string, string] {
  return [`<!-- ${name} -->`, `<!-- /${name} -->`];
}

async function replace(name: string, content: string): Promise<void> {
  const text = await readFile(README, 'utf8');
  const [start, end] = marks(name);
  const replaced = text.replace(start + tableIn(text, name) + end, () => `${start}\n\n${content}\n\n${end}`);
  const config = await prettier.resolveConfig(README);
  await writeFile(README, await prettier.format(replaced, { ...config, filepath: README }));
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Those that were hunted; the others keep their rows. */
export async function writeMutants(hunted: readonly Hunted[]): Promise<void> {
  const before = new Map(rowsOf(await readFile(README, 'utf8'), 'mutants').map((row) => [row[0], row]));
  const rows = MUTANTS.map(({ name }) => {
    const [number = '', ...words] = name.split(' ');
    const now = hunted.find((one) => one.name === name);
    if (now === undefined) return [number, words.join(' '), ...(before.get(number)?.slice(2) ?? ['', '', ''])];
    const invariant = now.invariant.replaceAll('|', '/');
    return [number, words.join(' '), now.draw, String(now.seeds ?? 'survives'), invariant];
  });
  await replace('mutants', table(['', 'mutant', 'worlds', 'seeds', 'caught by'], rows));
}

/** What was wrong in the project itself, as the kept seeds tell of it. */
export async function writeDefects(): Promise<void> {
  const defects = KEPT_SEEDS.flatMap(({ seed, found, fix }) => (fix === undefined ? [] : [[String(seed), found, fix]]));
  await replace('defects', table(['seed', 'what was wrong', 'since then'], defects));
}

/** The cells of a table, without its heading. */
export function rowsOf(text: string, name: string): string[][] {
  const lines = tableIn(text, name).split('\n');
  const rows = lines.filter((line) => line.startsWith('|')).slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

async function writeBranches({ blocks, reached, excused, rarest }: Branches): Promise<void> {
  const cells = (text: string): string => `\`${text.replaceAll('|', '\\|').replaceAll('`', '´')}\``;
  await replace(
    'branches',
    [
      `${reached} of ${blocks} blocks were reached, and ${excused} cannot be. The rarest:`,
      table(
        ['block', 'begins on the line', 'times'],
        rarest.map(({ place, text, times }) => [place, cells(text), String(times)]),
      ),
    ].join('\n\n'),
  );
}

/** The figures of the run, and how often each thing was reached. */
export async function writeCoverage(summary: Summary): Promise<void> {
  const { figures, seeds, wallMs, simulatedMs } = summary;
  await replace(
    'figures',
    table(
      ['figure', 'of the run'],
      [
        ['seeds', `${seeds}, from ${summary.first} on`],
        ['violations', String(summary.violations)],
        ['commit', summary.commit],
        ['time', `${(wallMs / 60_000).toFixed(1)} min in ${summary.jobs} processes, Node ${process.version}`],
        ['seeds a minute', ((seeds / wallMs) * 60_000).toFixed(0)],
        [
          'simulated',
          `${(simulatedMs / 3_600_000).toFixed(1)} h, ${(simulatedMs / wallMs).toFixed(0)} times real time`,
        ],
        ['events', String(summary.steps)],
        ['executions', String(figures.executions)],
        ['cuts', String(figures.cuts)],
        ['rollbacks', String(figures.decisions)],
      ],
    ),
  );
  if (summary.branches) await writeBranches(summary.branches);
  const reached = new Set([...MUST_BE_REACHED, ...summary.coverage.keys()]);
  const counts = sortedCoverage(new Map([...reached].map((what) => [what, summary.coverage.get(what) ?? 0])));
  await replace(
    'coverage',
    table(
      ['what', 'times'],
      counts.map(([what, times]) => [what, String(times)]),
    ),
  );
}
