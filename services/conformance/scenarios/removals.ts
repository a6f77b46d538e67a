/** Workers that are removed from the cluster. */
import { check } from '../failure.ts';
import { addEach, addOne, end, type Scenario } from './scenario.ts';

export const REMOVALS: readonly Scenario[] = [
  {
    name: 'removed',
    title:
      'does not know what became of unanswered batches of a removed worker, and learns of the others from the Finder',
    async play(stage) {
      const { client, truth } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      await addEach(stage, worker, 2);
      stage.removeWorker(worker);
      worker.greetWith(() => stage.error('notServing'));
      truth.cut.set(0, 5);
      worker.peer().close(1001);
      await client.hears('failed 2 unknown', 'committed 1');
      await addOne(stage, stage.worker(1), 3, 3, 7);
      await end(stage);
    },
  },
  {
    name: 'next-generation',
    title: 'begins with number 1 at a later generation of a worker',
    async play(stage) {
      const { client, truth } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      worker.commitUpTo(5);
      await client.hears('committed 1');
      stage.rules.removed(0, 1);
      truth.removed = [];
      const next = await stage.addWorker(0, 2);
      worker.greetWith(() => stage.error('notServing'));
      worker.peer().close(1001);
      // The client may not have noticed yet, and sends it to the earlier one.
      client.say('add 0 2');
      const lost = client.hearsOneOf('failed 2 unknown', 'failed 2 notExecuted').then(() => addEach(stage, next, 2));
      const again = await Promise.race([next.batch(), lost.then(([arrival]) => arrival)]);
      if (again === undefined) return;
      const { sequence } = again.message;
      check(sequence === 1, () => `a later generation begins with number 1, and it uses ${sequence}`);
      next.answer(again, 8);
      await client.hearsOneOf('completed 2 2', 'completed 3 2');
      await end(stage);
    },
  },
];
