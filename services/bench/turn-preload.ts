/** Loaded before a worker whose event loop is to be watched: each SIGUSR2 writes how long its turns were since the one before. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { turnsFile, type TurnTimes } from './event-loop-delay.ts';
import { writeWhole } from './written-files.ts';

const RESOLUTION_MS = 1;
const watched = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
watched.enable();

process.on('SIGUSR2', () => {
  const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  const times: TurnTimes = {
    count: watched.count,
    p50: late(watched.percentile(50)),
    p999: late(watched.percentile(99.9)),
    longest: late(watched.max),
  };
  watched.reset();
  writeWhole(turnsFile(process.pid), times);
});
