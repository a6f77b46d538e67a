/** Connections that break, servers that are away, and greetings that go wrong. */
import { PROTOCOL_VERSION, type MessageOf } from '@dpr/protocol';
import { check } from '../failure.ts';
import type { Stage } from '../scripted-cluster.ts';
import { addEach, addOne, end, type Scenario } from './scenario.ts';

export const CONNECTIONS: readonly Scenario[] = [
  {
    name: 'reconnect',
    title: 'sends what was not answered again, byte by byte and in order, before anything new',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const sent = await addEach(stage, worker, 1, 2, 3);
      for (const { message } of sent.slice(0, 2)) worker.execute(message, 5);
      await worker.accept();
      worker.peer().close();
      client.say('add 0 4');
      await worker.accept();
      for (const arrival of await worker.batches(1, 2, 3, 4)) worker.answer(arrival, 6);
      await client.hears('completed 1 1', 'completed 2 3', 'completed 3 6', 'completed 4 10');
      await end(stage);
    },
  },
  {
    name: 'commit-again',
    title: 'asks for a commit again after connecting again',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      client.say('commit');
      await worker.next('commit');
      worker.peer().close();
      const { message } = await worker.next('commit');
      check(message.version === 9, () => `it asks for the commit of ${message.version}, and not of 9`);
      worker.commitUpTo(9);
      await client.hears('committed 1');
      await end(stage);
    },
  },
  {
    name: 'cut-after-welcome',
    title: 'learns of a commit from the cut that follows a welcome',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      stage.truth.cut.set(0, 9);
      worker.peer().close();
      await client.hears('committed 1');
      await end(stage);
    },
  },
  {
    name: 'ping',
    title: 'answers pings, of the Finder and of a worker',
    async play(stage) {
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      await worker.peer().ping();
      await stage.finder.peer().ping();
      await end(stage);
    },
  },
  {
    name: 'finder-away',
    title: 'goes on without the Finder, and connects to it again',
    async play(stage) {
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      const before = stage.finder.greetings.length;
      stage.finder.peer().close(1001);
      await addOne(stage, worker, 2, 5, 9);
      await stage.finder.greeted(before + 1);
      await end(stage);
    },
  },
  {
    name: 'unreadable',
    title: 'closes a connection on which no frame comes, connects again, and goes on',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const [first] = await addEach(stage, worker, 1);
      first?.peer.sendBytes(Buffer.from('ff00', 'hex'));
      await first?.peer.ended();
      for (const arrival of await worker.batches(1)) worker.answer(arrival, 5);
      await client.hears('completed 1 1');
      await end(stage);
    },
  },
  {
    name: 'fenced-worker',
    title: 'takes the end of a worker for the end of a connection, and heeds nothing that the worker says of itself',
    async play(stage) {
      const { client } = stage;
      const worker = stage.worker(0);
      const [first] = await addEach(stage, worker, 1);
      first?.peer.send(stage.error('fenced'));
      first?.peer.close(1008);
      for (const arrival of await worker.batches(1)) worker.answer(arrival, 5);
      await client.hears('completed 1 1');
      await end(stage);
    },
  },
  ...(['volumeRefused', 'unknownWorker', 'unauthorized', 'wrongWorker'] as const).map((code): Scenario => ({
    name: `nameless-${code}`,
    title: `ends no session because of '${code}' that names none`,
    async play(stage) {
      const worker = stage.worker(0);
      await addOne(stage, worker, 1, 5, 9);
      worker.peer().send(stage.error(code));
      await addOne(stage, worker, 2, 5, 9);
      await end(stage);
    },
  })),
  ...(['unsupportedVersion', 'unauthorized', 'wrongCluster'] as const).map((code): Scenario => ({
    name: `refused-${code}`,
    title: `tells that the cluster refuses it, when the Finder answers the greeting with '${code}'`,
    async play(stage) {
      const detail = code === 'unsupportedVersion' ? PROTOCOL_VERSION + 1 : 0;
      stage.finder.greetWith(() => stage.error(code, detail));
      stage.client.say('add 0 1');
      await stage.client.hears(`refused ${code}`);
    },
  })),
  {
    name: 'other-version',
    title: 'tells that the cluster speaks another version, when the welcome says so',
    async play(stage) {
      stage.finder.greetWith(() => ({ ...finderWelcome(stage), protocol: PROTOCOL_VERSION + 1 }));
      stage.client.say('add 0 1');
      await stage.client.hears('refused unsupportedVersion');
    },
  },
  ...(['staleFinder', 'notServing'] as const).map((code): Scenario => ({
    name: `finder-${code}`,
    title: `connects to the Finder again, when it answers the greeting with '${code}'`,
    async play(stage) {
      stage.finder.greetWith(() => (stage.finder.greetings.length <= 2 ? stage.error(code) : undefined));
      await addOne(stage, stage.worker(0), 1, 5, 9);
      await end(stage);
    },
  })),
  ...(['notServing', 'wrongWorker'] as const).map((code): Scenario => ({
    name: `worker-${code}`,
    title: `connects to a worker again, when it answers the greeting with '${code}'`,
    async play(stage) {
      const worker = stage.worker(0);
      worker.greetWith(() => (worker.greetings.length <= 2 ? stage.error(code) : undefined));
      await addOne(stage, worker, 1, 5, 9);
      await end(stage);
    },
  })),
  {
    name: 'another-worker',
    title:
      'sends nothing to another worker than it looked for, nor to an earlier generation, and asks for the membership',
    async play(stage) {
      const worker = stage.worker(0);
      const welcome = (id: number, generation: number): MessageOf<'welcome'> => ({
        ...finderWelcome(stage),
        worker: { id, generation, incarnation: 1, type: 'counter' },
      });
      worker.greetWith(() => {
        const count = worker.greetings.length;
        return count === 1 ? welcome(7, 1) : count === 2 ? welcome(0, 0) : undefined;
      });
      stage.client.say('add 0 5');
      const asked = await stage.finder.next('fetchCluster').then(() => stage.finder.next('fetchCluster'));
      check(asked.message.known === stage.truth.version, () => 'it names the membership that it knows');
      await worker.greeted(3);
      const arrival = await worker.batch();
      check(
        worker.untaken('batch') === 0,
        () => 'it sends a batch to a server that is not the worker that it looked for',
      );
      worker.answer(arrival, 9);
      await stage.client.hears('completed 1 5');
      await end(stage);
    },
  },
  {
    name: 'another-cluster',
    title: 'sends nothing to a worker of another cluster',
    async play(stage) {
      const worker = stage.worker(0);
      const self = { id: 0, generation: 1, incarnation: 1, type: 'counter' };
      worker.greetWith(() => ({ ...finderWelcome(stage), cluster: 'dd'.repeat(16), worker: self }));
      stage.client.say('add 0 5');
      const peer = await worker.accept();
      await peer.ended();
      check(worker.untaken('batch') === 0, () => 'it sends a batch to a worker of another cluster');
      stage.client.mayHear(/^refused wrongCluster$/);
    },
  },
];

function finderWelcome({ truth }: Stage): MessageOf<'welcome'> {
  return {
    kind: 'welcome',
    protocol: PROTOCOL_VERSION,
    cluster: 'c1000000000000000000000000000001',
    worldLine: truth.worldLine,
    controlPort: 0,
    worker: undefined,
  };
}
