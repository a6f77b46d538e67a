import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { PROTOCOL_VERSION } from '@dpr/protocol';
import { EXIT } from '@dpr/runtime';
import { connectOperator, UnauthorizedError, type LogEntry } from '@dpr/client';
import { freePort } from '../runtime/cluster.ts';
import { hello } from '../runtime/hello.ts';
import { connect } from '../runtime/peer.ts';
import { cleanUp, endsSaying, makeSite, onCleanUp, startSite, until, within } from './harness.ts';

describe('processes that get in each other’s way', () => {
  afterEach(cleanUp);

  it('end at once when a port of theirs is taken, and say which', async () => {
    const site = await makeSite(1);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onCleanUp(() => new Promise((resolve) => taken.close(resolve)));
    const { port } = taken.address() as AddressInfo;
    const own = (variable: string) => ({ DPR_DATA: `${site.directory}/${variable}`, [variable]: String(port) });
    const free = async () => ({
      DPR_PORT: String(await freePort()),
      DPR_CONTROL_PORT: String(await freePort()),
      DPR_ADMIN_PORT: String(await freePort()),
    });
    const finders = ['DPR_PORT', 'DPR_CONTROL_PORT', 'DPR_ADMIN_PORT'].map(async (variable) =>
      endsSaying(site.startFinder({ ...(await free()), ...own(variable) }), EXIT.config, 'failed'),
    );
    const workers = ['DPR_PORT', 'DPR_ADMIN_PORT'].map(async (variable) =>
      endsSaying(site.startWorker(0, { ...(await free()), ...own(variable) }), EXIT.config, 'failed'),
    );
    for (const reason of await Promise.all([...finders, ...workers])) {
      assert.ok(reason.includes(String(port)), reason);
    }
  });

  it('that are one worker, started several times at once, end up as one', async () => {
    const site = await startSite({ workers: 1 });
    const client = await site.client();
    const session = client.session({ replay: true });
    await session.counter(0).add(300).committed;
    await site.workers[0]?.end('SIGKILL');
    const rivals = await Promise.all(
      [0, 1, 2].map(async () =>
        site.startWorker(0, { DPR_PORT: String(await freePort()), DPR_ADMIN_PORT: String(await freePort()) }),
      ),
    );
    const ends = rivals.map(({ exit }) => within('its end', exit));
    for (const end of ends) end.catch(() => undefined);
    const ended = () => rivals.filter(({ process }) => process.exitCode !== null);
    await until('all but one have ended', () => ended().length === rivals.length - 1);
    assert.deepEqual(
      ended().map(({ process }) => process.exitCode),
      [EXIT.fenced, EXIT.fenced],
    );
    await within('a commit', session.counter(0).add(20).committed);
    assert.deepEqual(await site.counters(), [320]);
  });

  it('must show the right token, each its own', async () => {
    const tokens = { DPR_CONTROL_TOKEN: 'of operators', DPR_CLIENT_TOKEN: 'of clients' };
    const site = await startSite({ workers: 1, variables: tokens });
    const address = `ws://127.0.0.1:${site.ports.finder}`;
    for (const [token, why] of [
      ['', 'the client token is missing'],
      ['of operators', 'this is not the client token of the cluster'],
    ] as const) {
      const message = `${address} refused the greeting: ${why}`;
      await assert.rejects(site.client({ token }), { name: 'UnauthorizedError', message });
    }
    const control = `ws://127.0.0.1:${site.ports.control}`;
    await assert.rejects(connectOperator({ cluster: address, control, controlToken: 'of clients' }), UnauthorizedError);
    const elsewhere = {
      DPR_PORT: String(await freePort()),
      DPR_ADMIN_PORT: String(await freePort()),
      DPR_DATA: `${site.directory}/other`,
      DPR_CONTROL_TOKEN: 'guessed',
    };
    const reason = await endsSaying(site.startWorker(0, elsewhere), EXIT.refused, 'stop');
    assert.equal(reason, 'this is not the control token of the cluster');
    const client = await site.client({ token: 'of clients' });
    assert.equal(await within('the value', client.session().counter(0).add(1).committed), 1n);
  });
});

