/** Clients that leave much behind, or that do not read: a worker with little memory lives, and so does who works beside them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { encode, MAX_BATCH_OPERATIONS } from '@dpr/protocol';
import { MIN_MEMORY_BYTES } from '../../services/runtime/memory.ts';
import { amounts, batch, greet, type Peer } from '../runtime/peer.ts';
import { cleanUp, metric, onCleanUp, said, startSite, until, within, type Site } from './harness.ts';

const MIB = 1024 * 1024;
const LITTLE = { DPR_MEMORY_BYTES: String(MIN_MEMORY_BYTES), NODE_OPTIONS: '--max-old-space-size=64' };
/** What the program and its garbage take beside what the limits are about. */
const PROGRAM_BYTES = 160 * MIB;
/** Longest that a well-behaved client waits for an answer while the others are at it: a busy machine, and no pause of the worker. */
const LONGEST_WAIT_MS = 10_000;

function start(variables: Readonly<Record<string, string>> = {}): Promise<Site> {
  return startSite({ workers: 1, variables: { DPR_RECEIVE_TIMEOUT_MS: '5000', ...variables }, worker: () => LITTLE });
}

async function greeted(site: Site): Promise<Peer> {
  const peer = await greet(site.workerPort(0));
  onCleanUp(() => {
    peer.close();
    return Promise.resolve();
  });
  return peer;
}

/** The most memory that the worker's process had so far. */
function peakBytes({ workers }: Site): number {
  const status = readFileSync(`/proc/${workers[0]?.process.pid ?? 0}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Adds 1 again and again. */
async function workBeside(
  site: Site,
): Promise<{ stop(): Promise<{ readonly added: number; readonly longestMs: number }> }> {
  const client = await site.client({ receiveTimeoutMs: 5_000 });
  const session = client.session({ replay: true });
  let going = true;
  let added = 0;
  let longestMs = 0;
  const work = (async () => {
    while (going) {
      const began = performance.now();
      await session.counter(0).add(1);
      added++;
      longestMs = Math.max(longestMs, performance.now() - began);
    }
    await session.commit();
  })();
  work.catch(() => undefined);
  await until('some work', () => added > 10);
  return {
    async stop() {
      going = false;
      await within('the end of the work beside', work);
      return { added, longestMs };
    },
  };
}

describe('a worker with little memory', () => {
  afterEach(cleanUp);

  it('lives with clients that send much, and read nothing', async () => {
    const site = await start();
    const beside = await workBeside(site);
    const operations = amounts(...Array<number>(MAX_BATCH_OPERATIONS).fill(0));
    for (let count = 0; count < 40; count++) {
      const peer = await greeted(site);
      peer.ws.pause();
      const session = randomBytes(16).toString('hex');
      for (let sequence = 1; sequence <= 16; sequence++) peer.send(batch({ session, sequence, operations }));
    }
    const metricOf = (name: string) => metric(site.workerAdminPort(0), name);
    const [worker] = site.workers;
    assert.ok(worker);
    await said(worker, 'that memory is short', ({ event }) => event === 'memoryShort');
    assert.ok((await metricOf('dpr_worker_reply_bytes')) <= (await metricOf('dpr_worker_reply_limit_bytes')));
    assert.ok((await metricOf('dpr_worker_unsent_bytes')) <= (await metricOf('dpr_worker_unsent_limit_bytes')));
    const connections = async (): Promise<true | undefined> =>
      (await metricOf('dpr_worker_connections')) <= 1 || undefined;
    await until('the end of those that do not read', connections);
    const { added, longestMs } = await beside.stop();
    assert.ok(longestMs < LONGEST_WAIT_MS, `${longestMs} ms`);
    assert.ok(peakBytes(site) < MIN_MEMORY_BYTES + PROGRAM_BYTES, `${peakBytes(site) / MIB} MiB`);

    await site.workers[0]?.end('SIGKILL');
    await site.restartWorker(0);
    assert.deepEqual(await site.counters(), [added]);
    assert.ok(peakBytes(site) < MIN_MEMORY_BYTES + PROGRAM_BYTES, `${peakBytes(site) / MIB} MiB after the restart`);
  });

  it('refuses more sessions than it has room for, and answers those that there are, also after a restart', async () => {
    const site = await start({ DPR_CLIENT_ADDRESSES: 'hidden' }); // so that clients of one address get all of it
    const beside = await workBeside(site);
    const peer = await greeted(site);
    const operations = amounts(0);
    const sessions = 45_000;
    for (let sent = 0; sent < sessions; sent += 1_000) {
      for (let count = 0; count < 1_000; count++) {
        peer.ws.send(encode(batch({ session: randomBytes(16).toString('hex'), sequence: 1, operations })));
      }
      const answers = () => peer.received.filter(({ kind }) => kind === 'reply' || kind === 'error').length;
      await until('the answers', () => answers() >= sent + 1_000);
    }
    const replies = peer.received.filter(({ kind }) => kind === 'reply').length;
    const refusals = peer.received.filter((one) => one.kind === 'error' && one.code === 'tooManySessions').length;
    assert.equal(replies + refusals, sessions);
    assert.ok(replies > 20_000 && refusals > 1_000, `${replies} replies, ${refusals} refusals`);
    const { added, longestMs } = await beside.stop();
    assert.ok(longestMs < LONGEST_WAIT_MS, `${longestMs} ms`);
    assert.ok(peakBytes(site) < MIN_MEMORY_BYTES + PROGRAM_BYTES, `${peakBytes(site) / MIB} MiB`);

    await site.workers[0]?.end('SIGKILL');
    await site.restartWorker(0);
    const held = await metric(site.workerAdminPort(0), 'dpr_worker_sessions');
    assert.ok(held > 20_000, `${held} sessions`);
    assert.ok(peakBytes(site) < MIN_MEMORY_BYTES + PROGRAM_BYTES, `${peakBytes(site) / MIB} MiB after the restart`);
    const again = await greet(site.workerPort(0));
    again.send(
      batch({ session: randomBytes(16).toString('hex'), sequence: 1, operations, worldLine: again.welcome.worldLine }),
    );
    const answer = await Promise.race([again.next('reply'), again.next('error')]);
    again.close();
    assert.ok(answer.kind === 'reply' || answer.code === 'tooManySessions');
    assert.ok(added > 0);
  });
});
