/** What the machines do together, each a script for the stage. Their golden files show every event and effect. */
import { createStage, type Stage } from './stage.ts';

/** Long enough for a tick of the clock, and for the Finder to write what it hears then, ms. */
const A_TICK_MS = 110;

export const STORIES: Readonly<Record<string, () => string>> = {
  'a cluster begins': () => createStage({ workers: 1 }).beginning(),

  'a commit': () =>
    play({ workers: 2 }, (stage) => {
      stage.say('one call at each worker; the second follows the first');
      stage.submit(0, 'a');
      stage.submit(1, 'b');
      stage.say('the clock ticks');
      stage.pass(A_TICK_MS);
    }),

  'a commit in a hurry': () =>
    play({ workers: 2 }, (stage) => {
      stage.submit(0, 'a');
      stage.submit(1, 'b');
      stage.say('no tick of the clock comes');
      stage.commit();
      stage.pass(10);
    }),

  'a crash': () =>
    play({ workers: 2 }, (stage) => {
      stage.submit(0, 'a');
      stage.pass(A_TICK_MS);
      stage.say("'b' and 'c' are not committed when worker 0 crashes");
      stage.submit(0, 'b');
      stage.submit(1, 'c');
      crashAndRestart(stage);
    }),

  'a crash, and the session replays': () =>
    play({ workers: 2, replay: true }, (stage) => {
      stage.submit(0, 'a');
      stage.pass(A_TICK_MS);
      stage.submit(0, 'b');
      stage.submit(1, 'c');
      crashAndRestart(stage);
    }),

  'a clean restart': () =>
    play({ workers: 1 }, (stage) => {
      stage.submit(0, 'a');
      stage.say('the worker stops in order');
      stage.stop(workerOf(stage, 0));
      stage.pass(10);
      stage.say('it comes back, and nothing is rolled back');
      stage.startWorker(0);
      stage.reconnect(0);
      stage.submit(0, 'b');
    }),

  'a removal': () =>
    play({ workers: 2 }, (stage) => {
      stage.submit(0, 'a');
      stage.submit(1, 'b');
      stage.say('an operator removes worker 1');
      stage.remove(1);
      stage.pass(A_TICK_MS);
      stage.look();
      stage.say('its id is added again, and nothing says what it is to begin with');
      const waiting = stage.startWorker(1);
      stage.say('it is told to begin without the old state: a new generation');
      stage.crash(waiting);
      stage.startWorker(1, 'empty');
      stage.submit(1, 'c');
    }),

  'a removal that is undone': () =>
    play({ workers: 2, replay: true }, (stage) => {
      stage.submit(0, 'a');
      stage.submit(1, 'b');
      stage.say('an operator removes worker 1');
      stage.remove(1);
      stage.pass(A_TICK_MS);
      stage.look();
      stage.say('its id is added again, and is to begin with what is kept: a new generation with the old state');
      const back = stage.startWorker(1, 'kept');
      stage.submit(1, 'c');
      stage.say("it crashes before 'c' is committed, and begins with the same state again");
      stage.crash(back);
      stage.startWorker(1, 'kept');
      stage.pass(10);
      stage.reconnect(1);
      stage.submit(1, 'd');
      stage.pass(A_TICK_MS);
    }),

  'a removal by force': () =>
    play({ workers: 2 }, (stage) => {
      stage.submit(1, 'a');
      stage.say('worker 1 dies for good, and an operator removes it by force');
      stage.crash(workerOf(stage, 1));
      stage.remove(1, true);
      stage.pass(10);
      stage.look();
    }),

  'a Finder that restarts': () =>
    play({ workers: 2 }, (stage) => {
      stage.submit(0, 'a');
      stage.say('checkpoints go on without the Finder');
      stage.crashFinder();
      stage.pass(A_TICK_MS);
      stage.submit(0, 'b');
      stage.say('it comes back, and the workers list what is not committed');
      stage.startFinder();
      stage.pass(10);
    }),

  'a zombie': () =>
    play({ workers: 1 }, (stage) => {
      stage.submit(0, 'a');
      const zombie = workerOf(stage, 0);
      stage.say('the worker hangs, with a call on its way, and its successor takes over');
      stage.pause(zombie);
      stage.submit(0, 'b');
      stage.startWorker(0);
      stage.pass(10);
      stage.say('it goes on as if nothing had happened, until it hears that it is fenced');
      stage.resume(zombie);
      stage.say('the session learns from the successor that what the zombie did is lost');
      stage.reconnect(0);
    }),
};

function play(options: Parameters<typeof createStage>[0], script: (stage: Stage) => void): string {
  const stage = createStage(options);
  script(stage);
  return stage.story();
}

function workerOf({ workers }: Stage, id: number): Stage['workers'][number] {
  const process = workers[id];
  if (process === undefined) throw new Error(`the stage has no worker ${id}`);
  return process;
}

function crashAndRestart(stage: Stage): void {
  stage.crash(workerOf(stage, 0));
  stage.startWorker(0);
  stage.pass(10);
  stage.reconnect(0);
}
