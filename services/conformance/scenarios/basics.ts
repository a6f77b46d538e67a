/** Calls, replies, cuts and dependencies, without any failure. */
import { check } from '../failure.ts';
import { addEach, addOne, end, type Scenario } from './scenario.ts';

/** More than may be unacknowledged. */
const MANY_CALLS = 300;

export const BASICS: readonly Scenario[] = [
  {
    name: 'first-call',
    title: 'greets the Finder and a worker, fetches the membership, and sends a first batch',
    async play(stage) {
      const [arrival] = await addEach(stage, stage.worker(0), 5);
      await stage.finder.next('fetchCluster');
      const batch = arrival?.message;
      check(
        batch?.sequence === 1 && batch.acknowledged === 0,
        () => 'the first batch has number 1, and acknowledges 0',
      );
      check(batch.version === 0 && batch.dependencies.size === 0, () => 'the first batch has seen nothing');
      if (arrival !== undefined) stage.worker(0).answer(arrival, 7);
      await stage.client.hears('completed 1 5');
      await end(stage);
    },
  },
  {
    name: 'session-ended',
    title: 'tells the workers that it sent batches to, and no others, when the session ends',
    async play(stage) {
      await addOne(stage, stage.worker(0), 1, 5, 7);
      stage.client.say('end');
      await stage.worker(0).next('sessionEnded');
      await stage.client.ended();
      check(stage.worker(1).untaken('sessionEnded') === 0, () => 'worker 1 was sent no batch, and need not be told');
    },
  },
  {
    name: 'values',
    title: 'reads values, also negative ones and the largest, and tells what overflowed',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      worker.value = 2n ** 63n - 6n;
      client.say('get 0');
      worker.answer(await worker.batch(), 3);
      await client.hears(`completed 1 ${worker.value}`);
      client.say('add 0 6');
      worker.answer(await worker.batch(), 3);
      await client.hears(`overflow 2 ${worker.value}`);
      client.say('add 0 -9223372036854775808');
      worker.answer(await worker.batch(), 3);
      await client.hears('completed 3 -6');
      client.mayHear(/^committed /);
      await end(stage);
    },
  },
  {
    name: 'commit',
    title: 'asks for a commit, and tells it once the cut of its worker covers the version',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      client.say('commit');
      const { message } = await worker.next('commit');
      check(message.version === 9 && message.worldLine === 1, () => `it asks for the commit of ${message.version}`);
      worker.commitUpTo(8);
      worker.peer().send({ ...stage.cut(1, []), cut: new Map([[1, 100]]) });
      await addOne(stage, worker, 2, 1, 10);
      check(!client.hasSaid('committed 1'), () => 'it tells version 9 for committed when the cut is at 8');
      worker.commitUpTo(9);
      await client.hears('committed 1');
      worker.commitUpTo(11);
      await client.hears('committed 2');
      await end(stage);
    },
  },
  {
    name: 'late-cut',
    title: 'keeps the largest cut of its world-line, and ignores those of others',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      worker.commitUpTo(9);
      await client.hears('committed 1');
      worker.commitUpTo(4);
      worker.peer().send({ ...stage.cut(0, []), worldLine: 0, cut: new Map([[0, 100]]) });
      const [second] = await addEach(stage, worker, 1);
      if (second !== undefined) worker.answer(second, 9);
      await client.hears('completed 2 6', 'committed 2');
      await addOne(stage, worker, 3, 1, 12);
      check(!client.hasSaid('committed 3'), () => 'it takes the cut of another world-line for its own');
      await end(stage);
    },
  },
  {
    name: 'frontier',
    title: 'depends on what it has seen of other workers, and on no more',
    async play(stage) {
      const [zero, one] = [stage.worker(0), stage.worker(1)];
      await addOne(stage, zero, 1, 1, 5);
      const second = await addOne(stage, one, 2, 1, 7);
      checkBatch(second.message, 5, { 0: 5 });
      const third = await addOne(stage, one, 3, 1, 7);
      checkBatch(third.message, 7, {});
      const fourth = await addOne(stage, zero, 4, 1, 8);
      checkBatch(fourth.message, 7, { 1: 7 });
      const fifth = await addOne(stage, one, 5, 1, 8);
      checkBatch(fifth.message, 8, { 0: 8 });
      await end(stage);
    },
  },
  {
    name: 'strict',
    title: 'does not turn to another worker while a reply is due',
    async play(stage) {
      const { client } = stage;
      const [zero, one] = [stage.worker(0), stage.worker(1)];
      await addOne(stage, zero, 1, 1, 5);
      await addOne(stage, one, 2, 1, 6);
      client.say('add 0 1');
      client.say('add 1 2');
      client.say('commit');
      const first = await zero.batch();
      // A batch that the client sent too early came before this, on the same connection.
      await one.next('commit');
      check(one.untaken('batch') === 0, () => 'the batch to worker 1 does not wait for the reply of worker 0');
      zero.answer(first, 6);
      one.answer(await one.batch(), 7);
      await client.hears('completed 3 2', 'completed 4 3');
      await end(stage);
    },
  },
  {
    name: 'out-of-order',
    title: 'takes replies in any order, and acknowledges up to the first gap',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const sent = await addEach(stage, worker, 1, 2, 3);
      for (const { message } of sent) worker.execute(message, message.sequence === 1 ? 11 : 12);
      for (const arrival of sent.slice(1).reverse()) worker.answer(arrival, 12);
      await client.hears('completed 3 6', 'completed 2 3');
      const [fourth] = await addEach(stage, worker, 4);
      check(
        fourth?.message.acknowledged === 0,
        () => `reply 1 is due, and it acknowledges ${fourth?.message.acknowledged ?? ''}`,
      );
      check(fourth.message.version === 12, () => `it has seen version 12, and says ${fourth.message.version}`);
      if (sent[0] !== undefined) worker.answer(sent[0], 11);
      await client.hears('completed 1 1');
      const [fifth] = await addEach(stage, worker, 5);
      check(
        fifth?.message.acknowledged === 3,
        () => `three replies came, and it acknowledges ${fifth?.message.acknowledged ?? ''}`,
      );
      worker.answer(fourth, 12);
      worker.answer(fifth, 12);
      await client.hears('completed 4 10', 'completed 5 15');
      worker.commitUpTo(12);
      for (const call of [1, 2, 3, 4, 5]) await client.hears(`committed ${call}`);
      await end(stage);
    },
  },
  {
    name: 'together',
    title: 'takes several frames out of one message, in order',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const sent = await addEach(stage, worker, 1, 2);
      const [first, second] = sent.map(({ message }) => worker.execute(message, 5));
      if (first === undefined || second === undefined) return;
      for (const { sequence } of [first, second]) stage.rules.replied(0, 1, sequence, 5);
      stage.truth.cut.set(0, 5);
      worker.peer().send(first, second, stage.cut(0, []));
      await client.hears('completed 1 1', 'completed 2 3', 'committed 1', 'committed 2');
      await end(stage);
    },
  },
  {
    name: 'foreign-replies',
    title:
      'ignores replies that come twice, of other sessions, of other world-lines, and to batches that it did not send',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const [arrival] = await addEach(stage, worker, 5);
      if (arrival === undefined) return;
      const reply = worker.execute(arrival.message, 9);
      const results = Buffer.from(BigInt64Array.of(77n).buffer);
      arrival.peer.send(
        { ...reply, worldLine: 2, results },
        { ...reply, session: 'f'.repeat(32), results },
        { ...reply, sequence: 2, results },
      );
      worker.answer(arrival, 9);
      await client.hears('completed 1 5');
      arrival.peer.send({ ...reply, results, version: 1_000 });
      const second = await addOne(stage, worker, 2, 1, 9);
      check(second.message.version === 9, () => 'it has seen the version of a reply that it must ignore');
      await end(stage);
    },
  },
  {
    name: 'window',
    title: 'has no more batches unacknowledged than it may',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      for (let call = 1; call <= MANY_CALLS; call++) client.say('add 0 1');
      for (let operations = 0; operations < MANY_CALLS;) {
        const arrival = await worker.batch();
        if (operations === 0) await arrival.peer.ping(); // all that it would send at once is there
        operations += arrival.message.count;
        worker.answer(arrival, 5);
      }
      for (let call = 1; call <= MANY_CALLS; call++) await client.hears(`completed ${call} ${call}`);
      await end(stage);
    },
  },
];

function checkBatch(
  batch: { readonly version: number; readonly dependencies: ReadonlyMap<number, number> },
  version: number,
  dependencies: Readonly<Record<number, number>>,
): void {
  check(batch.version === version, () => `a batch has seen version ${version}, and says ${batch.version}`);
  const found = JSON.stringify(Object.fromEntries(batch.dependencies));
  const due = JSON.stringify(dependencies);
  check(found === due, () => `a batch depends on ${due}, and says ${found}`);
}
