/** A cluster of this machine under fire. */
import { setTimeout as pause } from 'node:timers/promises';
import { clientOf, makePlace } from '../harness.ts';
import type { FireTarget } from './target.ts';

/** @param stores their ids @param processes the names of all that is to serve */
export async function localTarget(stores: readonly number[], processes: readonly string[]): Promise<FireTarget> {
  const place = await makePlace({ workers: [] });
  place.edit({ workers: stores.map((id) => ({ id, type: 'store' })), respBasePort: place.respBasePort });
  await place.start();

  /** @returns the pid of the process; undefined: there is none now */
  function signal(name: string, which: NodeJS.Signals): number | undefined {
    const pid = place.process(name)?.pid ?? undefined;
    return pid !== undefined && send(pid, which) ? pid : undefined;
  }

  return {
    host: '127.0.0.1',
    respPort: (store) => place.respBasePort + store,
    connect: () => clientOf(place),
    allServe: () => processes.every((name) => place.process(name)?.phase === 'serving'),
    kill: (name) => Promise.resolve(signal(name, 'SIGKILL') !== undefined),
    async holdStill(name, ms) {
      const pid = signal(name, 'SIGSTOP');
      if (pid === undefined) return false;
      await pause(ms);
      send(pid, 'SIGCONT');
      return true;
    },
  };
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // it has ended meanwhile
  }
}
