/** Batches that a worker refuses, by each code. */
import { check } from '../failure.ts';
import { addEach, addOne, end, type Scenario } from './scenario.ts';

/** Answers after which a client sends the same batches again. */
const TRY_AGAIN = ['overloaded', 'windowExceeded', 'notServing'] as const;
/** Answers after which the session cannot go on, and what the client says then. */
const ENDS = [
  ['malformed', 'malformed'],
  ['dependencyAboveVersion', 'defect'],
  ['sessionExpired', 'sessionExpired'],
  ['tooManySessions', 'tooManySessions'],
] as const;

export const REFUSALS: readonly Scenario[] = [
  ...TRY_AGAIN.map((code): Scenario => ({
    name: `refused-${code}`,
    title: `sends a batch that is refused as '${code}' again, with all that it sent behind it, in order`,
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const [first, second, third] = await addEach(stage, worker, 1, 2, 3);
      if (!first || !second || !third) return;
      worker.refuse(first, code, code === 'windowExceeded' ? 256 : 0);
      worker.refuse(second, 'sequenceGap', 1);
      worker.refuse(third, 'sequenceGap', 1);
      for (const arrival of await worker.batches(1, 2, 3)) worker.answer(arrival, 5);
      await client.hears('completed 1 1', 'completed 2 3', 'completed 3 6');
      await end(stage);
    },
  })),
  {
    name: 'gap',
    title: "fills a gap, by sending all that is not answered again after 'sequenceGap'",
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const [first, second, third] = await addEach(stage, worker, 1, 2, 3);
      if (!first || !second || !third) return;
      worker.answer(first, 5);
      worker.refuse(third, 'sequenceGap', 2);
      for (const arrival of await worker.batches(2, 3)) worker.answer(arrival, 5);
      await client.hears('completed 1 1', 'completed 2 3', 'completed 3 6');
      await end(stage);
    },
  },
  {
    name: 'forgotten',
    title: "ends the session when 'sequenceGap' expects a number that it has a reply to",
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      await addOne(stage, worker, 2, 5, 9);
      const [third] = await addEach(stage, worker, 5);
      if (third) worker.refuse(third, 'sequenceGap', 1);
      await client.hears('ended defect');
    },
  },
  ...ENDS.map(([code, word]): Scenario => ({
    name: `refused-${code}`,
    title: `ends the session when a batch is refused as '${code}'`,
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      const [second] = await addEach(stage, worker, 5);
      if (second) worker.refuse(second, code);
      await client.hears(`ended ${word}`);
      check(!client.hasSaid('committed 1') && !client.hasSaid('completed 2 10'), () => 'it makes results up');
    },
  })),
  {
    name: 'late-copy',
    title: "goes on after 'sessionExpired' about a batch that was answered: a copy of it came late",
    async play(stage) {
      const worker = stage.worker(0);
      const first = await addOne(stage, worker, 1, 5, 9);
      worker.refuse(first, 'sessionExpired');
      await addOne(stage, worker, 2, 5, 9);
      await end(stage);
    },
  },
  {
    name: 'refused-absurdVersion',
    title: "ends the session when a batch is refused as 'absurdVersion', or sends the batch again",
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const [first] = await addEach(stage, worker, 5);
      if (!first) return;
      worker.refuse(first, 'absurdVersion', 3);
      const again = worker.batch().then(
        (arrival) => worker.answer(arrival, 9),
        () => undefined, // it ended, then
      );
      const heard = await Promise.race([
        client.hearsOneOf('ended defect', 'completed 1 5'),
        again.then(() => client.hearsOneOf('ended defect', 'completed 1 5')),
      ]);
      if (heard !== 'ended defect') await end(stage);
    },
  },
  {
    name: 'refused-leaving',
    title: "asks for the membership when a worker is leaving, and takes the worker's replies to repeats",
    async play(stage) {
      const { client, truth, finder } = stage;
      const worker = stage.worker(0);
      const [first] = await addEach(stage, worker, 5);
      if (!first) return;
      while (finder.untaken('fetchCluster') > 0) await finder.next('fetchCluster');
      truth.members = truth.members.map((member) => ({ ...member, leaving: member.id === 0 }));
      truth.version++;
      worker.refuse(first, 'leaving');
      await finder.next('fetchCluster');
      stage.removeWorker(worker);
      await client.hearsOneOf('failed 1 unknown', 'failed 1 notExecuted');
      await end(stage);
    },
  },
  {
    name: 'refused-wrongGeneration',
    title:
      'does not know what became of unanswered batches of an earlier generation, and begins anew with the next one',
    async play(stage) {
      const { client, finder } = stage;
      const old = stage.worker(0);
      const [first] = await addEach(stage, old, 5);
      if (!first) return;
      while (finder.untaken('fetchCluster') > 0) await finder.next('fetchCluster');
      stage.rules.removed(0, 1);
      const next = await stage.addWorker(0, 2);
      old.refuse(first, 'wrongGeneration', 2);
      await finder.next('fetchCluster');
      await client.hears('failed 1 unknown');
      const second = await addOne(stage, next, 2, 3, 9);
      check(second.message.sequence === 1, () => 'a later generation begins with number 1');
      await end(stage);
    },
  },
  {
    name: 'refused-needDecisions',
    title: "sends a batch again after a pause when the worker has not heard of its world-line ('needDecisions')",
    async play(stage) {
      const { client } = stage;
      const [zero, one] = [stage.worker(0), stage.worker(1)];
      await addOne(stage, zero, 1, 1, 5);
      const decision = stage.rollBack({ 0: 5 });
      zero.peer().send(stage.cut(0, [decision]));
      await client.hears('committed 1');
      client.mayHear(/^rolledback 1$/); // nothing is lost: it need not say so
      zero.restore(1);
      const [second] = await addEach(stage, one, 2);
      if (!second) return;
      one.refuse(second, 'needDecisions', 1);
      const again = await one.batch();
      one.answer(again, 7);
      await client.hears('completed 2 2');
      await end(stage);
    },
  },
  {
    name: 'history-lost',
    title: "ends the session on 'historyLost', if a decision after its world-line is forgotten, and not otherwise",
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      worker.peer().send(stage.error('historyLost', 2));
      await addOne(stage, worker, 2, 5, 9);
      worker.peer().send(stage.error('historyLost', 3));
      await client.hears('ended historyLost');
    },
  },
];
