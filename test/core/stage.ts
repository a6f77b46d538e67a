/**
 * A Finder, workers and one session on a perfect network with perfect disks, and the story of what they do: one line for each
 * event, and below it what the machine wanted done. Everything that is asked for happens at once, in the order in which it
 * was asked for; only the script lets time pass and things fail.
 */
import type { WorkerConfig } from '@dpr/core';
import { finderOn } from './stage/finder.ts';
import { CLIENT, OPERATOR, type Cast, type Process, type Scene } from './stage/scene.ts';
import { sessionOn } from './stage/session.ts';
import { workersOn } from './stage/workers.ts';

export interface StageOptions {
  readonly workers: number;
  readonly replay?: boolean;
}

export type Stage = ReturnType<typeof createStage>;

/** A cluster that has come up, and a session that has done nothing yet; the story begins here. */
export function createStage({ workers: count, replay = false }: StageOptions) {
  const story: string[] = [];
  const queue: (() => void)[] = [];
  const scene: Scene = { now: 0, queue, story, tell, settle };
  const cast: Cast = {
    get finder() {
      return finder;
    },
    get workers() {
      return workers;
    },
    get session() {
      return session;
    },
  };
  const finder = finderOn(scene, cast);
  const workers = workersOn(scene, cast);
  const session = sessionOn(scene, cast, replay);

  function tell(actor: string, event: string, effects: readonly string[]): void {
    if (event === 'wakes' && effects.length === 0) return;
    story.push(`${actor} ${event}`, ...effects.map((effect) => `    ${effect}`));
  }

  function settle(): void {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  }

  /** Let time pass, and every actor do what is due by then. */
  function pass(ms: number): void {
    const until = scene.now + ms;
    for (;;) {
      const at = Math.min(finder.wakeAt(), workers.wakeAt(), session.wakeAt());
      if (at > until) break;
      scene.now = Math.max(at, scene.now + 1);
      if (finder.wakeAt() <= scene.now) finder.wake();
      workers.wake();
      if (session.wakeAt() <= scene.now) session.wake();
      settle();
    }
    scene.now = until;
  }

  finder.start();
  const first = Array.from({ length: count }, (_, id) => workers.start(id));
  settle();
  const beginning = story.splice(0);

  return {
    /** The story so far. */
    story: () => `${story.join('\n')}\n`,
    /** How the cluster came up, before the story. */
    beginning: () => `${beginning.join('\n')}\n`,
    workers: first,
    pass,
    say: (words: string) => void story.push('', `# ${words}`),
    submit(worker: number, text: string) {
      session.submit(worker, text);
      settle();
    },
    commit() {
      session.commit();
      settle();
    },
    /** Connect the session to the worker again. */
    reconnect(worker: number) {
      session.connect(worker);
      settle();
    },
    startWorker(id: number, state?: WorkerConfig['state']) {
      const process = workers.start(id, state);
      settle();
      return process;
    },
    stop(process: Process) {
      workers.step(process, { kind: 'shutdown' }, 'is asked to stop');
      settle();
    },
    crash(process: Process) {
      story.push(`${process.name} crashes`);
      workers.end(process);
      settle();
    },
    pause(process: Process) {
      story.push(`${process.name} is paused`);
      process.paused = true;
    },
    resume(process: Process) {
      story.push(`${process.name} is resumed`);
      process.paused = false;
      queue.push(...process.kept.splice(0));
      settle();
    },
    remove(worker: number, force = false) {
      finder.receive(OPERATOR, { kind: 'deleteWorker', worker, generation: 0, force });
      settle();
    },
    /** The session looks at the membership. */
    look() {
      finder.receive(CLIENT, { kind: 'fetchCluster', known: 0 });
      settle();
    },
    startFinder: () => finder.start(),
    crashFinder: () => finder.crash(),
  };
}
