import { MAX_EXACT_U64, encode, type Decision, type Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MESSAGES } from '../protocol/arbitraries.ts';
import type { Child, Cluster } from '../runtime/cluster.ts';
import { hello } from '../runtime/hello.ts';
import { amounts, batch, connect, greet, type Peer } from '../runtime/peer.ts';
import { attendedCluster, type Attended, type AttendedOptions } from './harness.ts';
import type { WellBehaved } from './well-behaved.ts';

const WORKERS = [0, 1];
const SESSION = 'bad0'.repeat(8);
const MAX_U32 = 2 ** 32 - 1;
const FORGED_STAMP = { start: 'f'.repeat(16), counter: MAX_EXACT_U64 };

/** Each was once believed, and what it did then. */
const FORGERIES: Readonly<Record<string, Decision>> = {
  'a world-line that the Finder never began': {
    worldLine: 2,
    prefix: new Map(WORKERS.map((id) => [id, MAX_EXACT_U64])),
    entitled: new Map(WORKERS.map((id) => [id, 1])),
  },
  'one that goes back to before what is committed': {
    worldLine: 2,
    prefix: new Map(),
    entitled: new Map(WORKERS.map((id) => [id, 1])),
  },
  'one that goes on with a later incarnation': {
    worldLine: 2,
    prefix: new Map(WORKERS.map((id) => [id, MAX_EXACT_U64])),
    entitled: new Map(WORKERS.map((id) => [id, 99])),
  },
  'one that goes on without the worker': { worldLine: 2, prefix: new Map(), entitled: new Map() },
};

const cutWith = (decision: Decision): Message => ({
  kind: 'cut',
  stamp: FORGED_STAMP,
  worldLine: decision.worldLine,
  decisions: [decision],
  cut: new Map(),
});

/** What a client could once tell a worker of decisions by: the type byte 0x17, then their list, as a `cut` has it. */
function relayOf(decision: Decision): Buffer {
  const cut = encode(cutWith(decision));
  const decisionsAt = 1 + 16 + 4;
  return Buffer.concat([Buffer.of(0x17), cut.subarray(decisionsAt, cut.length - 4)]);
}

describe('a cluster to which a client tells lies', () => {
  let cluster: Cluster;
  let children: Child[];
  let beside: WellBehaved;
  let attended: Attended;

  async function start(options: AttendedOptions = {}): Promise<void> {
    attended = await attendedCluster(WORKERS, options);
    ({ cluster, children, beside } = attended);
  }

  afterEach(() => attended.close());

  /** The processes go on, and commit, after the Finder forgot all that it did not write down, too. */
  async function isUnharmed(): Promise<void> {
    await beside.goOn();
    attended.allRun();
    await children[0]?.end('SIGKILL');
    const finder = cluster.startFinder();
    children[0] = finder;
    await finder.event('serving');
    await beside.goOn();
    for (const { lines } of children) {
      const bad = lines.filter(({ event }) => ['refusing', 'rollback', 'fenced', 'stop'].includes(String(event)));
      assert.deepEqual(bad, []);
    }
  }

  /** Everything that this peer sent was looked at: it is answered after that, or was disconnected. */
  async function isHeard(peer: Peer): Promise<void> {
    peer.send({ kind: 'refresh', worldLine: 1 });
    await Promise.race([peer.next('cut').catch(() => undefined), peer.closed]);
    peer.close();
  }

  for (const [what, decision] of Object.entries(FORGERIES)) {
    it(`goes on, told of ${what}`, async () => {
      await start();
      const ports = [cluster.ports.finder, ...WORKERS.map((id) => cluster.workerPort(id))];
      const { worldLine } = decision;
      for (const port of ports) {
        const relaying = await greet(port);
        relaying.ws.send(relayOf(decision));
        await isHeard(relaying);
        const telling = await greet(port, { stamp: FORGED_STAMP });
        telling.send(cutWith(decision));
        telling.send(batch({ session: SESSION, sequence: 1, operations: amounts(1), worldLine }));
        telling.send({ kind: 'table', session: SESSION, worldLine, generation: 1 });
        await isHeard(telling);
      }
      await isUnharmed();
    });
  }

  it('goes on, sent frames of every kind, and numbers at every limit', async () => {
    await start();
    const messages = Object.values(MESSAGES).flatMap((kind) => fc.sample<Message>(kind, { numRuns: 3, seed: 1 }));
    const extremes: Message[] = [0, MAX_U32].flatMap((worldLine) => [
      { kind: 'refresh', worldLine },
      { kind: 'table', session: SESSION, worldLine, generation: worldLine },
      { kind: 'commit', worldLine, version: MAX_EXACT_U64 },
    ]);
    const own: Message[] = [
      { kind: 'commit', worldLine: 1, version: MAX_EXACT_U64 },
      { kind: 'table', session: SESSION, worldLine: 1, generation: 1 },
      { kind: 'sessionEnded', session: SESSION },
      batch({ session: SESSION, sequence: MAX_EXACT_U64, operations: amounts(1) }),
      batch({ session: SESSION, sequence: 1, operations: amounts(1), generation: MAX_U32 }),
      batch({ session: SESSION, sequence: 1, operations: amounts(1), version: MAX_EXACT_U64 }),
    ];
    for (const port of [cluster.ports.finder, ...WORKERS.map((id) => cluster.workerPort(id))]) {
      for (const message of [...messages, ...extremes, ...own]) {
        const peer = await greet(port);
        peer.send(message);
        await isHeard(peer);
      }
    }
    await isUnharmed();
  });

  it('lets no client in as a worker or an operator, with the token of clients or without any', async () => {
    const [clients, control] = ['of-the-clients', 'of-the-cluster'];
    await start({ variables: { DPR_CLIENT_TOKEN: clients, DPR_CONTROL_TOKEN: control }, token: clients });
    const { finder, control: controlPort } = cluster.ports;
    for (const role of ['worker', 'operator'] as const) {
      for (const token of ['', clients]) {
        for (const port of [finder, controlPort, ...WORKERS.map((id) => cluster.workerPort(id))]) {
          const peer = await connect(port);
          peer.send(hello({ role, token, stamp: FORGED_STAMP }));
          assert.equal((await peer.next('error')).code, 'unauthorized', `${role} at ${port} with '${token}'`);
          assert.equal(await peer.closed, 1008);
        }
      }
    }
    // A client may greet at the control port, and is a client there.
    const peer = await greet(controlPort, { token: clients });
    peer.send({ kind: 'deleteWorker', worker: 0, generation: 0, force: true });
    assert.equal((await peer.next('error')).code, 'unauthorized');
    await peer.closed;
    await isUnharmed();
  });
});
