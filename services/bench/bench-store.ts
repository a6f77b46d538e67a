/** `npm run bench:store`: a store of many keys in a whole cluster, under a load of writes by the client library. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type Cluster, type Session, type Store } from '@dpr/client';
import { type ClusterProcess, runningCluster } from '@dpr/client/running-cluster';
import { commandLine, whole } from '@dpr/local/command-line';
import { interruptible } from '@dpr/local/interrupt';
import { seededRandom, summarize } from '@dpr/local/measurements';
import { LOCAL_PROGRAM, startTemporaryCluster } from '@dpr/local/temporary-cluster';
import { cpuNs, memoryBytes } from './core-pinning.ts';
import { takeTurns, type TurnTimes } from './event-loop-delay.ts';

type Options = { readonly keys: number; readonly rate: number; readonly seconds: number; readonly json: boolean };

const KEY_BYTES = 16;
const VALUE_BYTES = 100;
/** Of a record in a checkpoint beside key and value. */
const RECORD_BYTES = 12;
const BATCH = 200;
const FILL_BATCH = 1_000;
const FILL_IN_FLIGHT = 16;
const PERIOD_MS = 2;
const CHECKPOINT_INTERVAL_MS = 100;
/** Seldom, as in production: a page of metrics takes a turn of some milliseconds, too. */
const SCRAPE_INTERVAL_MS = 5_000;
const COMMIT_EVERY_MS = 70;
const ROLLED_BACK_WRITES = 100_000;
const MIB = 1024 * 1024;

function sessionOf(cluster: Cluster): Session {
  return cluster.session({ replay: true, maxUncommittedOperations: Infinity, maxUncommittedBytes: Infinity });
}

function storeOf(cluster: Cluster, worker: number): Store {
  return sessionOf(cluster).store(worker);
}

/** A key by its number: the number, and bytes that all keys have. */
function keyOf(index: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUInt32BE(index);
  return key;
}

class Run {
  readonly #options: Options;
  readonly #signal: AbortSignal;
  readonly #cluster: Cluster;
  readonly #directory: string;
  readonly #session: Session;
  readonly #store: Store;
  readonly #random = seededRandom(1);
  readonly #value = Buffer.alloc(VALUE_BYTES);
  #written = 0;

  constructor(options: Options, signal: AbortSignal, cluster: Cluster, directory: string) {
    this.#options = options;
    this.#signal = signal;
    this.#cluster = cluster;
    this.#directory = directory;
    this.#session = sessionOf(cluster);
    this.#store = this.#session.store(0);
  }

  async measure(): Promise<object> {
    await this.#fill();
    const { keys, rate } = this.#options;
    const steady = await this.#steady();
    const rollback = await this.#rollback();
    const restart = await this.#restart();
    return { keys, writesPerSecond: rate, ...steady, rollback, restart };
  }

  /** @param wanted its name, or its role */
  async #process(wanted: string): Promise<ClusterProcess & { readonly pid: number }> {
    const found = (await runningCluster(this.#directory))?.processes.find(
      ({ name, role }) => name === wanted || role === wanted,
    );
    if (typeof found?.pid !== 'number') throw new Error(`${wanted} does not run`);
    return { ...found, pid: found.pid };
  }

  async #fill(): Promise<void> {
    let next = 0;
    const line = async (): Promise<void> => {
      while (next < this.#options.keys) {
        const from = next;
        next = Math.min(this.#options.keys, from + FILL_BATCH);
        await this.#write(Array.from({ length: next - from }, (_, index) => from + index));
      }
    };
    await Promise.all(Array.from({ length: FILL_IN_FLIGHT }, line));
    await this.#session.commit({ signal: this.#signal });
  }

  #write(keys: readonly number[]): Promise<unknown> {
    this.#value.writeUInt32BE(++this.#written);
    return Promise.resolve(this.#store.setAll(keys.map((key) => ({ key: keyOf(key), value: this.#value }))));
  }

