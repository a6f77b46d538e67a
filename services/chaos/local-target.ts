/** The processes of a cluster on this machine, found by what `npm start` writes about them. */
import { setTimeout as pause } from 'node:timers/promises';
import { type ClusterFile, type ClusterProcess, runningCluster } from '@dpr/client/running-cluster';
import { untilReady } from '@dpr/local';
import { TargetError, type Target, type Victim, type Outage } from './target.ts';

/** How often to look for the successor of what was killed. */
const POLL_MS = 5;

/**
 * A cluster that `npm start` runs.
 * @param dataDirectory the cluster's; who runs in it is looked up anew for each fault
 */
export function localTarget(dataDirectory: string): Target {
  const standingStill = new Map<number, NodeJS.Timeout>();

  async function cluster(): Promise<ClusterFile> {
    const found = await runningCluster(dataDirectory);
    if (found !== undefined) return found;
    throw new TargetError(
      `no cluster runs with its data in ${dataDirectory}: start one with "npm start", or name its directory with --data`,
    );
  }

  async function entry(name: string): Promise<ClusterProcess | undefined> {
    return (await cluster()).processes.find((process) => process.name === name);
  }

  function kill(victim: Victim, pid: number, signal: 'SIGKILL' | 'SIGTERM'): Outage {
    const since = performance.now();
    send(pid, signal);
    return {
      since,
      async recovered(patience) {
        while (((await entry(victim.name))?.pid ?? pid) === pid) await pause(POLL_MS, undefined, { signal: patience });
        await serves(victim, patience);
        return { tookMs: performance.now() - since };
      },
    };
  }

  function stop(victim: Victim, pid: number, forMs: number): Outage {
    send(pid, 'SIGSTOP');
    const goesOnAt = performance.now() + forMs;
    const goOn = (): void => {
      standingStill.delete(pid);
      send(pid, 'SIGCONT');
    };
    standingStill.set(pid, setTimeout(goOn, forMs));
    return {
      since: goesOnAt,
      async recovered(patience) {
        while (performance.now() < goesOnAt) await pause(goesOnAt - performance.now(), undefined, { signal: patience });
        await serves(victim, patience);
        return { tookMs: performance.now() - goesOnAt };
      },
    };
  }

  async function serves({ name }: Victim, patience: AbortSignal): Promise<void> {
    const hostname = new URL((await cluster()).cluster).hostname.replace(/^\[|\]$/g, ''); // an IPv6 address stands in brackets
    const admin = (await entry(name))?.ports.admin;
    if (admin === undefined) throw new TargetError(`${name} was removed from the cluster after its fault`);
    await untilReady(hostname, admin, patience);
  }

  return {
    async victims() {
      const { processes } = await cluster();
      const running = processes.filter(({ pid }) => pid !== null);
      return running.sort((a, b) => (a.id ?? -1) - (b.id ?? -1)).map(({ name, role }) => ({ name, role }));
    },
    async inject(victim, fault) {
      const pid = (await entry(victim.name))?.pid;
      if (pid === undefined || pid === null) throw new TargetError(`${victim.name} does not run`);
      switch (fault.kind) {
        case 'stop':
          return stop(victim, pid, fault.forMs);
        case 'kill':
          return kill(victim, pid, 'SIGKILL');
        case 'term':
          return kill(victim, pid, 'SIGTERM');
        default:
          throw new TargetError(`a process of this machine has no pod: it cannot have the fault ${fault.kind}`);
      }
    },
    release() {
      for (const [pid, timer] of standingStill) {
        clearTimeout(timer);
        send(pid, 'SIGCONT');
      }
      standingStill.clear();
    },
  };
}

/** A process that is gone already ended for another reason, and its successor is waited for all the same. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    throw new TargetError(`process ${pid} cannot be sent ${signal}: ${(error as Error).message}`);
  }
}
