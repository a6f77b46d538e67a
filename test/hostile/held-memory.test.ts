import { draftOf, encode, encodeMessage, MAX_BATCH_OPERATIONS, type Message } from '@dpr/protocol';
import { CLOSE } from '@dpr/runtime/frame-socket';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Cluster } from '../runtime/cluster.ts';
import { hello } from '../runtime/hello.ts';
import { amounts, batch, greet, type Peer } from '../runtime/peer.ts';
import { attendedCluster, type Attended } from './harness.ts';
import { readMetric, watchMemory } from './process-memory.ts';
import { BINARY, PING, rawPeer, webSocketFrame, type RawPeer } from './raw-peer.ts';
import type { WellBehaved } from './well-behaved.ts';

const WORKERS = [0, 1];
const MIB = 1024 * 1024;

/** What each process may use. What it holds is far less, and what it held until it closed a connection is garbage that V8 collects late. */
const MEMORY_BYTES = 384 * MIB;

/** How many of its calls a client beside has committed at least, while the attack goes on or what it sent is there still. */
const LEAST_ROUNDS = 10;

const RECEIVE_TIMEOUT_MS = 1_500;

describe('a cluster with a client that has it hold bytes', () => {
  let cluster: Cluster;
  let beside: WellBehaved;
  let attended: Attended;

  async function start(variables: Readonly<Record<string, string>> = {}): Promise<void> {
    attended = await attendedCluster(WORKERS, {
      variables: { DPR_LOG_LEVEL: 'info', DPR_MEMORY_BYTES: String(MEMORY_BYTES), ...variables },
    });
    ({ cluster, beside } = attended);
  }

  afterEach(() => attended.close());

  /** Others go on meanwhile, and the process keeps within its memory. */
  async function isBorne(adminPort: number, attack: Promise<unknown>): Promise<void> {
    const watch = watchMemory(adminPort);
    let over = false;
    const ended = attack.finally(() => (over = true));
    for (let round = 0; !over || round < LEAST_ROUNDS; round++) await beside.goOn();
    await ended;
    await watch.end();
    assert.ok(watch.peak() < MEMORY_BYTES, `it took ${Math.round(watch.peak() / MIB)} MiB`);
    attended.allRun();
  }

  /** One after the other, as long as it is connected. */
  async function writeAll(peer: RawPeer, parts: Iterable<Uint8Array>): Promise<void> {
    for (const part of parts) {
      if (peer.socket.destroyed) return;
      await peer.write(part);
    }
  }

  const PLACES: Readonly<Record<string, () => [port: number, admin: number, role: 'client' | 'worker']>> = {
    'a worker': () => [cluster.workerPort(0), cluster.workerAdminPort(0), 'client'],
    'the Finder': () => [cluster.ports.finder, cluster.ports.admin, 'client'],
    "the Finder's control port": () => [cluster.ports.control, cluster.ports.admin, 'worker'],
  };

  for (const [place, at] of Object.entries(PLACES)) {
    it(`goes on while 120 connections to ${place} each send 15 MiB of a message that never ends`, async () => {
      await start();
      const [port, admin, role] = at();
      const peers = await Promise.all(Array.from({ length: 120 }, () => rawPeer(port, { role })));
      const part = Buffer.alloc(MIB);
      function* endless(): Generator<Uint8Array> {
        yield webSocketFrame(BINARY, part, 16 * MIB);
        for (let sent = 1; sent < 15; sent++) yield part;
      }
      await isBorne(admin, Promise.all(peers.map((peer) => writeAll(peer, endless()))));
      assert.ok(
        (await readMetric(admin, 'dpr_(?:worker|finder)_connections_short_total')) > 0,
        'connections that hold most give way',
      );
      for (const { socket } of peers) socket.destroy();
      await beside.goOn();
    });
  }

  for (const reads of [false, true]) {
    it(`goes on while eight connections ask for 1,024 replies of 512 KiB each, and ${reads ? 'read them' : 'read nothing'}`, async () => {
      await start();
      const [port, admin] = [cluster.workerPort(0), cluster.workerAdminPort(0)];
      const asking = await greet(port);
      const peers: RawPeer[] = [];
      const attacks = Array.from({ length: 8 }, async (_, index) => {
        const session = String(index).repeat(32);
        asking.send(batch({ session, sequence: 1, operations: Buffer.alloc(8 * MAX_BATCH_OPERATIONS) }));
        await asking.next('reply', (reply) => reply.session === session);
        const peer = await rawPeer(port);
        peers.push(peer);
        if (reads) peer.socket.resume();
        const again = batch({ session, sequence: 1, operations: amounts(0) });
        const retries = encodeMessage(Array.from({ length: 1_024 }, () => draftOf(again)));
        await writeAll(peer, [webSocketFrame(BINARY, retries)]);
        if (!reads) return;
        // What cannot be read comes behind all of it. If memory is short meanwhile, this connection may have to give way.
        await peer.write(webSocketFrame(BINARY, Buffer.alloc(0)));
        await peer.closed;
      });
      await isBorne(admin, Promise.all(attacks));
      for (const { socket } of peers) socket.destroy();
    });
  }

  it('goes on while eight connections send pings without end, and read no answer', async () => {
    await start();
    const [port, admin] = [cluster.workerPort(0), cluster.workerAdminPort(0)];
    const peers = await Promise.all(Array.from({ length: 8 }, () => rawPeer(port)));
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => webSocketFrame(PING, Buffer.alloc(125))));
    function* endless(): Generator<Uint8Array> {
      for (;;) yield pings;
    }
    await isBorne(admin, Promise.all(peers.map((peer) => writeAll(peer, endless()))));
  });

  describe('and sessions', () => {
    const SESSIONS_AT_ONCE = 500;
    let sessions = 0;
    const nextSession = (): string => (++sessions).toString(16).padStart(32, '0');

    /** @returns what each batch of a new session is answered with; the session is ended at once */
    async function begin(peer: Peer, sessions = 1): Promise<readonly Message['kind'][]> {
      const messages = Array.from({ length: sessions }, (): Message[] => {
        const session = nextSession();
        return [batch({ session, sequence: 1, operations: amounts(0) }), { kind: 'sessionEnded', session }];
      });
      const before = peer.received.length;
      const answers = () => peer.received.slice(before).flatMap(({ kind }) => (kind === 'cut' ? [] : [kind]));
      peer.ws.send(encodeMessage(messages.flat().map(draftOf)));
      while (answers().length < sessions) await Promise.race([once(peer.ws, 'message'), isClosed(peer)]);
      return answers();
    }

    async function isClosed(peer: Peer): Promise<never> {
      throw new Error(`closed with ${await peer.closed}`);
    }

    /** Begins sessions until one is refused. @returns how many there were */
    async function flood(peer: Peer): Promise<number> {
      for (let begun = 0; ;) {
        const answers = await begin(peer, SESSIONS_AT_ONCE);
        begun += answers.filter((kind) => kind === 'reply').length;
        if (answers.includes('error')) return begun;
      }
    }

    /** @returns how long it took until the worker took another session on this connection, ms */
    async function untilBegun(peer: Peer): Promise<number> {
      const since = performance.now();
      while ((await begin(peer))[0] !== 'reply');
      return performance.now() - since;
    }

    beforeEach(async () => {
      await start({ DPR_MEMORY_BYTES: String(128 * MIB), DPR_RECEIVE_TIMEOUT_MS: String(RECEIVE_TIMEOUT_MS) });
    });

    it('of others begin while one connection floods the worker with its own, which give way once they are closed', async () => {
      const flooding = await greet(cluster.workerPort(0));
      assert.ok((await flood(flooding)) > 10_000);
      assert.deepEqual(await begin(await greet(cluster.workerPort(0))), ['reply'], 'others begin at once');
      assert.ok((await untilBegun(flooding)) < RECEIVE_TIMEOUT_MS);
      await beside.goOn();
    });

    it('give way although a client that sends on and on answers no ping', async () => {
      const mute = mutePeer(cluster.workerPort(0));
      const flooding = await greet(cluster.workerPort(0));
      await flood(flooding);
      assert.ok((await untilBegun(flooding)) < 3 * RECEIVE_TIMEOUT_MS);
      assert.equal(await mute, CLOSE.short);
      await beside.goOn();
    });

    /** One that asks again whenever it was answered. @returns the status code that it is closed with in the end */
    async function mutePeer(port: number): Promise<number> {
      const ws = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: false });
      await once(ws, 'open');
      ws.on('message', () => ws.send(encode({ kind: 'refresh', worldLine: 1 })));
      ws.send(encode(hello()));
      const [code] = (await once(ws, 'close')) as [number];
      return code;
    }
  });
});
