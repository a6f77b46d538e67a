/** World-lines that begin, with what they take of a session. */
import { check } from '../failure.ts';
import { addEach, addOne, end, type Scenario } from './scenario.ts';

export const ROLLBACKS: readonly Scenario[] = [
  {
    name: 'rollback',
    title: 'tells once what is lost, and numbers on from the last survivor with an empty frontier',
    async play(stage) {
      const { client } = stage;
      const [zero, one] = [stage.worker(0), stage.worker(1)];
      await addOne(stage, zero, 1, 1, 5);
      await addOne(stage, one, 2, 2, 6);
      await addOne(stage, zero, 3, 3, 8);
      const decision = stage.rollBack({ 0: 5, 1: 6 });
      zero.restore(1);
      zero.peer().send(stage.cut(0, [decision]));
      one.peer().send(stage.cut(1, [decision]));
      await client.hears('committed 1', 'committed 2', 'lost 3', 'rolledback 2');
      const { message } = await addOne(stage, one, 4, 4, 11);
      check(message.worldLine === 2, () => 'it sends a batch in a world-line that is over');
      check(message.sequence === 2, () => `number 2 is due at worker 1, and it uses ${message.sequence}`);
      check(message.version === 0, () => `it has seen no version of world-line 2, and says ${message.version}`);
      check(message.dependencies.size === 0, () => 'its frontier is empty after a rollback');
      const again = await addOne(stage, zero, 5, 5, 11);
      check(again.message.sequence === 2, () => `number 2 is free again, and it uses ${again.message.sequence}`);
      zero.commitUpTo(11);
      await client.hears('committed 5');
      await end(stage);
    },
  },
  {
    name: 'unnamed-worker',
    title: 'takes a worker that a prefix does not name for one at version 0',
    async play(stage) {
      const { client } = stage;
      const [zero, one] = [stage.worker(0), stage.worker(1)];
      await addOne(stage, zero, 1, 1, 5);
      await addOne(stage, one, 2, 2, 6);
      const decision = stage.rollBack({ 0: 5 });
      zero.restore(1);
      one.restore(0);
      zero.peer().send(stage.cut(0, [decision]));
      await client.hears('committed 1', 'lost 2', 'rolledback 1');
      const again = await addOne(stage, one, 3, 7, 9);
      check(again.message.sequence === 1, () => 'nothing survived at worker 1: it begins with number 1');
      await end(stage);
    },
  },
  {
    name: 'kept-unanswered',
    title: "asks the worker's table of what was not answered, and sends what is kept again, in the new world-line",
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const sent = await addEach(stage, worker, 1, 2, 3);
      for (const { message } of sent.slice(0, 2)) worker.execute(message, 7);
      const decision = stage.rollBack({ 0: 8 });
      worker.peer().send(stage.cut(0, [decision]));
      const { message, peer } = await worker.next('table');
      check(message.worldLine === 2 && message.generation === 1, () => 'it asks in the new world-line');
      worker.restore(2);
      peer.send({ kind: 'tableAnswer', session: message.session, worldLine: 2, last: 2 });
      const again = await worker.batches(1, 2);
      for (const arrival of again) {
        check(arrival.message.worldLine === 2, () => 'what is kept is sent again in the new world-line');
        check(arrival.message.acknowledged === 0, () => 'what is kept is not answered, and it acknowledges it');
        worker.answer(arrival, 7);
      }
      await client.hears('completed 1 1', 'completed 2 3', 'lost 3', 'rolledback 2', 'committed 1', 'committed 2');
      const next = await addOne(stage, worker, 4, 4, 9);
      check(next.message.sequence === 3, () => `number 3 is free again, and it uses ${next.message.sequence}`);
      await end(stage);
    },
  },
  {
    name: 'lost-unanswered',
    title: 'tells for lost what the table does not have',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      await addEach(stage, worker, 2);
      const decision = stage.rollBack({ 0: 5 });
      worker.restore(1);
      worker.peer().send(stage.cut(0, [decision]));
      const { message, peer } = await worker.next('table');
      peer.send({ kind: 'tableAnswer', session: message.session, worldLine: 2, last: 1 });
      await client.hears('committed 1', 'lost 2', 'rolledback 1');
      await addOne(stage, worker, 3, 4, 7);
      await end(stage);
    },
  },
  {
    name: 'table-again',
    title: 'asks the table again when the worker is not serving yet, and after connecting again',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addEach(stage, worker, 1);
      const decision = stage.rollBack({});
      worker.restore(0);
      worker.peer().send(stage.cut(0, [decision]));
      const first = await worker.next('table');
      const { session } = first.message;
      first.peer.send({ ...stage.error('notServing'), session });
      const second = await worker.next('table');
      second.peer.close();
      const third = await worker.next('table');
      third.peer.send({ kind: 'tableAnswer', session, worldLine: 2, last: 0 });
      await client.hears('lost 1', 'rolledback 0');
      await end(stage);
    },
  },
  {
    name: 'table-below',
    title: 'ends the session when a table knows less of it than is known to have survived',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      worker.commitUpTo(5);
      await client.hears('committed 1');
      await addEach(stage, worker, 2);
      const decision = stage.rollBack({ 0: 5 });
      worker.peer().send(stage.cut(0, [decision]));
      const { message, peer } = await worker.next('table');
      peer.send({ kind: 'tableAnswer', session: message.session, worldLine: 2, last: 0 });
      await client.hears('ended sessionExpired');
    },
  },
  {
    name: 'rollback-as-answer',
    title: 'learns of a rollback from the cut that answers a batch of an old world-line',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      stage.rollBack({ 0: 5 });
      worker.restore(1);
      client.say('add 0 2'); // which the worker answers by itself
      const { message, peer } = await worker.next('table');
      peer.send({ kind: 'tableAnswer', session: message.session, worldLine: 2, last: 1 });
      await client.hears('committed 1', 'lost 2', 'rolledback 1');
      await addOne(stage, worker, 3, 3, 7);
      await end(stage);
    },
  },
  {
    name: 'rollback-at-welcome',
    title: 'learns of a rollback from a welcome, and gets its decision before it sends a batch',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      await addOne(stage, worker, 2, 2, 6);
      stage.rollBack({ 0: 5 });
      worker.restore(1);
      worker.peer().close();
      await client.hears('committed 1', 'lost 2', 'rolledback 1');
      await addOne(stage, worker, 3, 3, 8);
      await end(stage);
    },
  },
  {
    name: 'two-rollbacks',
    title: 'asks for the decision that it missed, and keeps what every decision since keeps',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      await addOne(stage, worker, 2, 2, 7);
      await addOne(stage, worker, 3, 3, 9);
      stage.rollBack({ 0: 6 });
      const latest = stage.rollBack({ 0: 8 });
      worker.restore(1);
      worker.peer().send(stage.cut(0, [latest]));
      await client.hears('committed 1', 'lost 2', 'lost 3', 'rolledback 1');
      const again = await addOne(stage, worker, 4, 4, 11);
      check(
        again.message.sequence === 2 && again.message.worldLine === 3,
        () => 'it goes on from number 2 in world-line 3',
      );
      await end(stage);
    },
  },
  {
    name: 'rollback-meanwhile',
    title: 'begins again when another rollback comes before the table is known, and tells of one rollback',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addEach(stage, worker, 1, 2);
      const first = stage.rollBack({ 0: 8 });
      worker.peer().send(stage.cut(0, [first]));
      const early = await worker.next('table');
      const second = stage.rollBack({ 0: 0 });
      worker.restore(0);
      early.peer.send(stage.cut(0, [second]));
      const late = await worker.next('table');
      check(late.message.worldLine === 3, () => 'it asks for the table of the newest world-line');
      const { session } = late.message;
      late.peer.send({ kind: 'tableAnswer', session, worldLine: 2, last: 2 });
      late.peer.send({ kind: 'tableAnswer', session, worldLine: 3, last: 0 });
      await client.hears('lost 1', 'lost 2', 'rolledback 0');
      const again = await addOne(stage, worker, 3, 3, 11);
      check(
        again.message.sequence === 1 && again.message.worldLine === 3,
        () => 'it begins with number 1 in world-line 3',
      );
      await end(stage);
    },
  },
  {
    name: 'dead-world-line',
    title: 'believes no reply and no cut of a world-line that is over',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 1, 5);
      const decision = stage.rollBack({ 0: 0 });
      worker.restore(0);
      worker.peer().send(stage.cut(0, [decision]));
      await client.hears('lost 1', 'rolledback 0');
      const [second] = await addEach(stage, worker, 2);
      if (!second) return;
      const { session } = second.message;
      const old = { kind: 'reply', session, worldLine: 1, incarnation: 1, sequence: 1, version: 9, count: 1 } as const;
      second.peer.send({ ...old, results: Buffer.from(BigInt64Array.of(77n).buffer) });
      second.peer.send({ ...stage.cut(0, []), worldLine: 1, cut: new Map([[0, 100]]) });
      worker.answer(second, 9);
      await client.hears('completed 2 2');
      await addOne(stage, worker, 3, 3, 9);
      check(!client.hasSaid('committed 2'), () => 'it takes a cut of a dead world-line for its own');
      await end(stage);
    },
  },
];
