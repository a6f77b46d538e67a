/** What an administrator does about workers: removes them, and asks again until they have left. */
import { call } from './dialing.ts';
import { reachFinder } from './finder-actor.ts';
import { createProcess, kill } from './scheduler.ts';
import { killWorker } from './worker-actor.ts';
import type { WorkerHost } from './worker-host.ts';
import type { World } from './world.ts';

const OPERATOR_RETRY_MS = 100;

export function removeAny(world: World, how: 'graceful' | 'force'): boolean {
  const candidates = [...world.hosts.values()].filter(
    ({ id, wanted, removing, generation }) =>
      wanted && removing === 'no' && (generation > 0 || world.checker.generationOf(id) > 0),
  );
  if (candidates.length < 2) return false; // a worker stays
  const host = world.random.pick(candidates);
  if (host.generation === 0) world.reached('removed before it was let in');
  host.generation ||= world.checker.generationOf(host.id);
  remove(world, host, how);
  return true;
}

export function remove(world: World, host: WorkerHost, how: 'graceful' | 'force'): void {
  host.removing = how;
  world.note('administrator', () => `removes worker ${host.id}${how === 'force' ? ' by force' : ''}`);
  if (how === 'force' && !world.calm && world.random.chance(0.7)) {
    host.wanted = false;
    for (const running of [...host.processes]) {
      if (world.random.chance(0.3)) running.process.paused = true;
      else killWorker(world, running, 'dies for good');
    }
  }
  askRemoval(world, host, host.generation);
}

/** DELETEWORKER, repeated until it is answered with `left`. A repetition may come late: it names the generation. */
function askRemoval(world: World, host: WorkerHost, generation: number): void {
  const { removing } = host;
  if (removing === 'no') return;
  const process = createProcess('administrator', world.scheduler);
  const again = (): void => {
    if (!process.alive) return;
    kill(process);
    world.scheduler.after(world.random.exponential(OPERATOR_RETRY_MS), undefined, () =>
      askRemoval(world, host, generation),
    );
  };
  const connection = call(world, process, () => reachFinder(world, process, 'operator'), 'operator', {
    opened() {
      const force = removing === 'force' || host.isLost;
      connection.send({ kind: 'deleteWorker', worker: host.id, generation, force });
      connection.send({ kind: 'status' });
      connection.send({ kind: 'events', after: 0 });
    },
    frames(messages) {
      if (!messages.some((message) => message.kind === 'deleteAnswer' && message.state === 'left')) return;
      world.note('administrator', () => `worker ${host.id} has left`);
      host.removing = 'no';
      if (host.generation === generation) host.wanted = false;
      connection.close();
      kill(process);
    },
    ended: again,
  });
  world.scheduler.after(5 * OPERATOR_RETRY_MS, process, again);
}
