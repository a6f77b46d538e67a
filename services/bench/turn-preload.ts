/** Loaded before a worker whose event loop is to be watched: each SIGUSR2 writes how long its turns were since the one before. */
import { openSync, readSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { turnsFile, type TurnTimes } from './event-loop-delay.ts';
import { writeWhole } from './written-files.ts';

const RESOLUTION_MS = 1;
/** Linux tells of a thread: ns on a core, ns for which it waited for one, how often it got one. */
const SCHEDULE = '/proc/thread-self/schedstat';

/** How long this thread was ready to run and had no core, ms. */
function waitedMs(): () => number {
  const bytes = Buffer.alloc(64);
  let file: number;
  try {
    file = openSync(SCHEDULE, 'r');
  } catch {
    return () => 0; // another system: waiting counts as if the turn had caused it
  }
  return () => Number(bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0)).split(' ')[1]) / 1e6;
}

const waited = waitedMs();
const turns = createHistogram();
let last = { at: performance.now(), waited: waited() };

setInterval(() => {
  const now = { at: performance.now(), waited: waited() };
  const lateMs = now.at - last.at - RESOLUTION_MS - (now.waited - last.waited);
  turns.record(Math.max(1, Math.round(lateMs * 1e6)));
  last = now;
}, RESOLUTION_MS).unref();

process.on('SIGUSR2', () => {
  const times: TurnTimes = {
    count: turns.count,
    p50: turns.percentile(50) / 1e6,
    p999: turns.percentile(99.9) / 1e6,
    longest: turns.max / 1e6,
  };
  turns.reset();
  writeWhole(turnsFile(process.pid), times);
});
