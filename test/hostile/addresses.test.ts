import { connect } from '@dpr/client';
import { draftOf, encodeMessage, type Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { amounts, batch, greet, type Peer } from '../runtime/peer.ts';
import { attendedCluster, type Attended } from './harness.ts';
import { readMetric } from './process-memory.ts';
import { HELD_UP_MS, within } from './well-behaved.ts';

const MIB = 1024 * 1024;
const MEMORY_BYTES = 128 * MIB;
const HOSTILE = '127.0.0.2';
const CONNECTIONS = 300;
/** So few that no connection is one that many sessions began on. */
const SESSIONS_AT_ONCE = 16;

describe('a cluster with a client at another address that opens connection after connection', () => {
  let attended: Attended;
  let hostile: Peer[];

  beforeEach(async () => {
    hostile = [];
    attended = await attendedCluster([0], { variables: { DPR_MEMORY_BYTES: String(MEMORY_BYTES) } });
  });

  afterEach(async () => {
    for (const peer of hostile) peer.close();
    await attended.close();
  });

  let sessions = 0;
  const nextSession = (): string => (++sessions).toString(16).padStart(32, '0');

  /** Begins sessions that it does not close. @returns the answers to their first batches */
  async function begin(peer: Peer, count: number): Promise<readonly Message['kind'][]> {
    const before = peer.received.length;
    const answers = () => peer.received.slice(before).flatMap(({ kind }) => (kind === 'cut' ? [] : [kind]));
    const batches = Array.from({ length: count }, () =>
      batch({ session: nextSession(), sequence: 1, operations: amounts(0) }),
    );
    peer.ws.send(encodeMessage(batches.map(draftOf)));
    while (answers().length < count) await once(peer.ws, 'message');
    return answers();
  }

  /** A session that was not there before: it can begin, and commits. */
  async function isServed(): Promise<void> {
    const since = performance.now();
    const cluster = await connect({ cluster: `ws://127.0.0.1:${attended.cluster.ports.finder}` });
    try {
      await within(HELD_UP_MS, 'a commit of a new session', cluster.session().counter(0).add(0).committed);
    } finally {
      await cluster.close();
    }
    assert.ok(performance.now() - since < HELD_UP_MS);
  }

  it('lets others begin sessions while it begins as many as it can on hundreds of connections, and closes none', async () => {
    const { cluster, beside } = attended;
    hostile = await Promise.all(Array.from({ length: CONNECTIONS }, () => greet(cluster.workerPort(0), {}, HOSTILE)));
    let begun = 0;
    for (let refused = 0; refused < CONNECTIONS;) {
      refused = 0;
      for (const peer of hostile) {
        const answers = await begin(peer, SESSIONS_AT_ONCE);
        begun += answers.filter((kind) => kind === 'reply').length;
        if (answers.includes('error')) refused++;
      }
      await beside.goOn();
      await isServed();
    }
    assert.ok(begun > 10_000, `${begun} sessions`);
    const admin = cluster.workerAdminPort(0);
    const [held, limit] = [
      await readMetric(admin, 'dpr_worker_session_bytes'),
      await readMetric(admin, 'dpr_worker_session_limit_bytes'),
    ];
    assert.ok(held < 0.51 * limit, `${held} of ${limit} bytes`);
    for (let client = 0; client < 5; client++) await isServed();
    attended.allRun();
  });

  it('refuses that client another session by name', async () => {
    const { cluster } = attended;
    const flooding = await greet(cluster.workerPort(0), {}, HOSTILE);
    hostile = [flooding];
    while (!(await begin(flooding, 500)).includes('error'));
    const { text } = await flooding.next('error');
    assert.match(text, /of clients at this address: the rest of its room is for clients at others$/);
    await isServed();
  });
});