  #someKeys(count: number): number[] {
    return Array.from({ length: count }, () => Math.floor(this.#random() * this.#options.keys));
  }

  /** Writes at the rate, and commits timed beside them. */
  async #steady(): Promise<object> {
    const { rate, seconds, keys } = this.#options;
    const { pid, ports } = await this.#process('store-0');
    await takeTurns(pid, this.#signal);
    const cpu = cpuNs(pid);
    const end = performance.now() + seconds * 1_000;
    const [written, commits, undo] = await Promise.all([
      this.#writeUntil(end, rate),
      this.#commitUntil(end),
      undoUntil(end, ports.admin, this.#signal),
    ]);
    return {
      written: written / seconds,
      turnsMs: await takeTurns(pid, this.#signal),
      cpuShare: (cpuNs(pid) - cpu) / (seconds * 1e9),
      commitMs: summarize(commits),
      undoMiB: undo / MIB,
      memoryPerKey: memoryBytes(pid) / keys,
      diskPerState: (await bytesBelow(path.join(this.#directory, 'store-0'))) / this.#stateBytes(),
    };
  }

  #stateBytes(): number {
    return this.#options.keys * (RECORD_BYTES + KEY_BYTES + VALUE_BYTES);
  }

  async #writeUntil(end: number, rate: number): Promise<number> {
    const began = performance.now();
    let written = 0;
    const answers: Promise<unknown>[] = [];
    while (performance.now() < end) {
      const due = ((performance.now() - began) * rate) / 1_000;
      for (; written + BATCH <= due; written += BATCH) answers.push(this.#write(this.#someKeys(BATCH)));
      await pause(PERIOD_MS, undefined, { signal: this.#signal });
    }
    await Promise.all(answers);
    return written;
  }

  async #commitUntil(end: number): Promise<number[]> {
    const store = storeOf(this.#cluster, 0);
    const times: number[] = [];
    while (performance.now() < end) {
      await pause(this.#random() * COMMIT_EVERY_MS, undefined, { signal: this.#signal });
      const called = performance.now();
      await store.set('commit', this.#value).committed;
      times.push(performance.now() - called);
    }
    return times;
  }

  /** Nothing commits while the Finder stands still; then another worker is killed, and this one goes back. */
  async #rollback(): Promise<{ readonly writes: number; readonly turnMs: TurnTimes['longest'] }> {
    const [own, other, finder] = await Promise.all(['store-0', 'store-1', 'finder'].map((name) => this.#process(name)));
    if (own === undefined || other === undefined || finder === undefined) throw new Error('the cluster is not whole');
    await this.#session.commit({ signal: this.#signal });
    process.kill(finder.pid, 'SIGSTOP');
    const writes = ROLLED_BACK_WRITES / BATCH;
    for (let batch = 0; batch < writes; batch++) await this.#write(this.#someKeys(BATCH));
    await takeTurns(own.pid, this.#signal);
    process.kill(other.pid, 'SIGKILL');
    process.kill(finder.pid, 'SIGCONT');
    await storeOf(this.#cluster, 1).get('any');
    await this.#store.get('any');
    return { writes: ROLLED_BACK_WRITES, turnMs: (await takeTurns(own.pid, this.#signal)).longest };
  }

  async #restart(): Promise<{ readonly ms: number; readonly cpuMs: number }> {
    await this.#session.commit({ signal: this.#signal });
    const { pid } = await this.#process('store-0');
    const began = performance.now();
    process.kill(pid, 'SIGKILL');
    await storeOf(this.#cluster, 0).get('any');
    const ms = performance.now() - began;
    return { ms, cpuMs: cpuNs((await this.#process('store-0')).pid) / 1e6 };
  }
}

/** The most that undo took. */
async function undoUntil(end: number, adminPort: number, signal: AbortSignal): Promise<number> {
  let most = 0;
  while (performance.now() < end) {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal })).text();
    most = Math.max(most, Number(/^dpr_worker_undo_bytes (\S+)$/m.exec(text)?.[1]));
    await pause(SCRAPE_INTERVAL_MS, undefined, { signal });
  }
  return most;
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map((file) =>
      stat(path.join(file.parentPath, file.name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function parse(words: readonly string[]): Options {
  return commandLine('npm run bench:store --', 'Measures a store in a cluster. Let nothing else keep the machine busy.')
    .option('--keys <n>', `keys of ${KEY_BYTES} bytes with values of ${VALUE_BYTES}`, whole(1, 100_000_000), 1_000_000)
    .option('--rate <n>', 'writes a second, to keys at random', whole(0, 10_000_000), 100_000)
    .option('--seconds <n>', 'how long', whole(1, 3_600), 20)
    .option('--json', 'one JSON object', false)
    .parse(words, { from: 'user' })
    .opts<Options>();
}

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import ${path.join(import.meta.dirname, 'bench-turn-preload.js')}`;
  const own = await startTemporaryCluster({
    workers: 2,
    checkpointIntervalMs: CHECKPOINT_INTERVAL_MS,
    command: LOCAL_PROGRAM,
    signal,
    type: 'store',
  });
  try {
    const cluster = await connect({ cluster: own.cluster });
    const measured = await new Run(options, signal, cluster, own.dataDirectory).measure();
    await cluster.close();
    const show = (_: string, value: unknown): unknown => (typeof value === 'number' ? Number(value.toFixed(3)) : value);
    process.stdout.write(`${JSON.stringify(measured, show, options.json ? undefined : 2)}\n`);
  } finally {
    await own.remove();
  }
}

const options = parse(process.argv.slice(2));
process.exit(await interruptible((signal) => bench(options, signal)));
