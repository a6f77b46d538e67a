/** What an experiment prints. */
import { showMs, showSummary } from '@dpr/local/measurements';
import { clock } from './output.ts';
import type { Fault } from './target.ts';
import type { CounterReport, ExperimentReport, ExperimentEvent } from './run-experiment.ts';

const number = new Intl.NumberFormat('en-US');
const LABEL_WIDTH = 14;
const KINDS: Readonly<Record<Fault['kind'], string>> = {
  kill: 'kills',
  term: 'shutdowns',
  stop: 'stops',
  delete: 'deletions',
  force: 'forced deletions',
  crash: 'crashes',
};

/** The report of one experiment, as a table of lines. */
export function experimentText(report: ExperimentReport, seed: number): string {
  const { counters, expected, operations, strikes, worldLines, rollbacks, replayed, recovery, reply } = report;
  const shown = (read: (counter: CounterReport) => number | undefined) =>
    counters.map((counter) => `${counter.worker}: ${number.format(read(counter) ?? NaN)}`).join('   ');
  const restarted = counters.some((counter) => counter.restarted !== undefined);
  const kills = Object.values(strikes).reduce((sum, count) => sum + count, 0);
  const lines: [label: string, text: string][] = [
    ['counters', `${shown(({ committed }) => committed)}   to a new session`],
    ...(restarted
      ? [['', `${shown((one) => one.restarted)}   after a restart of everything`] as [string, string]]
      : []),
    [
      'expected',
      `${number.format(expected)} each${counters.every(({ before }) => before === 0) ? '' : ', above what was there'}`,
    ],
    ['operations', `${number.format(operations)}; to the reply ${showSummary(reply)}`],
    [
      KINDS[report.blow],
      kills === 0
        ? 'none'
        : `${kills}: ${Object.entries(strikes)
            .map((one) => one.join(' × '))
            .join(', ')}`,
    ],
    ['recovery', showSummary(recovery)],
    ['world-lines', `${worldLines} began`],
    ['rollbacks', `${rollbacks} of the session; ${number.format(replayed)} operations lost and replayed`],
    ['took', `${showMs(report.tookMs)} with seed ${seed}`],
  ];
  const table = lines.map(([label, text]) => `${label.padEnd(LABEL_WIDTH)}${text}`);
  return [...table, '', ...verdictLines(report)].join('\n');
}

function verdictLines({ exact, mistakes }: ExperimentReport): string[] {
  return exact
    ? ['EXACT: nothing was lost, and nothing counted twice']
    : ['WRONG:', ...mistakes.map((one) => `  ${one}`)];
}

/** The same in one line. */
export function experimentLine(report: ExperimentReport, seed: number): string {
  const { exact, mistakes, counters, strikes, worldLines, rollbacks, replayed, recovery, tookMs } = report;
  const totals = counters.map(({ committed }) => number.format(committed)).join(' ');
  const kills = Object.values(strikes).reduce((sum, count) => sum + count, 0);
  const facts = `${kills} ${KINDS[report.blow]}, ${worldLines} world-lines, ${rollbacks} rollbacks, ${replayed} replayed`;
  const times = `recovery p50 ${showMs(recovery.p50)} max ${showMs(recovery.max)}, took ${showMs(tookMs)}, seed ${seed}`;
  return `${exact ? 'exact' : 'WRONG'}  ${totals}  ${facts}, ${times}${exact ? '' : `: ${mistakes.join('; ')}`}`;
}

const PROGRESS_SHARE = 0.1;

export type Progress = { readonly emit: (happened: ExperimentEvent) => void; readonly end: () => void };

/**
 * Tells on standard error how an experiment goes on: in a terminal in a line of its own that is replaced, elsewhere now and
 * then.
 * @param faults whether to tell of each fault
 */
export function progress(faults: boolean): Progress {
  const { stderr } = process;
  let shown = 0;
  let line = '';
  const print = (text: string): void => {
    stderr.write(stderr.isTTY ? `\r\x1b[K${text}\n${line}` : `${text}\n`);
  };
  return {
    emit(happened) {
      if (happened.event === 'round') {
        const share = happened.round / happened.rounds;
        line = `round ${happened.round} of ${happened.rounds}`;
        if (stderr.isTTY) stderr.write(`\r\x1b[K${line}`);
        else if (faults && share >= shown + PROGRESS_SHARE) print(line);
        if (share >= shown + PROGRESS_SHARE) shown = share;
      } else if (faults) {
        print(`${clock()}  ${happeningText(happened)}`);
      }
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}

function happeningText(happened: Exclude<ExperimentEvent, { event: 'round' }>): string {
  switch (happened.event) {
    case 'injected':
      return `${happened.victims.map(({ name }) => name).join(' and ')}: a fault`;
    case 'recovered':
      return `${happened.victim.name} serves again after ${showMs(happened.tookMs)}`;
    case 'rollback':
      return `world-line ${happened.worldLine}: ${happened.lost} ${happened.lost === 1 ? 'operation' : 'operations'} lost, and issued again`;
    case 'readBack':
      return `read back by a new session after ${happened.after}`;
  }
}
