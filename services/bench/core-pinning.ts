/** Cores and CPU time, as Linux tells of them; elsewhere nothing is pinned, and the times are not known. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { spawnSync } from 'node:child_process';

/** What to put before a command so that it runs on one core. */
export type Pin = readonly string[];

export interface Pins {
  readonly servers: Pin;
  readonly load: Pin;
  /** Why nothing is pinned. */
  readonly problem: string | undefined;
}

/** The servers on one core, the load on another. */
export function pins(): Pins {
  const none = { servers: [], load: [] };
  if (availableParallelism() < 2) return { ...none, problem: 'this machine has one core: servers and load share it' };
  const works = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;
  if (!works)
    return {
      ...none,
      problem: 'taskset (util-linux) is not there or may not pin: servers and load move over the cores',
    };
  return { servers: ['taskset', '-c', '0'], load: ['taskset', '-c', '1'], problem: undefined };
}

/** CPU time that a process has used in all its threads, ns; NaN where that is not told. */
export function cpuNs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + threadNs(`/proc/${pid}/task/${thread}/schedstat`), 0);
  } catch {
    return NaN;
  }
}

/** Memory that a process holds, bytes; NaN where that is not told. */
export function memoryBytes(pid: number): number {
  try {
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(resident) * 1024;
  } catch {
    return NaN;
  }
}

function threadNs(file: string): number {
  return Number(readFileSync(file, 'utf8').split(' ')[0]);
}
