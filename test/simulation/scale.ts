/** `npm run scale`: how the Finder's work grows with the number of its workers. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { commandLine, whole } from '../../services/local/command-line.ts';
import { MAX_WORKERS } from '../../services/protocol/index.ts';
import type { Cost, ScaleOutcome } from './scale-cost.ts';
import { measureScale, REPORT_INTERVAL_MS } from './scale-world.ts';

const MAX_SECONDS = 3_600;
const workerCounts = (text: string): number[] => text.split(',').map(whole(1, MAX_WORKERS));

const options = commandLine('npm run scale --', "How the Finder's work grows with the number of its workers.")
  .option('--workers <counts>', 'how many workers, one cluster after the other', workerCounts, [100, 1_000, 10_000])
  .option('--seconds <n>', 'how long in simulated time', whole(1, MAX_SECONDS), 2)
  .option('--json', 'one JSON array, for scripts', false)
  .parse()
  .opts<{ readonly workers: readonly number[]; readonly seconds: number; readonly json: boolean }>();

interface Column {
  readonly name: string;
  readonly of: (outcome: ScaleOutcome) => number;
}

const perSecond = ({ simulatedMs }: Cost, what: number): number => (1000 * what) / simulatedMs;
const COLUMNS: readonly Column[] = [
  { name: 'workers', of: ({ workers }) => workers },
  { name: 'core %', of: ({ steady }) => (100 * steady.cpuMs) / steady.simulatedMs },
  { name: 'us/report', of: ({ steady }) => (1000 * steady.cpuMs) / steady.reports },
  { name: 'ms/cut', of: ({ steady }) => steady.cpuMs / steady.cuts },
  { name: 'cuts/s', of: ({ steady }) => perSecond(steady, steady.cuts) },
  { name: 'msg in/s', of: ({ steady }) => perSecond(steady, steady.messagesIn) },
  { name: 'msg out/s', of: ({ steady }) => perSecond(steady, steady.messagesOut) },
  { name: 'kB out/s', of: ({ steady }) => perSecond(steady, steady.bytesOut) / 1000 },
  { name: 'kB disk/s', of: ({ steady }) => perSecond(steady, steady.recordBytes) / 1000 },
  { name: 'kB record', of: ({ steady }) => steady.recordBytes / steady.recordWrites / 1000 },
  { name: 'commit ms', of: ({ commitMs }) => commitMs.mean },
  { name: 'MB memory', of: ({ memoryBytes }) => memoryBytes / 1e6 },
  { name: 'join ms', of: ({ join }) => join.cpuMs },
  { name: 'restart ms', of: ({ restart }) => restart.cpuMs },
  { name: 'rollback ms', of: ({ rollback }) => rollback.cpuMs },
  { name: 'rollback MB', of: ({ rollback }) => rollback.bytesOut / 1e6 },
];

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

function show(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}

function row(cells: readonly string[]): void {
  if (!options.json) console.log(cells.map((cell) => cell.padStart(11)).join(' '));
}

/** How a figure grows: 0 is not at all, 1 in proportion to the workers, 2 with their square. */
function growth({ of }: Column, from: ScaleOutcome, to: ScaleOutcome): string {
  return (Math.log(of(to) / of(from)) / Math.log(to.workers / from.workers)).toFixed(2);
}

const collect = garbageCollector();
if (!options.json) console.log(`every worker reports each ${REPORT_INTERVAL_MS} ms; Node ${process.version}`);
row(COLUMNS.map(({ name }) => name));
const outcomes: ScaleOutcome[] = [];
for (const count of options.workers) {
  const outcome = measureScale(count, 1000 * options.seconds, collect);
  outcomes.push(outcome);
  row(COLUMNS.map(({ of }) => show(of(outcome))));
}
const [first] = outcomes;
const last = outcomes.at(-1);
if (options.json) console.log(JSON.stringify(outcomes));
else if (first !== undefined && last !== undefined && first !== last) {
  console.log(
    `how each grows from ${first.workers} to ${last.workers}: 0 not at all, 1 like the workers, 2 like their square`,
  );
  row(COLUMNS.map((column) => growth(column, first, last)));
}
