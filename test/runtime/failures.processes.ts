import { readValue } from '@dpr/counter';
import { EXIT } from '@dpr/runtime';
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createCluster, freePort, type Child, type Cluster } from './cluster.ts';
import { amounts, batch, greet, type Peer } from './peer.ts';

const SESSION = 'cd'.repeat(16);

describe('a Finder and counters that meet trouble', () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await createCluster(2);
  });
  afterEach(() => cluster.close());

  const startFinder = (variables = {}) => serving(cluster.startFinder(variables));
  const startWorker = (id: number, variables = {}) => serving(cluster.startWorker(id, variables));
  const data = (name: string) => path.join(cluster.directory, name);

  async function serving(child: Child): Promise<Child> {
    await child.event('serving');
    return child;
  }

  /** Execute an addition at a worker and wait until it is committed. */
  async function commit(peer: Peer, worker: number, sequence: number, amount: number): Promise<number> {
    peer.send(batch({ session: SESSION, sequence, operations: amounts(amount), urgent: true }));
    const { version, results } = await peer.next('reply');
    await peer.next('cut', ({ cut }) => (cut.get(worker) ?? 0) >= version);
    return Number(readValue(results, 0));
  }

  /** The program ends by itself: its exit code, and the reason in its log. */
  async function failed(child: Child): Promise<{ code: number | null; reason: string }> {
    const code = await child.exit;
    const { reason } = child.lines.findLast((line) => line.reason !== undefined) ?? {};
    return { code, reason: String(reason) };
  }

  describe('the Finder', () => {
    it('does not start on a directory that another one uses, or at a port that is taken', async () => {
      await startFinder();
      const second = await failed(cluster.startFinder());
      assert.equal(second.code, EXIT.config);
      assert.match(second.reason, /process \d+ uses .*finder\. Stop it first/);
      const elsewhere = { DPR_DATA: data('other'), DPR_CONTROL_PORT: String(await freePort()) };
      const third = await failed(cluster.startFinder(elsewhere));
      assert.equal(third.code, EXIT.config);
      assert.match(third.reason, /cannot listen at port \d+ of 127\.0\.0\.1; another process uses it/);
    });

    it('waits for a predecessor that is about to end', async () => {
      const first = await startFinder();
      const second = cluster.startFinder();
      await second.event('waiting');
      await first.end('SIGTERM');
      await second.event('serving');
    });

    it('does not start from a record that is damaged, and says what to do', async () => {
      const finder = await startFinder();
      await finder.end('SIGTERM');
      for (const slot of ['finder-0', 'finder-1']) await writeFile(path.join(data('finder'), slot), 'not a record');
      const { code, reason } = await failed(cluster.startFinder());
      assert.equal(code, EXIT.damaged);
      assert.match(reason, /finder-0 is not valid and .*finder-1 is not valid: .*Restore both from a backup/);
    });

    it('does not start where it cannot keep its record', async () => {
      await writeFile(data('file'), '');
      const { code, reason } = await failed(cluster.startFinder({ DPR_DATA: data('file') }));
      assert.equal(code, EXIT.config);
      assert.match(reason, /the data directory '.*file' cannot be used/);
    });

    it('comes back after SIGKILL, and everything goes on in the same world-line', async () => {
      const finder = await startFinder();
      await startWorker(0);
      const client = await greet(cluster.workerPort(0));
      await commit(client, 0, 1, 1);
      await finder.end('SIGKILL');
      client.send(batch({ session: SESSION, sequence: 2, operations: amounts(2) }));
      const { version } = await client.next('reply');
      await startFinder();
      const { worldLine } = await client.next('cut', ({ cut }) => (cut.get(0) ?? 0) >= version);
      assert.equal(worldLine, 1);
    });

    it('refuses to serve from an old copy of its record, and says why', async () => {
      const first = await startFinder();
      await first.end('SIGTERM');
      await cp(data('finder'), data('copy'), { recursive: true });
      const second = await startFinder();
      const worker = await startWorker(0);
      assert.equal(await commit(await greet(cluster.workerPort(0)), 0, 1, 5), 5);
      await second.end('SIGKILL');
      await rename(data('finder'), data('newest'));
      await rename(data('copy'), data('finder'));
      const stale = cluster.startFinder();
      assert.match(String((await stale.event('refusing')).reason), /Bring back the newest volume of the Finder/);
      const response = await fetch(`http://127.0.0.1:${cluster.ports.admin}/ready`);
      assert.equal(response.status, 503);
      await stale.end('SIGTERM');
      await rm(data('finder'), { recursive: true });
      await rename(data('newest'), data('finder'));
      await startFinder();
      assert.equal(await commit(await greet(cluster.workerPort(0)), 0, 2, 1), 6);
      assert.equal(worker.process.exitCode, null);
    });
  });

  describe('a worker', () => {
    it('stops cleanly within its time while the Finder is away, and loses nothing', async () => {
      const finder = await startFinder();
      const worker = await startWorker(0);
      const client = await greet(cluster.workerPort(0));
      await commit(client, 0, 1, 1);
      await finder.end('SIGKILL');
      client.send(batch({ session: SESSION, sequence: 2, operations: amounts(2) }));
      await client.next('reply');
      assert.equal(await worker.end('SIGTERM'), EXIT.ok);
      const again = cluster.startWorker(0);
      await startFinder();
      assert.equal((await again.event('serving')).worldLine, 1);
      assert.equal(await commit(await greet(cluster.workerPort(0)), 0, 3, 0), 3);
    });

    it('stops at once while it has not joined', async () => {
      const worker = cluster.startWorker(0);
      await worker.event('unreachable');
      assert.equal(await worker.end('SIGTERM'), EXIT.ok);
    });

    it('does not start at a port that is taken, before it fences another', async () => {
      await startFinder();
      const first = await startWorker(0);
      const { code, reason } = await failed(cluster.startWorker(0));
      assert.equal(code, EXIT.config);
      assert.match(reason, /another process uses it/);
      assert.equal(first.process.exitCode, null);
      assert.equal(await commit(await greet(cluster.workerPort(0)), 0, 1, 1), 1);
    });

    it('does not start as another type than its program is for', async () => {
      const { code, reason } = await failed(cluster.startWorker(0, { DPR_WORKER_TYPE: 'kv' }));
      assert.equal(code, EXIT.config);
      assert.match(reason, /of type 'kv', and this program is for the type 'counter'/);
    });

    it('is fenced when a successor joined while it was stopped', async () => {
      await startFinder();
      const zombie = await startWorker(0);
      const client = await greet(cluster.workerPort(0));
      assert.equal(await commit(client, 0, 1, 7), 7);
      zombie.process.kill('SIGSTOP');
      const port = await freePort();
      await startWorker(0, { DPR_PORT: String(port), DPR_ADMIN_PORT: String(await freePort()) });
      zombie.process.kill('SIGCONT');
      const { code } = await failed(zombie);
      assert.equal(code, EXIT.fenced);
      const successor = await greet(port);
      assert.deepEqual([successor.welcome.worldLine, successor.welcome.worker?.incarnation], [2, 2]);
      successor.send(batch({ session: SESSION, sequence: 2, acknowledged: 1, worldLine: 2, operations: amounts(1) }));
      assert.equal(Number(readValue((await successor.next('reply')).results, 0)), 8);
    });

    it('does not serve an emptied, a damaged or a swapped volume, and says what happened', async () => {
      await startFinder();
      for (const id of [0, 1]) {
        const worker = await startWorker(id);
        await commit(await greet(cluster.workerPort(id)), id, 1, 1);
        await worker.end('SIGTERM');
      }
      const own = data('counter-0');
      await cp(own, data('backup'), { recursive: true });
      await rm(own, { recursive: true });
      const emptied = await failed(cluster.startWorker(0));
      assert.equal(emptied.code, EXIT.refused);
      assert.match(
        emptied.reason,
        /version \d+ of worker 0 is committed, and its volume does not hold that checkpoint/,
      );

      await rm(own, { recursive: true });
      await cp(data('counter-1'), own, { recursive: true });
      const swapped = await failed(cluster.startWorker(0));
      assert.equal(swapped.code, EXIT.refused);
      assert.match(swapped.reason, /should hold generation 1 of worker 0, and holds generation 1 of worker 1/);

      await rm(own, { recursive: true });
      await cp(data('backup'), own, { recursive: true });
      const volume = path.join(own, 'generation-1');
      const manifest = path.join(volume, (await readdir(volume)).findLast((name) => name.startsWith('manifest')) ?? '');
      const bytes = await readFile(manifest);
      await writeFile(manifest, bytes.fill(0xff, 40, 60));
      const damaged = await failed(cluster.startWorker(0));
      assert.equal(damaged.code, EXIT.refused);
      assert.match(damaged.reason, /manifest.* is damaged/);

      await rm(own, { recursive: true });
      await rename(data('backup'), own);
      assert.equal((await startWorker(0)).lines.at(-1)?.worldLine, 1, 'none of them cost anything');
    });

    it('leaves when it is removed, and waits for a word to come back as a new generation, with the old state or without', async () => {
      await startFinder();
      const worker = await startWorker(0);
      assert.equal(await commit(await greet(cluster.workerPort(0)), 0, 1, 9), 9);
      const operator = await greet(cluster.ports.control, { role: 'operator' });
      operator.send({ kind: 'deleteWorker', worker: 0, generation: 0, force: false });
      await operator.next('deleteAnswer');
      assert.equal((await failed(worker)).code, EXIT.left);
      const waiting = cluster.startWorker(0);
      const { reason } = await waiting.event('undecided');
      assert.match(String(reason), /generation 1 of it is kept\. .* Here are: generation 1 \(\d.* written \d{4}-/);
      assert.equal(await waiting.end('SIGTERM'), EXIT.ok);

      const back = cluster.startWorker(0, { DPR_STATE: 'kept' });
      await back.event('serving');
      assert.equal(await valueOf(2), 9);
      operator.send({ kind: 'deleteWorker', worker: 0, generation: 0, force: false });
      await operator.next('deleteAnswer');
      assert.equal((await failed(back)).code, EXIT.left);
      await cluster.startWorker(0, { DPR_STATE: 'empty' }).event('serving');
      assert.equal(await valueOf(3), 0);
      for (let names: string[] = []; names.join() !== 'generation-1.kept,generation-2.kept,generation-3,state';) {
        names = (await readdir(data('counter-0'))).sort(); // they are renamed in the background
      }

      /** The counter's, by a session that the worker has not met in this generation. */
      async function valueOf(generation: number): Promise<number> {
        const client = await greet(cluster.workerPort(0));
        assert.equal(client.welcome.worker?.generation, generation);
        client.send(batch({ session: SESSION, sequence: 1, generation, operations: amounts(0) }));
        return Number(readValue((await client.next('reply')).results, 0));
      }
    });

    it('is shown as away when it died, also while it is to leave, and goes by force', async () => {
      await startFinder();
      const worker = await startWorker(0);
      await worker.end('SIGKILL');
      const operator = await greet(cluster.ports.control, { role: 'operator' });
      const shown = async () => {
        operator.send({ kind: 'status' });
        return (await operator.next('statusAnswer')).members.map(({ state, waitingFor }) => `${state} ${waitingFor}`);
      };
      assert.deepEqual(await shown(), ['away ']);
      operator.send({ kind: 'deleteWorker', worker: 0, generation: 0, force: false });
      await operator.next('deleteAnswer', ({ state }) => state === 'leaving');
      assert.match((await shown()).join(), /^away worker 0 itself, which is away; if it cannot come back, remove it/);
      operator.send({ kind: 'deleteWorker', worker: 0, generation: 0, force: true });
      await operator.next('deleteAnswer', ({ state }) => state === 'left');
      assert.deepEqual(await shown(), []);
    });

    it('names the file when its volume cannot be read', async () => {
      await startFinder();
      await mkdir(data('counter-0'));
      await writeFile(path.join(data('counter-0'), 'generation-1'), 'a file in place of a directory');
      const { code, reason } = await failed(cluster.startWorker(0));
      assert.equal(code, EXIT.refused);
      assert.match(reason, /ENOTDIR: .*generation-1/);
    });
  });

  it('ask each other and clients for tokens', async () => {
    const tokens = { DPR_CONTROL_TOKEN: 'of operators', DPR_CLIENT_TOKEN: 'of clients' };
    await startFinder(tokens);
    const stranger = await failed(cluster.startWorker(0));
    assert.equal(stranger.code, EXIT.refused);
    assert.match(stranger.reason, /the control token is missing/);
    await startWorker(0, tokens);
    await assert.rejects(greet(cluster.workerPort(0)), /closed/);
    await assert.rejects(greet(cluster.ports.finder), /closed/);
    const client = await greet(cluster.workerPort(0), { token: 'of clients' });
    assert.equal(await commit(client, 0, 1, 1), 1);
    const operator = await greet(cluster.ports.control, { role: 'operator', token: 'of operators' });
    operator.send({ kind: 'status' });
    assert.equal((await operator.next('statusAnswer')).members[0]?.state, 'serving');
  });
});
