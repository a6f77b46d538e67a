/** `npm run bench:state`: what a store of many keys costs its event loop, alone in this process: no sockets, no sessions. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createEngine, type Engine, TYPES } from '@dpr/store/engine';
import { commandLine, whole } from '@dpr/local/command-line';
import { interruptible } from '@dpr/local/interrupt';

type Options = {
  readonly keys: number;
  readonly rate: number;
  readonly seconds: number;
  readonly directory: string;
  readonly json: boolean;
};

const KEY_BYTES = 16;
const VALUE_BYTES = 100;
const SEAL_INTERVAL_MS = 100;
const CHUNK_BYTES = 64 * 1024;
const BASE_BYTES_PER_MS = 40 * 1024;
const WRITES_IN_TURN = 200;
const RELEASED_IN_TURN = 2_000;
const ROLLED_BACK_VERSIONS = 20;
const ROLLED_BACK_WRITES = 100_000;
const MAX_BYTES = 32 * 1024 ** 3;
const MIB = 1024 * 1024;

/** CPU time of this process, ms: what else the machine does changes it far less than time on the clock. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Turns of the event loop by what they did, ms. */
class Turns {
  readonly #durations = new Map<string, number[]>();

  run<T>(kind: string, work: () => T): T {
    const began = performance.now();
    const result = work();
    const durations = this.#durations.get(kind) ?? [];
    durations.push(performance.now() - began);
    this.#durations.set(kind, durations);
    return result;
  }

  /** For each kind how many there were, the median, the 99.9th percentile and the longest one. */
  report(): Record<string, { count: number; p50: number; p999: number; longest: number }> {
    const rows = [...this.#durations].map(([kind, durations]) => {
      durations.sort((a, b) => a - b);
      const at = (share: number): number =>
        durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? 0;
      return [kind, { count: durations.length, p50: at(0.5), p999: at(0.999), longest: at(1) }] as const;
    });
    return Object.fromEntries(rows);
  }
}

/** Writes values to keys that are numbers. */
class Keys {
  readonly #engine: Engine;
  readonly #key = new DataView(new ArrayBuffer(KEY_BYTES));
  readonly #value = new DataView(new ArrayBuffer(VALUE_BYTES));
  readonly #content = { type: TYPES.string, value: this.#value, from: 0, length: VALUE_BYTES, deadline: 0 };
  #chance = 12_345;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  write(index: number): void {
    this.#seek(index);
    this.#value.setUint32(0, this.#value.getUint32(0) + 1);
    if (!this.#engine.keyspace.write(this.#content)) throw new Error('the store is full');
  }

  read(index: number): boolean {
    return this.#seek(index);
  }

  draw(count: number): number {
    this.#chance = (Math.imul(this.#chance, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#chance / 2 ** 32) * count);
  }

  #seek(index: number): boolean {
    this.#key.setUint32(0, index);
    return this.#engine.keyspace.seek(this.#key, 0, KEY_BYTES);
  }
}

/** One file, to which chunks are added; a version is durable once it is synced. */
class Disk {
  readonly #file: FileHandle;
  #last: Promise<unknown> = Promise.resolve();
  #size = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  append(chunk: Uint8Array): void {
    const at = this.#size;
    this.#size += chunk.length;
    this.#last = this.#last.then(() => this.#file.write(chunk, 0, chunk.length, at));
  }

  async sync(): Promise<void> {
    this.#last = this.#last.then(() => this.#file.datasync());
    await this.#last;
  }
}

class Run {
  readonly #options: Options;
  readonly #engine = createEngine({ seed: [0x9e3779b9, 0x243f6a88], maxBytes: MAX_BYTES });
  readonly #keys = new Keys(this.#engine);
  readonly #turns = new Turns();
  readonly #toDurable: number[] = [];
  #version = 0;
  #undoBytes = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  async measure(file: FileHandle, signal: AbortSignal): Promise<object> {
    const before = process.memoryUsage().rss;
    const cpuNsPerWrite = await this.#fill(signal);
    const memory = {
      ownPerEntry: this.#perKey(this.#engine.keyspace.memoryBytes),
      rssPerEntry: this.#perKey(process.memoryUsage().rss - before),
    };
    const cpuNsPerRead = this.#readAll();
    await this.#steady(new Disk(file), signal);
    const rollbackCpuMs = Array.from({ length: 5 }, () => this.#rollback());
    const restart = await this.#restart();
    const toDurable = this.#toDurable.sort((a, b) => a - b)[this.#toDurable.length >> 1];
    const { keys, rate } = this.#options;
    return {
      ...{ keys, writesPerSecond: rate, cpuNsPerWrite, cpuNsPerRead, memory, undoMiB: this.#undoBytes / MIB },
      ...{
        turnsMs: this.#turns.report(),
        sealToDurableMs: toDurable,
        rollbackCpuMs: rollbackCpuMs.sort((a, b) => a - b),
        restart,
      },
    };
  }

  #perKey(bytes: number): number {
    return bytes / this.#options.keys;
  }

