import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectClient, connectOperator } from '@dpr/client';
import { EXIT } from '@dpr/runtime';
import { MIN_DESCRIPTORS, RESERVED_DESCRIPTORS } from '../../services/runtime/descriptors.ts';
import type { Child } from '../runtime/cluster.ts';
import { hello } from '../runtime/hello.ts';
import { connect as connectPeer } from '../runtime/peer.ts';
import { cleanUp, endsSaying, makeSite, onCleanUp, probe, said, startSite, until, within } from './harness.ts';

const LIMIT = 256;
const THROUGH = ['prlimit', `--nofile=${LIMIT}`];

/** Descriptors that a process has open. */
const openIn = ({ process }: Child): number => readdirSync(`/proc/${process.pid ?? ''}/fd`).length;

/** Connect more often than a process can bear, and say nothing. */
async function crowd(port: number, size = 2 * LIMIT): Promise<Socket[]> {
  const sockets = Array.from({ length: size }, () => connect(port, '127.0.0.1'));
  onCleanUp(() => {
    for (const socket of sockets) socket.destroy();
    return Promise.resolve();
  });
  for (const socket of sockets) socket.on('error', () => undefined);
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.on('connect', resolve).on('close', resolve))),
  );
  return sockets;
}

/** Greet as a client, which stays if it may. @param from the address to connect from */
async function isLetIn(port: number, from?: string): Promise<boolean> {
  const peer = await connectPeer(port, from);
  onCleanUp(() => {
    peer.close();
    return Promise.resolve();
  });
  peer.send(hello());
  return Promise.race([peer.next('welcome').then(() => true), peer.next('error').then(() => false)]);
}

describe('processes that run out of descriptors', () => {
  afterEach(cleanUp);

  it('answer probes and commit, while clients take all that a worker and the Finder give them', async () => {
    const cluster = await makeSite(1);
    const finder = cluster.startFinder({}, THROUGH);
    const worker = cluster.startWorker(0, {}, THROUGH);
    await Promise.all([finder.event('serving'), worker.event('serving')]);
    const client = await connectClient({ cluster: `ws://127.0.0.1:${cluster.ports.finder}` });
    onCleanUp(() => client.close());
    const session = client.session();
    await within('the first commit', session.counter(0).add(1).committed);
    for (const [child, port, admin] of [
      [worker, cluster.workerPort(0), cluster.workerAdminPort(0)],
      [finder, cluster.ports.finder, cluster.ports.admin],
      [finder, cluster.ports.control, cluster.ports.admin],
    ] as const) {
      await crowd(port);
      const { reason } = await said(child, 'that it refuses some', ({ event }) => event === 'connectionsRefused');
      assert.match(String(reason), new RegExp(`^the process may have ${LIMIT} files .* raise the limit`));
      await until('the crowd is in', () => openIn(child) >= LIMIT - RESERVED_DESCRIPTORS || undefined);
      // Each over a connection of its own, and more at a time than would be left by chance.
      const answers = await within('the probes', Promise.all(Array.from({ length: 32 }, () => probe(admin, 'live'))));
      assert.deepEqual(new Set(answers.map(({ ok }) => ok)), new Set([true]));
      await within('a commit', session.counter(0).add(1).committed);
      assert.ok(openIn(child) < LIMIT);
    }
  });

  it('let in a peer that greets, at every port, while more connections than they can have are held open there', async () => {
    const cluster = await makeSite(2);
    const { finder: port, control } = cluster.ports;
    const finder = cluster.startFinder({}, THROUGH);
    const worker = cluster.startWorker(0, {}, THROUGH);
    await Promise.all([finder.event('serving'), worker.event('serving')]);
    const atFinder = { cluster: `ws://127.0.0.1:${port}`, control: `ws://127.0.0.1:${control}` };
    for (const size of [400, 1_000]) {
      for (const crowded of [control, port, cluster.workerPort(0)]) await crowd(crowded, size);
      const operator = await within('the control port', connectOperator(atFinder));
      assert.equal((await within('the status', operator.status())).workers[0]?.state, 'serving');
      operator.close();
      const client = await within('the public port', connectClient({ cluster: atFinder.cluster }));
      await within('a commit', client.session().counter(0).add(1).committed);
      await client.close();
    }
    await within('another worker', cluster.startWorker(1).event('serving'));
  });

  it('keep connections for workers and operators, while clients that greet take all that they get', async () => {
    const cluster = await makeSite(1);
    const { finder: port, control } = cluster.ports;
    const finder = cluster.startFinder({}, THROUGH);
    await finder.event('serving');
    for (let at = port; await isLetIn(at); at = at === port ? control : port);
    await crowd(control);
    await within('a worker', cluster.startWorker(0).event('serving'));
    const operator = await within(
      'the control port',
      connectOperator({ cluster: `ws://127.0.0.1:${port}`, control: `ws://127.0.0.1:${control}` }),
    );
    assert.equal((await within('the status', operator.status())).workers[0]?.state, 'serving');
    operator.close();
  });

  it('serve clients of other addresses, while those of one that greet take all that they get', async () => {
    const cluster = await makeSite(1);
    const finder = cluster.startFinder({}, THROUGH);
    const worker = cluster.startWorker(0, {}, THROUGH);
    await Promise.all([finder.event('serving'), worker.event('serving')]);
    for (const port of [cluster.workerPort(0), cluster.ports.finder]) {
      while (await isLetIn(port, '127.0.0.2'));
    }
    for (let count = 0; count < 3; count++) {
      const client = await within('a client', connectClient({ cluster: `ws://127.0.0.1:${cluster.ports.finder}` }));
      onCleanUp(() => client.close());
      await within('a commit', client.session().counter(0).add(1).committed);
    }
  });

  it('answer probes also when something else took all of them', async () => {
    const site = await startSite({ workers: 1 });
    const [worker] = site.workers;
    assert.ok(worker);
    // Fewer than it has open: nothing can be opened any more but in place of what is given up.
    const limit = openIn(worker);
    execFileSync('prlimit', ['--pid', String(worker.process.pid), `--nofile=${limit - 2}`]);
    const answer = async (): Promise<true | undefined> => {
      const { ok } = await probe(site.workerAdminPort(0), 'live').catch(() => ({ ok: false }));
      return ok ? true : undefined;
    };
    await until('an answer', answer);
    for (let again = 0; again < 5; again++) assert.equal(await answer(), true);
  });

  it('do not start where they could serve hardly any client, and say what to do', async () => {
    const site = await makeSite(1);
    const through = ['prlimit', `--nofile=${MIN_DESCRIPTORS - 1}`];
    for (const child of [site.startFinder({}, through), site.startWorker(0, {}, through)]) {
      const reason = await endsSaying(child, EXIT.config, 'failed');
      assert.equal(
        reason,
        `this process may have only ${MIN_DESCRIPTORS - 1} files and connections open, and needs ${MIN_DESCRIPTORS} at least; ` +
          'raise the limit (ulimit -n)',
      );
    }
    const finder = site.startFinder({}, ['prlimit', `--nofile=${MIN_DESCRIPTORS}`]);
    await finder.event('serving');
  });
});