describe('peers that do not keep to the protocol', () => {
  afterEach(cleanUp);

  const UPGRADE =
    'GET / HTTP/1.1\r\nHost: dpr\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  /** The head of a masked binary frame that says how long it will be. */
  const frameHead = (bytes: bigint): Buffer => {
    const head = Buffer.alloc(14);
    head.writeUInt16BE(0x82ff, 0);
    head.writeBigUInt64BE(bytes, 2);
    return head;
  };

  /** What they send, in pieces. */
  const INTRUDERS: Readonly<Record<string, (string | Buffer)[]>> = {
    garbage: [randomBytes(4096)],
    'garbage in a frame': [UPGRADE, Buffer.from([0x82, 0x84, 0, 0, 0, 0, 1, 2, 3, 4])],
    'a text': [UPGRADE, Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])],
    'a frame without an end': [UPGRADE, frameHead(2n ** 40n), Buffer.alloc(1024 * 1024)],
    'a frame of the largest size before any greeting': [
      UPGRADE,
      frameHead(16n * 1024n * 1024n),
      Buffer.alloc(128 * 1024),
    ],
    'endless headers': ['GET / HTTP/1.1\r\n', `X-Header: ${'x'.repeat(128 * 1024)}\r\n`],
    'half a request': ['GET / HT'],
    'no greeting': [UPGRADE],
  };

  it('lose their own connections, and no other peer notices', async () => {
    // No peer is to be disconnected because the machine is busy.
    const site = await startSite({ workers: 1, variables: { DPR_RECEIVE_TIMEOUT_MS: '30000' } });
    const noticed: LogEntry[] = [];
    const patient = { attemptTimeoutMs: 30_000, receiveTimeoutMs: 30_000 };
    const client = await site.client({ ...patient, log: (entry) => noticed.push(entry) });
    const session = client.session();
    await session.counter(0).add(1).committed;
    const sockets: { readonly name: string; readonly socket: Socket; closed: boolean }[] = [];
    for (const port of [site.ports.finder, site.ports.control, site.workerPort(0)]) {
      for (const [name, pieces] of Object.entries(INTRUDERS)) {
        const socket = connectSocket(port, '127.0.0.1');
        const intruder = { name: `${name} at ${port}`, socket, closed: false };
        sockets.push(intruder);
        socket.on('error', () => undefined);
        socket.on('close', () => (intruder.closed = true));
        socket.resume();
        for (const piece of pieces) socket.write(piece);
        onCleanUp(() => Promise.resolve(socket.destroy()));
      }
    }
    let rounds = 1;
    await until('the end of all of them', async () => {
      await session.counter(0).add(1);
      rounds++;
      return sockets.every(({ closed }) => closed);
    }).catch((error: unknown) => {
      throw new Error(sockets.flatMap(({ name, closed }) => (closed ? [] : [name])).join('\n'), { cause: error });
    });
    await session.commit();
    assert.deepEqual(await site.counters(), [rounds]);
    assert.deepEqual(
      noticed.filter(({ level }) => level === 'warn'),
      [],
    );
    assert.equal(session.worldLine, 1);
  });

  it('are told which version of it is spoken here', async () => {
    const site = await startSite({ workers: 1 });
    for (const port of [site.ports.finder, site.ports.control, site.workerPort(0)]) {
      const peer = await connect(port);
      peer.send(hello({ protocol: PROTOCOL_VERSION + 1 }));
      const { code, detail, text } = await within('the refusal', peer.next('error'));
      assert.deepEqual([code, detail], ['unsupportedVersion', PROTOCOL_VERSION]);
      assert.equal(text, 'this server speaks version 2 of the protocol, and the peer version 3');
      await within('the end', peer.closed);
    }
  });
});
