/** How long an event loop kept others waiting: by how much a timer that rings each millisecond was late. */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** ms */
export interface TurnTimes {
  readonly count: number;
  readonly p50: number;
  readonly p999: number;
  readonly longest: number;
}

const POLL_MS = 5;

/** Where a watched process writes its turns. */
export function turnsFile(pid: number): string {
  return path.join(tmpdir(), `dpr-bench-turns-${pid}.json`);
}

/** The turns of a watched process since this was asked before. */
export async function takeTurns(pid: number, signal: AbortSignal): Promise<TurnTimes> {
  const file = turnsFile(pid);
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    try {
      const times = JSON.parse(await readFile(file, 'utf8')) as TurnTimes;
      await rm(file);
      return times;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await pause(POLL_MS, undefined, { signal });
  }
}
