/** Kills of the processes of a cluster at random, several a second, and processes that stand still. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import { type Place, until } from '../harness.ts';
import type { Writer } from './writer.ts';

/** From when a strike may come until it does, ms. */
const MOST_DELAY_MS = 400;
/** Of strikes: they do not wait until what was struck before serves again. */
const EARLY_CHANCE = 0.25;
const STILL_MS = { least: 2_000, most: 3_000 };

export interface StrikeOptions {
  readonly place: Place;
  readonly random: Random;
  /** The names of all processes. */
  readonly stores: readonly string[];
  readonly finder: string;
  /** Of strikes: a store is stopped, and goes on 2 to 3 s later. */
  readonly stillChance: number;
}

export class Strikes {
  readonly #options: StrikeOptions;
  /** Strikes that wait for the next answered commit. */
  #waiting: (() => void) | undefined;
  readonly #still = new Set<Promise<void>>();
  readonly counts = { kills: 0, stills: 0, atCommits: 0 };

  constructor(options: StrikeOptions) {
    this.#options = options;
  }

  /** A commit was answered, and nothing was sent since: at times all is killed at just this moment. */
  committed(): void {
    const strike = this.#waiting;
    this.#waiting = undefined;
    strike?.();
  }

  /** @param writers mostly, each of them does something between two strikes */
  async run(writers: readonly Writer[], isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      if (!this.#options.random.chance(EARLY_CHANCE)) {
        await until('all to serve, or the end', () => this.#allServe || isOver());
        const before = writers.map(workOf);
        await until('all to write', () => isOver() || writers.every((one, index) => workOf(one) !== before[index]));
      }
      await pause(this.#options.random.int(0, MOST_DELAY_MS));
      this.#strike();
    }
    await Promise.all(this.#still);
  }

  get #allServe(): boolean {
    const { place, stores, finder } = this.#options;
    return [...stores, finder].every((name) => place.process(name)?.phase === 'serving');
  }

  killAll(): void {
    for (const name of [...this.#options.stores, this.#options.finder]) this.#kill(name);
  }

  #strike(): void {
    const { random, stores, finder, stillChance } = this.#options;
    const store = random.pick(stores);
    if (random.chance(stillChance)) return this.#stop(store);
    const kind = random.next();
    if (kind < 0.6) this.#kill(store);
    else if (kind < 0.7) this.#kill(finder);
    else if (kind < 0.8) for (const name of stores) this.#kill(name);
    else if (kind < 0.9) this.killAll();
    else this.#waiting = () => this.#atCommit(store);
  }

  #atCommit(store: string): void {
    this.counts.atCommits++;
    if (this.#options.random.chance(0.5)) this.killAll();
    else this.#kill(store);
  }

  #kill(name: string): void {
    if (this.#signal(name, 'SIGKILL') !== undefined) this.counts.kills++;
  }

  #stop(name: string): void {
    const pid = this.#signal(name, 'SIGSTOP');
    if (pid === undefined) return;
    this.counts.stills++;
    const goesOn = pause(this.#options.random.int(STILL_MS.least, STILL_MS.most)).then(() => {
      this.#still.delete(goesOn);
      send(pid, 'SIGCONT');
    });
    this.#still.add(goesOn);
  }

  /** @returns its pid; undefined: there is no process now */
  #signal(name: string, signal: NodeJS.Signals): number | undefined {
    const pid = this.#options.place.process(name)?.pid ?? undefined;
    return pid !== undefined && send(pid, signal) ? pid : undefined;
  }
}

function workOf({ counts }: Writer): number {
  return counts.steps + counts.looks;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // it has ended meanwhile
  }
}
