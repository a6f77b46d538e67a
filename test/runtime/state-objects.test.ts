import { MAX_BATCH_BYTES } from '@dpr/protocol';
import {
  createLog,
  EXIT,
  MalformedOperations,
  ProcessError,
  PROGRAMS_ONLY,
  startFinder,
  startWorker,
  type RunningFinder,
  type RunningWorker,
  type StateObject,
  type WorkerSettings,
  type WorkerType,
} from '@dpr/runtime';
import { RECEIVE_TIMEOUT_MS } from '@dpr/runtime/keep-alive';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deferred } from '../../services/runtime/deferred.ts';
import { divideMemory, MIN_MEMORY_BYTES } from '../../services/runtime/memory.ts';
import { freePort } from './cluster.ts';
import { batch, greet, type Peer } from './peer.ts';

const log = createLog('silent', {});
const common = {
  host: '127.0.0.1',
  adminPort: 0,
  logLevel: 'silent',
  tokens: { control: undefined, client: undefined },
  visitors: PROGRAMS_ONLY,
  clientAddresses: 'own',
  receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
  memoryBytes: undefined,
} as const;
const SESSION = 'ef'.repeat(16);

/** A text to append to, kept as a store in another process would be: batches take their time, snapshots are files. */
function slowText(overrides: Partial<StateObject> = {}): WorkerType<StateObject> {
  return {
    name: 'text',
    create({ directory }) {
      let text = '';
      let snapshots = 0;
      let last: Promise<unknown> = Promise.resolve();
      return {
        apply(operations) {
          const addition = Buffer.from(operations).toString();
          if (addition === 'nonsense') throw new MalformedOperations('nonsense is not a text');
          const done = last.then(async () => {
            await new Promise((resolve) => setImmediate(resolve));
            text += addition;
            return Buffer.from(text);
          });
          last = done;
          return done;
        },
        async snapshot() {
          const frozen = text;
          const file = path.join(directory, `snapshot-${++snapshots}`);
          await writeFile(file, frozen);
          return { file };
        },
        async restore(snapshot) {
          text = snapshot === undefined ? '' : await readFile((snapshot as { file: string }).file, 'utf8');
        },
        ...overrides,
      };
    },
  };
}

