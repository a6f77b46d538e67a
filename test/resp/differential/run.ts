/**
 * Random sequences of commands, by seed, to a Redis server and to a store, whose replies are compared byte for byte, but for what the
 * rules of `rules.ts` say. At the end, and once more after the store was started again, both hold the same.
 */
import type { CommandSource } from './command-source.ts';
import { TABLES, type TableName } from './commands/index.ts';
import { createDraw } from './draw.ts';
import type { Programs } from './programs.ts';
import { isEmptyReply, isErrorReply, parseReply } from './reply.ts';
import { differenceText } from './report.ts';
import { nearMs } from './rules.ts';
import { type Command, type Mismatch, Servers, type Step } from './servers.ts';
import { begin, shrink } from './shrink.ts';
import { StepDraw } from './steps.ts';

export interface DifferentialOptions {
  readonly seed: number;
  readonly steps: number;
  readonly only: readonly TableName[];
  readonly programs: Pick<Programs, 'ports' | 'restart'>;
}

/** How often a command was answered with what. */
export interface CommandCount {
  total: number;
  errors: number;
  /** Null, nothing, 0, or an empty list. */
  empty: number;
}

/** By the names of commands; those that none of the servers was sent are there with zeros. */
export type CommandCounts = ReadonlyMap<string, CommandCount>;

/** Steps that are drawn at once, by one protocol. */
const ROUND_STEPS = 500;
/** After so many rounds both are emptied. */
const ROUNDS_TOGETHER = 40;

/** How all of a key is read. */
const READ_BY_TYPE: Readonly<Record<string, readonly [table: TableName, words: (key: string) => readonly string[]]>> = {
  string: ['string', (key) => ['GET', key]],
  hash: ['hash', (key) => ['HGETALL', key]],
  list: ['list', (key) => ['LRANGE', key, '0', '-1']],
  set: ['set', (key) => ['SMEMBERS', key]],
  zset: ['zset', (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES']],
};

/** @throws Error that tells the first difference */
export async function runDifferential(options: DifferentialOptions): Promise<CommandCounts> {
  let servers = await Servers.connect(options.programs.ports);
  try {
    const run = new Run(options, await commandsOfBoth(servers));
    await run.steps(servers);
    await run.contents(servers);
    await servers.commit();
    servers.close();
    await options.programs.restart();
    servers = await Servers.connect(options.programs.ports);
    await run.contents(servers);
    return run.counts;
  } finally {
    servers.close();
  }
}

/** @returns the names of commands that a server has, in upper case */
export async function commandNames(servers: Servers, which: 'redis' | 'store'): Promise<ReadonlySet<string>> {
  const { items = [] } = parseReply(await servers.askOne(which, 'COMMAND', 'LIST'));
  return new Set(items.map(({ text = '' }) => text.toUpperCase()));
}

async function commandsOfBoth(servers: Servers): Promise<(name: string) => boolean> {
  const [redis, store] = [await commandNames(servers, 'redis'), await commandNames(servers, 'store')];
  return (name) => redis.has(name) && store.has(name);
}

class Run {
  readonly #options: DifferentialOptions;
  readonly #draw;
  readonly #stepDraw: StepDraw;
  /** Since both were empty. */
  #history: Step[] = [];
  #done = 0;
  #protocol: 2 | 3 = 2;
  readonly counts = new Map<string, CommandCount>();

  constructor(options: DifferentialOptions, has: (name: string) => boolean) {
    this.#options = options;
    this.#draw = createDraw(options.seed, Date.now());
    this.#stepDraw = new StepDraw(this.#draw, options.only, has);
    for (const name of this.#stepDraw.names) this.counts.set(name, { total: 0, errors: 0, empty: 0 });
  }

  async steps(servers: Servers): Promise<void> {
    for (let round = 0; this.#done < this.#options.steps; round++) {
      this.#protocol = this.#draw.chance(0.5) ? 3 : 2;
      if (round % ROUNDS_TOGETHER === 0) {
        await begin(servers, this.#protocol);
        this.#history = [];
      }
      await servers.tell('HELLO', String(this.#protocol));
      const count = Math.min(ROUND_STEPS, this.#options.steps - this.#done);
      const steps = Array.from({ length: count }, () => this.#stepDraw.next()).flat();
      await this.#perform(servers, steps);
      this.#done += count;
    }
  }

  /** All that both hold is the same. */
  async contents(servers: Servers): Promise<void> {
    await servers.tell('HELLO', '2');
    this.#protocol = 2;
    const { items = [] } = parseReply(await servers.askOne('redis', 'KEYS', '*'));
    const steps: Step[] = [stepOf(['KEYS', '*'], TABLES.keys.KEYS)];
    for (const { text: key = '' } of items) {
      const { text: type = '' } = parseReply(await servers.askOne('redis', 'TYPE', key));
      const [table, words] = READ_BY_TYPE[type] ?? ['keys', (any: string) => ['TYPE', any]];
      const [name = '', ...rest] = words(key);
      const sources: Readonly<Record<string, CommandSource>> = TABLES[table];
      steps.push(
        stepOf([name, ...rest], sources[name]),
        stepOf(['PEXPIRETIME', key], { draw: () => [], rule: nearMs }),
      );
    }
    await this.#perform(servers, steps);
  }

  async #perform(servers: Servers, steps: readonly Step[]): Promise<void> {
    const mismatch = await servers.perform(steps, (command, store) => this.#count(command, store));
    if (mismatch === undefined) {
      this.#history.push(...steps);
      return;
    }
    const until = [...this.#history, ...steps.slice(0, steps.indexOf(mismatch.step) + 1)];
    throw new Error(await this.#difference(servers, until, mismatch));
  }

  async #difference(servers: Servers, steps: readonly Step[], mismatch: Mismatch): Promise<string> {
    const place = `after ${steps.length - 1} steps on empty servers, by RESP${this.#protocol}`;
    const head = `seed ${this.#options.seed}: the replies differ, ${place}:`;
    return differenceText(head, steps, mismatch, await shrink(servers, this.#protocol, steps));
  }

  #count({ words }: Command, reply: Buffer): void {
    const count = this.counts.get(String(words[0]).toUpperCase());
    if (count === undefined) return;
    const parsed = parseReply(reply);
    count.total++;
    if (isErrorReply(parsed)) count.errors++;
    else if (isEmptyReply(parsed)) count.empty++;
  }
}

function stepOf(words: readonly string[], source?: CommandSource): Step {
  return { commands: [{ words, source }] };
}
