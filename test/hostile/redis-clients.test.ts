import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { storeResp } from '../../services/store/resp/index.ts';
import { hostilePieces } from '../resp/hostile-input.ts';
import { type Child, type Cluster, createCluster, freePort } from '../runtime/cluster.ts';
import { createRandom } from '../simulation/random.ts';
import { watchMemory } from './process-memory.ts';
import { GIVEN_UP_MS, HELD_UP_MS, within } from './well-behaved.ts';

const MIB = 1024 * 1024;
const MEMORY_BYTES = 384 * MIB;
const CONNECTIONS = 400;
const AT_ONCE = 8;
const NAMES = storeResp.commands.map(({ name }) => name);

describe('a store with Redis clients that are broken or hostile', () => {
  let cluster: Cluster;
  let worker: Child;
  let port: number;
  let seed: number;
  const open = new Set<Socket>();

  beforeEach(async () => {
    seed = randomInt(2 ** 31);
    cluster = await createCluster(1, { DPR_MEMORY_BYTES: String(MEMORY_BYTES), DPR_LOG_LEVEL: 'info' });
    port = await freePort();
    const finder = cluster.startFinder();
    worker = cluster.startWorker(0, { DPR_RESP_PORT: String(port) }, [], 'store');
    await Promise.all([finder.event('serving'), worker.event('serving'), worker.event('respServing')]);
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') console.error(`    the first of ${CONNECTIONS} seeds was ${seed}`);
    for (const socket of open) socket.destroy();
    open.clear();
    await cluster.close();
  });

  async function connected(): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    open.add(socket);
    socket.on('error', () => undefined); // it may be cut off
    socket.on('close', () => open.delete(socket));
    await once(socket, 'connect');
    return socket;
  }

  /** A client that behaves well: it is answered in time, and right. */
  async function clientBeside(): Promise<() => Promise<void>> {
    const socket = await connected();
    let said = '';
    let heard = (): void => undefined;
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
      heard();
    });
    const gone = once(socket, 'close').then(() => {
      throw new Error('the connection beside was closed');
    });
    gone.catch(() => undefined); // after the test it may
    let turn = 0;
    return async () => {
      const value = String(++turn);
      const expected = `+OK\r\n$${value.length}\r\n${value}\r\n`;
      const since = performance.now();
      const answered = new Promise<void>((resolve) => {
        heard = () => (said.length >= expected.length ? resolve() : undefined);
      });
      socket.write(`SET beside ${value}\r\nGET beside\r\n`);
      await within(GIVEN_UP_MS, 'a reply to the client beside', Promise.race([answered, gone]));
      assert.equal(said, expected);
      said = '';
      const tookMs = Math.round(performance.now() - since);
      assert.ok(tookMs < HELD_UP_MS, `a reply took ${tookMs} ms`);
    };
  }

  /** Sends what the seed gives, and reads its replies or does not. */
  async function attack(seed: number): Promise<void> {
    const random = createRandom(seed);
    const socket = await connected();
    if (random.chance(0.7)) socket.resume();
    const gone = new Promise((resolve) => socket.once('close', resolve));
    for (const piece of hostilePieces(random, NAMES)) {
      if (socket.destroyed) return;
      const taken = new Promise((resolve) => socket.write(piece, resolve));
      if (random.chance(0.1)) await Promise.race([taken, gone]);
    }
    if (random.chance(0.5)) socket.end();
    else socket.destroy();
    socket.resume();
    await gone;
  }

  it('answers another one in time and right, and keeps within its memory', async () => {
    const watch = watchMemory(cluster.workerAdminPort(0));
    const goOn = await clientBeside();
    let next = seed;
    const attacks = Array.from({ length: AT_ONCE }, async () => {
      while (next < seed + CONNECTIONS) await attack(next++);
    });
    let isOver = false;
    const over = Promise.all(attacks).finally(() => (isOver = true));
    do await goOn();
    while (!isOver);
    await over;
    await goOn();
    await watch.end();
    assert.equal(worker.process.exitCode ?? worker.process.signalCode, null);
    assert.ok(watch.peak() < MEMORY_BYTES, `it took ${Math.round(watch.peak() / MIB)} MiB`);
  });
});
