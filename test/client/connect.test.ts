import {
  ClusterMismatchError,
  connect,
  connectOperator,
  ConnectError,
  UnauthorizedError,
  VersionMismatchError,
  type Cluster,
  type ConnectOptions,
  limits,
} from '@dpr/client';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressText, parseAddress } from '../../services/client/connection/addresses.ts';
import { freePort } from '../runtime/cluster.ts';
import { cleanUp } from './clean-up.ts';
import { CLUSTER, fakeFinder, fakeServer, fakeWorker, refusal, welcome, type FakeServer } from './fake-cluster.ts';

/** By then a failure is known, also on a machine that is busy with others. */
const GIVE_UP_MS = 1_000;

const tlsFile = (name: string): string => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8');

describe('connecting', () => {
  const closing = cleanUp();

  async function connectTo({ port }: FakeServer, options: Partial<ConnectOptions> = {}): Promise<Cluster> {
    return closing(await connect({ cluster: `ws://127.0.0.1:${port}`, ...options }));
  }

  it('takes nothing but the address of the Finder', async () => {
    const finder = closing(await fakeFinder());
    finder.members = [
      { id: 1, generation: 2, type: 'counter', host: '', port: 7001, leaving: true },
      { id: 4, generation: 1, type: 'kv', host: 'kv.example.com', port: 7002, leaving: false },
    ];
    const cluster = await connectTo(finder, { token: 'open sesame' });
    assert.equal(cluster.id, CLUSTER);
    assert.deepEqual(cluster.workers(), [
      { id: 1, generation: 2, type: 'counter', address: 'ws://127.0.0.1:7001', leaving: true },
      { id: 4, generation: 1, type: 'kv', address: 'ws://kv.example.com:7002', leaving: false },
    ]);
    const { hello } = await finder.accept();
    assert.deepEqual(
      { role: hello.role, token: hello.token, cluster: hello.cluster },
      { role: 'client', token: 'open sesame', cluster: undefined },
    );
  });

  it('keeps trying while the Finder is not there yet, or starts', async () => {
    const port = await freePort();
    const failures: string[] = [];
    const started: { finder?: FakeServer } = {};
    const cluster = await connect({
      cluster: `ws://127.0.0.1:${port}`,
      log({ event, message }) {
        if (event !== 'disconnected') return;
        failures.push(message);
        // The first failure is what makes the Finder start, and its first answer is that it is not ready.
        if (failures.length > 1) return;
        const answer = (_hello: unknown, count: number) => (count === 1 ? refusal('notServing') : welcome());
        void fakeFinder({ port, answer }).then((finder) => (started.finder = finder));
      },
    });
    closing(cluster);
    if (started.finder) closing(started.finder);
    assert.match(failures[0] ?? '', /ECONNREFUSED/);
    assert.match(failures[1] ?? '', /does not serve now \(notServing\)/);
  });

  it('gives up in time, with the reason of the last failure', async () => {
    const port = await freePort();
    await assert.rejects(connect({ cluster: `ws://127.0.0.1:${port}`, connectTimeoutMs: GIVE_UP_MS }), (error) => {
      assert.ok(error instanceof ConnectError && error.cause instanceof ConnectError);
      assert.equal(error.code, 'connect');
      assert.match(
        error.message,
        new RegExp(`cannot connect to the cluster at ws://127.0.0.1:${port}: .*ECONNREFUSED`),
      );
      return true;
    });
  });

  it('tries anew when a peer accepts and never answers', async () => {
    const finder = closing(await fakeFinder({ answer: (_, count) => (count === 1 ? undefined : welcome()) }));
    await connectTo(finder, { attemptTimeoutMs: 50 });
    assert.ok(finder.greeted() > 1);
  });

  it('does not try again when the token is wrong', async () => {
    const finder = closing(await fakeServer({ answer: () => refusal('unauthorized') }));
    await assert.rejects(connectTo(finder), UnauthorizedError);
    assert.equal(finder.greeted(), 1);
  });

  it('tells which versions of the protocol met', async () => {
    for (const answer of [refusal('unsupportedVersion', { detail: 7 }), welcome({ protocol: 7 })]) {
      const finder = closing(await fakeServer({ answer: () => answer }));
      await assert.rejects(connectTo(finder), (error) => {
        assert.ok(error instanceof VersionMismatchError);
        assert.match(error.message, /speaks version 7 of the protocol, and this client version 2/);
        return true;
      });
    }
  });

  it('tells the Finder from a worker', async () => {
    const worker = closing(await fakeWorker(3));
    const address = `ws://127.0.0.1:${worker.port}`;
    const expected = { name: 'NotFinderError', message: /is worker 3: give the address of the Finder/ };
    await assert.rejects(connectTo(worker), expected);
    await assert.rejects(connectOperator({ cluster: address }), expected);
    await assert.rejects(connectOperator({ cluster: 'ws://127.0.0.1:1', control: address }), expected);
  });

  it('stops when it is aborted, and leaves nothing open', async () => {
    const finder = closing(await fakeServer({ answer: () => welcome() }));
    const abort = new AbortController();
    const connecting = connectTo(finder, { signal: abort.signal });
    const peer = await finder.accept();
    abort.abort(new Error('enough'));
    await assert.rejects(connecting, /enough/);
    await peer.closed;
    await assert.rejects(connectTo(finder, { signal: abort.signal }), /enough/);
  });

  it('says what is wrong with an address', async () => {
    for (const wrong of ['', 'localhost', 'localhost:6379', 'http://localhost', 'ws://localhost/path', 'ws://u:p@h']) {
      await assert.rejects(connect({ cluster: wrong }), (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, /write it like ws:\/\/host:6379/);
        return true;
      });
    }
    await assert.rejects(connect({ cluster: 'ws://h', token: 'x'.repeat(2_000) }), RangeError);
  });

  it('goes to the port of the Finder where an address names none', () => {
    for (const [address, expected] of [
      ['ws://host', 'ws://host:6379'],
      ['ws://host:80', 'ws://host'],
      ['wss://host:443/', 'wss://host'],
      ['ws://[::1]', 'ws://[::1]:6379'],
      ['ws://[::1]/', 'ws://[::1]:6379'],
      ['ws://[::1]:7000', 'ws://[::1]:7000'],
    ] as const) {
      assert.equal(addressText(parseAddress(address)), expected);
    }
  });

  it('refuses times that no timer keeps', async () => {
    const wrong = [Infinity, NaN, 0, -1, limits.MAX_TIME_MS + 1];
    const everyones = ['connectTimeoutMs', 'attemptTimeoutMs', 'receiveTimeoutMs'] as const;
    for (const name of [...everyones, 'membershipPollMs', 'refusalTimeoutMs'] as const) {
      for (const ms of wrong) {
        const expected = {
          name: 'RangeError',
          message: `the connect option '${name}' is ${ms}: give milliseconds above 0, up to 2147483647`,
        };
        await assert.rejects(connect({ cluster: 'ws://127.0.0.1:1', [name]: ms }), expected);
        if (!everyones.some((one) => one === name)) continue;
        await assert.rejects(connectOperator({ cluster: 'ws://127.0.0.1:1', [name]: ms }), {
          ...expected,
          message: expected.message.replace('connect', 'operator'),
        });
      }
    }
  });

  it('ends at the first refusal where it is not to wait for a Finder', async () => {
    const cluster = `ws://127.0.0.1:${await freePort()}`;
    const forever = { awaitFinder: false, connectTimeoutMs: 2 ** 31 - 1 };
    const refused = { name: 'ConnectError', message: /^cannot reach ws:.*ECONNREFUSED/ };
    await assert.rejects(connect({ cluster, ...forever }), refused);
    await assert.rejects(connectOperator({ cluster, ...forever }), refused);
    await assert.rejects(connectOperator({ cluster, control: cluster, ...forever }), refused);
  });

  it('tells in whose words a server refused it', async () => {
    const server = createServer((_request, response) => response.end());
    server.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\nnot by this name${' '.repeat(5_000)}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing(server);
    const cluster = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await assert.rejects(connect({ cluster, awaitFinder: false, connectTimeoutMs: 2 ** 31 - 1 }), {
      name: 'ConnectError',
      message: `cannot reach ${cluster}: it answers with HTTP status 403: not by this name`,
    });
  });

  it('speaks TLS with the certificates that it is told to trust', async () => {
    const tls = { key: tlsFile('key'), cert: tlsFile('cert') };
    const finder = closing(await fakeFinder({ tls }));
    const worker = closing(await fakeWorker(0, { tls }));
    finder.members = [worker.member];
    const address = `wss://127.0.0.1:${finder.port}`;
    await assert.rejects(connect({ cluster: address, connectTimeoutMs: GIVE_UP_MS }), /self-signed certificate/);
    const cluster = closing(await connect({ cluster: address, ca: tls.cert }));
    const result = cluster.session().counter(0).add(1);
    result.catch(() => undefined);
    const batch = await (await worker.accept()).next('batch');
    assert.equal(batch.count, 1, 'workers are reached by TLS too');
  });

  it('ends everything when the address leads to another cluster later', async () => {
    const finder = closing(
      await fakeFinder({ answer: ({ cluster }) => (cluster === undefined ? welcome() : refusal('wrongCluster')) }),
    );
    const worker = closing(await fakeWorker(0));
    finder.members = [worker.member];
    const cluster = await connectTo(finder);
    const call = cluster.session().counter(0).add(1);
    (await finder.accept()).cut();
    await assert.rejects(call, ClusterMismatchError);
    assert.throws(() => cluster.session(), ClusterMismatchError);
  });

  it('fetches the membership as workers come and go', async () => {
    const finder = closing(await fakeFinder());
    const memberships: string[] = [];
    let changed: () => void = () => undefined;
    const cluster = await connectTo(finder, {
      membershipPollMs: 10,
      log({ event, message }) {
        if (event !== 'membership') return;
        memberships.push(message);
        changed();
      },
    });
    assert.deepEqual(cluster.workers(), []);
    const change = new Promise<void>((resolve) => (changed = resolve));
    finder.members = [{ id: 3, generation: 1, type: 'counter', host: '', port: 7001, leaving: false }];
    finder.version++;
    await change;
    assert.deepEqual(
      cluster.workers().map(({ id }) => id),
      [3],
    );
    assert.deepEqual(memberships, ['the cluster has no workers yet', 'the cluster has workers 3']);
  });
});
