/**
 * How long the turns of an event loop are: by how much a timer that rings each millisecond was late, without the time for which the thread
 * waited for a core.
 */
import { tmpdir } from 'node:os';
import path from 'node:path';
import { takeWritten } from './written-files.ts';

/** ms */
export interface TurnTimes {
  readonly count: number;
  readonly p50: number;
  readonly p999: number;
  readonly longest: number;
}

/** Where a watched process writes its turns. */
export function turnsFile(pid: number): string {
  return path.join(tmpdir(), `dpr-bench-turns-${pid}.json`);
}

/** The turns of a watched process since this was asked before. @throws as `takeWritten` */
export async function takeTurns(pid: number, signal: AbortSignal): Promise<TurnTimes> {
  process.kill(pid, 'SIGUSR2');
  return (await takeWritten(turnsFile(pid), [signal])) as TurnTimes;
}
