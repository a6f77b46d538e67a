import { connect } from '@dpr/client';
import { MAX_VERSION_JUMP, encodeMessage, draftOf, type Batch, type Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import path from 'node:path';
import { sealSection } from '../../services/core/worker/session-sections.ts';
import { createSessionTable } from '../../services/core/worker/session-table.ts';
import { claimVolume, nodeDisk, surveyVolume } from '../../services/runtime/storage/index.ts';
import { createCluster, type Child, type Cluster } from '../runtime/cluster.ts';
import { amounts, batch, greet, type Peer } from '../runtime/peer.ts';
import { attendedCluster, type Attended } from './harness.ts';
import type { WellBehaved } from './well-behaved.ts';

/** The well-behaved client uses these; nothing ever executes at the idle one, but for what a test sends there. */
const USED = [0, 1];
const IDLE = 2;
const SESSION = 'bad1'.repeat(8);

describe('a cluster to which a client claims what cannot be', () => {
  let cluster: Cluster;
  let children: Child[];
  let beside: WellBehaved;
  let attended: Attended;

  beforeEach(async () => {
    attended = await attendedCluster([...USED, IDLE], { used: USED });
    ({ cluster, children, beside } = attended);
  });

  afterEach(() => attended.close());

  /** Processes go on, nothing was rolled back, and a session that is new uses every worker, after a clean restart of one, too. */
  async function isUnharmed(): Promise<void> {
    await beside.goOn();
    await children[1]?.end('SIGTERM');
    children[1] = cluster.startWorker(0);
    await children[1].event('serving');
    await beside.goOn();
    const other = await connect({ cluster: `ws://127.0.0.1:${cluster.ports.finder}` });
    const session = other.session();
    for (const id of [IDLE, ...USED, IDLE]) await session.counter(id).add(0).committed;
    await other.close();
    attended.allRun();
    for (const { lines } of children) {
      const bad = lines.filter(({ event }) => ['rollback', 'stop'].includes(String(event)));
      assert.deepEqual(bad, []);
    }
  }

  const sendTogether = (peer: Peer, messages: readonly Message[]): void =>
    peer.ws.send(encodeMessage(messages.map(draftOf)));

  it('refuses versions beyond what is believed, however many batches claim them, and moves no further', async () => {
    const peer = await greet(cluster.workerPort(0));
    for (const [session, jump] of [
      [SESSION, MAX_VERSION_JUMP],
      ['bad2'.repeat(8), 2 ** 42],
    ] as const) {
      let version = Date.now() - 1_000; // so that the first one is believed
      const claims = Array.from({ length: 1_024 }, (_, index): Batch => {
        version = Math.min(version + jump, Number.MAX_SAFE_INTEGER);
        return batch({ session, sequence: index + 1, operations: amounts(0), version });
      });
      sendTogether(peer, claims);
      peer.send({ kind: 'table', session, worldLine: 1, generation: 1 });
      await peer.next('tableAnswer');
    }
    const refused = peer.received.filter((message) => message.kind === 'error' && message.code === 'absurdVersion');
    assert.ok(refused.length > 0);
    for (const message of peer.received) {
      if (message.kind !== 'reply') continue;
      assert.ok(message.version <= Date.now() + 20_000, `version ${message.version} was believed`);
    }
    await isUnharmed();
  });

  it('lets every other session go from the worker that a client drove ahead to the next one', async () => {
    const peer = await greet(cluster.workerPort(0));
    const ahead = Date.now() + MAX_VERSION_JUMP - 500;
    peer.send(batch({ session: SESSION, sequence: 1, operations: amounts(0), version: ahead }));
    const { version } = await peer.next('reply');
    assert.ok(version >= ahead);
    for (let round = 0; round < 5; round++) await beside.goOn();
    await isUnharmed();
  });

  for (const [what, dependencies] of Object.entries({
    'a worker that never was': new Map([[999, 1]]),
    'a version that an idle worker never executed': new Map([[IDLE, 3]]),
    'the newest version of an idle worker': new Map([[IDLE, 1_000_000_000]]),
    'many workers that never were': new Map(Array.from({ length: 16_000 }, (_, index) => [index + 10, 1])),
  })) {
    it(`commits for every client beside a batch that depends on ${what}`, async () => {
      const peer = await greet(cluster.workerPort(0));
      const claim = batch({ session: SESSION, sequence: 1, operations: amounts(0), dependencies, version: Date.now() });
      peer.send(claim);
      const { version } = await peer.next('reply');
      await peer.next('cut', ({ cut }) => (cut.get(0) ?? 0) >= version);
      for (let round = 0; round < 3; round++) await beside.goOn();
      await isUnharmed();
    });
  }

  it('disconnects a client that names an id that no worker can have, or acknowledges what it has not asked', async () => {
    const valid = encodeMessage([
      draftOf(
        batch({ session: SESSION, sequence: 1, operations: amounts(0), version: 1, dependencies: new Map([[3, 1]]) }),
      ),
    ]);
    const wrongId = Buffer.from(valid);
    wrongId.writeUInt32LE(65_536, 64);
    const wrongAcknowledged = Buffer.from(valid);
    wrongAcknowledged.writeBigUInt64LE(1n, 40);
    for (const bytes of [wrongId, wrongAcknowledged]) {
      const peer = await greet(cluster.workerPort(0));
      peer.ws.send(bytes);
      assert.equal((await peer.next('error')).code, 'malformed');
      assert.equal(await peer.closed, 1007);
    }
    await isUnharmed();
  });

  it('answers a number that comes again with what the first batch of that number gave, also if the second holds another operation', async () => {
    const peer = await greet(cluster.workerPort(IDLE));
    peer.send(batch({ session: SESSION, sequence: 1, operations: amounts(5) }));
    const first = await peer.next('reply');
    peer.send(batch({ session: SESSION, sequence: 1, operations: amounts(7, 8), version: 2 ** 53 }));
    assert.deepEqual(await peer.next('reply'), first);
    await isUnharmed();
  });
});

describe('a volume whose version a client once drove to the end of the numbers', () => {
  it('is opened again: its value is there, and it counts on', async () => {
    const cluster = await createCluster(2);
    try {
      const finder = cluster.startFinder();
      const [first, other] = [cluster.startWorker(0), cluster.startWorker(1)];
      await Promise.all([finder, first, other].map((child) => child.event('serving')));
      const address = `ws://127.0.0.1:${cluster.ports.finder}`;
      const before = await connect({ cluster: address });
      await before.session().counter(0).add(300).committed;
      await before.close();
      await first.end('SIGTERM');
      await driveToTheEnd(path.join(cluster.directory, 'counter-0', 'generation-1'));

      const again = cluster.startWorker(0);
      await again.event('serving');
      const after = await connect({ cluster: address });
      const session = after.session();
      for (let sum = 301; sum < 310; sum++) assert.equal(Number(await session.counter(0).add(1).committed), sum);
      assert.equal(Number(await session.counter(1).add(1).committed), 1);
      assert.equal(Number(await session.counter(0).add(0).committed), 309);
      await after.close();
      assert.equal(again.process.exitCode, null);
    } finally {
      await cluster.close();
    }
  });

  /** As if a batch had executed in the largest version that was possible then. */
  async function driveToTheEnd(directory: string): Promise<void> {
    const disk = nodeDisk(directory);
    const { identity, incarnation } = await surveyVolume(disk);
    assert.ok(identity);
    const volume = await claimVolume(disk, { identity, incarnation: incarnation + 1 });
    await volume.store.clearClean();
    const newest = volume.checkpoints.at(-1);
    assert.ok(newest);
    const chunks: Buffer[] = [];
    await volume.store.restore(newest.version, {
      maxStateBytes: Infinity,
      openState: () => (piece) => void chunks.push(piece.bytes),
      takeSessions: () => undefined,
    });
    const version = Number.MAX_SAFE_INTEGER;
    await volume.store.append({
      ...newest,
      version,
      predecessor: newest.version,
      dependencies: new Map(),
      state: { since: version, chunks },
      sessions: sealSection(createSessionTable(), version, 0),
    });
    await volume.store.close();
  }
});