  async #fill(signal: AbortSignal): Promise<number> {
    let spent = 0;
    for (let index = 0; index < this.#options.keys;) {
      const end = Math.min(this.#options.keys, index + 50_000);
      const began = cpuMs();
      for (; index < end; index++) this.#keys.write(index);
      spent += cpuMs() - began;
      this.#engine.seal(++this.#version);
      this.#engine.committed(this.#version);
      while (this.#engine.release(RELEASED_IN_TURN));
      await nextTurn(undefined, { signal });
    }
    return (spent * 1e6) / this.#options.keys;
  }

  #readAll(): number {
    const count = 1_000_000;
    const began = cpuMs();
    for (let left = count; left > 0; left--) this.#keys.read(this.#keys.draw(this.#options.keys));
    return ((cpuMs() - began) * 1e6) / count;
  }

  /** Writes at the rate, with a version sealed every 100 ms, written with its part of the base, synced and committed. */
  async #steady(disk: Disk, signal: AbortSignal): Promise<void> {
    const { rate, seconds, keys } = this.#options;
    const began = performance.now();
    const elapsed = (): number => performance.now() - began;
    let [written, swept, sealed] = [0, 0, 0];
    let position: number | undefined = 0;
    while (elapsed() < seconds * 1_000) {
      const due = Math.min(WRITES_IN_TURN, Math.floor((elapsed() * rate) / 1_000) - written);
      this.#turns.run('write', () => {
        for (let left = due; left > 0; left--) this.#keys.write(this.#keys.draw(keys));
      });
      written += Math.max(0, due);
      if (elapsed() > (sealed + 1) * SEAL_INTERVAL_MS) {
        sealed++;
        void this.#checkpoint(disk);
      }
      if (swept < elapsed() * BASE_BYTES_PER_MS) {
        const from: number = position ?? 0;
        const slice = this.#turns.run('base', () => this.#engine.base(from, CHUNK_BYTES));
        disk.append(slice.bytes);
        swept += slice.bytes.length;
        position = slice.next;
      }
      this.#turns.run('release', () => this.#engine.release(RELEASED_IN_TURN));
      await nextTurn(undefined, { signal });
    }
    await this.#checkpoint(disk);
  }

  async #checkpoint(disk: Disk): Promise<void> {
    const began = performance.now();
    const version = ++this.#version;
    this.#undoBytes = Math.max(this.#undoBytes, this.#engine.undoBytes());
    const changes = this.#turns.run('seal', () => this.#engine.seal(version));
    for (;;) {
      const chunk = this.#turns.run('changes', () => changes.next(CHUNK_BYTES));
      if (chunk === undefined) break;
      disk.append(chunk);
      await nextTurn();
    }
    await disk.sync();
    this.#turns.run('committed', () => this.#engine.committed(version));
    this.#toDurable.push(performance.now() - began);
  }

  #rollback(): number {
    const back = this.#version;
    for (let version = 0; version < ROLLED_BACK_VERSIONS; version++) {
      const count = ROLLED_BACK_WRITES / ROLLED_BACK_VERSIONS;
      for (let left = count; left > 0; left--) this.#keys.write(this.#keys.draw(this.#options.keys));
      this.#engine.seal(++this.#version);
    }
    const began = cpuMs();
    this.#engine.rollback(back);
    const spent = cpuMs() - began;
    this.#version = back;
    while (this.#engine.release(RELEASED_IN_TURN));
    return spent;
  }

  /** Another process would read the same chunks from its disk: how long the engine takes for them. */
  async #restart(): Promise<{ cpuMs: number; bytes: number }> {
    const chunks: Uint8Array[] = [];
    for (let position: number | undefined = 0; position !== undefined;) {
      const slice = this.#engine.base(position, CHUNK_BYTES);
      chunks.push(slice.bytes);
      position = slice.next;
      await nextTurn();
    }
    const loader = this.#engine.load();
    const began = cpuMs();
    for (const chunk of chunks) loader.take(chunk);
    loader.end(this.#version);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return { cpuMs: cpuMs() - began, bytes };
  }
}

function parse(words: readonly string[]): Options {
  return commandLine(
    'npm run bench:state --',
    'Measures the engine of a store. Let nothing else keep the machine busy.',
  )
    .option('--keys <n>', `keys of ${KEY_BYTES} bytes with values of ${VALUE_BYTES}`, whole(1, 100_000_000), 1_000_000)
    .option('--rate <n>', 'writes a second, to keys at random', whole(0, 10_000_000), 100_000)
    .option('--seconds <n>', 'how long', whole(1, 3_600), 10)
    .option('--directory <path>', 'where checkpoints are written', '.')
    .option('--json', 'one JSON object', false)
    .parse(words, { from: 'user' })
    .opts<Options>();
}

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const name = path.join(options.directory, `bench-state-${process.pid}`);
  const file = await open(name, 'wx');
  try {
    const measured = await new Run(options).measure(file, signal);
    const show = (_: string, value: unknown): unknown => (typeof value === 'number' ? Number(value.toFixed(3)) : value);
    process.stdout.write(`${JSON.stringify(measured, show, options.json ? undefined : 2)}\n`);
  } finally {
    await file.close();
    await rm(name);
  }
}

const options = parse(process.argv.slice(2));
process.exit(await interruptible((signal) => bench(options, signal)));