describe('a state object in another process', () => {
  let directory: string;
  let finder: RunningFinder;
  let workers: RunningWorker[];
  beforeEach(async () => {
    workers = [];
    directory = await mkdtemp(path.join(tmpdir(), 'dpr-'));
    const ports = { port: await freePort(), controlPort: await freePort() };
    finder = await startFinder({ ...common, ...ports, data: path.join(directory, 'finder') }, log);
  });
  afterEach(async () => {
    for (const one of [...workers, finder]) one.stop();
    await Promise.allSettled([...workers, finder].map(({ ended }) => ended));
    await rm(directory, { recursive: true });
  });

  async function settingsOf(id: number): Promise<WorkerSettings> {
    const port = await freePort();
    return {
      ...common,
      ...{ id, type: 'text', port, publicPort: port, publicHost: '' },
      ...{ data: path.join(directory, `text-${id}`), checkpointIntervalMs: 20, memoryBytes: undefined },
      ...{ state: 'unsaid', from: 0 },
      finder: `ws://127.0.0.1:${finder.controlPort}`,
    };
  }

  async function start(type: WorkerType, settings: WorkerSettings): Promise<RunningWorker> {
    const worker = await startWorker(type, settings, log);
    workers.push(worker);
    return worker;
  }

  /** Ready once it serves. */
  async function ready({ adminPort }: RunningWorker): Promise<void> {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${adminPort}/ready`);
      await response.text();
      if (response.ok) return;
    }
  }

  async function metrics({ adminPort }: RunningWorker): Promise<string> {
    return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  }

  const append = (sequence: number, text: string, fields = {}) =>
    batch({ session: SESSION, sequence, count: 1, operations: Buffer.from(text), ...fields });

  const committed = (peer: Peer, version: number) => peer.next('cut', ({ cut }) => (cut.get(0) ?? 0) >= version);

  it('executes pipelined batches in order, and seals between them', async () => {
    const settings = await settingsOf(0);
    await ready(await start(slowText(), settings));
    const client = await greet(settings.port);
    const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
    for (const [index, letter] of letters.entries()) {
      client.send(append(index + 1, letter, { urgent: index % 5 === 0 }));
    }
    let version = 0;
    for (const [index] of letters.entries()) {
      const reply = await client.next('reply');
      assert.equal(reply.sequence, index + 1);
      assert.equal(Buffer.from(reply.results).toString(), letters.slice(0, index + 1).join(''));
      assert.ok(reply.version >= version);
      version = reply.version;
    }
    await committed(client, version);
  });

  it('comes back with what its own files held', async () => {
    const settings = await settingsOf(0);
    const first = await start(slowText(), settings);
    await ready(first);
    const client = await greet(settings.port);
    client.send(append(1, 'first '));
    client.send(append(2, 'second '));
    const { version } = await client.next('reply', ({ sequence }) => sequence === 2);
    await committed(client, version);
    client.send(append(3, 'third'));
    first.stop();
    assert.equal(await first.ended, 0);

    await ready(await start(slowText(), settings));
    const again = await greet(settings.port);
    again.send({ kind: 'table', session: SESSION, worldLine: 1, generation: 1 });
    const { last } = await again.next('tableAnswer');
    again.send(append(last + 1, '!', { version }));
    const { results } = await again.next('reply');
    assert.equal(Buffer.from(results).toString(), last === 3 ? 'first second third!' : 'first second !');
  });

  it('refuses operations that make no sense, and nothing else happens', async () => {
    const settings = await settingsOf(0);
    await ready(await start(slowText(), settings));
    const client = await greet(settings.port);
    client.send(append(1, 'nonsense'));
    const error = await client.next('error');
    assert.deepEqual([error.code, error.sequence, error.text], ['malformed', 1, 'nonsense is not a text']);
    client.send(append(1, 'sense'));
    assert.equal(Buffer.from((await client.next('reply')).results).toString(), 'sense');
  });

  it('ends its worker when it fails in the middle of a batch or of a snapshot', async () => {
    const broken = new Error('the store is gone');
    const failing = () => Promise.reject(broken);
    for (const type of [slowText({ apply: failing }), slowText({ snapshot: failing })]) {
      const settings = await settingsOf(workers.length);
      const worker = await start(type, settings);
      await ready(worker);
      const client = await greet(settings.port);
      client.send(append(1, 'text'));
      await assert.rejects(worker.ended, broken);
    }
  });

  it('may return as much as a reply holds', async () => {
    const settings = await settingsOf(0);
    const type = slowText({ apply: () => new Uint8Array(MAX_BATCH_BYTES) });
    await ready(await start(type, settings));
    const client = await greet(settings.port);
    client.send(append(1, 'text'));
    assert.equal((await client.next('reply')).results.length, MAX_BATCH_BYTES);
  });

  it('ends its worker with more than that, also if no client is there to be answered', async () => {
    const settings = await settingsOf(0);
    const [begun, asked] = [deferred<undefined>(), deferred<Uint8Array>()];
    const apply = () => {
      begun.resolve(undefined);
      return asked.promise;
    };
    const worker = await start(slowText({ apply }), settings);
    await ready(worker);
    const client = await greet(settings.port);
    client.send(append(1, 'text'));
    await begun.promise;
    client.close();
    while (!/^dpr_worker_connections 0$/m.test(await metrics(worker))) await client.closed;
    asked.resolve(new Uint8Array(MAX_BATCH_BYTES + 1));
    await assert.rejects(
      worker.ended,
      /gave 4194305 bytes of results for 1 operations, and at most 4194304 are allowed/,
    );
  });

  it('is not given a state that its process has no memory for, which ends for an administrator to see to it', async () => {
    const settings = await settingsOf(0);
    const bytes = divideMemory(MIN_MEMORY_BYTES).maxStateBytes + 1;
    const type = slowText({ snapshot: () => Buffer.alloc(bytes), restore: () => Promise.resolve() });
    const first = await start(type, settings);
    await ready(first);
    const client = await greet(settings.port);
    client.send(append(1, 'text'));
    await committed(client, (await client.next('reply')).version);
    client.close();
    first.stop();
    await first.ended;

    const again = await start(type, { ...settings, memoryBytes: MIN_MEMORY_BYTES });
    await assert.rejects(again.ended, (error) => {
      assert.ok(error instanceof ProcessError);
      assert.equal(error.exitCode, EXIT.tooLarge);
      assert.match(error.message, new RegExp(`has ${bytes} bytes, and this process has memory for ${bytes - 1}`));
      return true;
    });
  });
});
