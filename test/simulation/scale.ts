/**
 * How the Finder's work grows with the number of its workers:
 *   npm run scale -- [--workers 100,1000,10000] [--seconds S] [--json]
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { measureScale, REPORT_INTERVAL_MS, type Cost, type ScaleOutcome } from './scale-world.ts';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '100,1000,10000' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});

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

const collect = garbageCollector();
const seconds = Number(values.seconds);
const outcomes = values.workers.split(',').map((count) => measureScale(Number(count), 1000 * seconds, collect));
if (values.json) {
  console.log(JSON.stringify(outcomes));
} else {
  console.log(`every worker reports each ${REPORT_INTERVAL_MS} ms, for ${seconds} s; Node ${process.version}`);
  console.log(COLUMNS.map(({ name }) => name.padStart(11)).join(' '));
  for (const outcome of outcomes) console.log(COLUMNS.map(({ of }) => show(of(outcome)).padStart(11)).join(' '));
}

function show(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}
