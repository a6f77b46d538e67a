/** Kills of the processes of a cluster at random, several a second, and processes that stand still. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import { until } from '../harness.ts';
import type { FireTarget } from './target.ts';
import type { Writer } from './writer.ts';

/** From when a strike may come until it does, ms. */
const MOST_DELAY_MS = 400;
/** Of strikes: they do not wait until what was struck before serves again. */
const EARLY_CHANCE = 0.25;
const STILL_MS = { least: 2_000, most: 3_000 };

export interface StrikeOptions {
  readonly target: FireTarget;
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
  /** What is being done to processes. */
  readonly #underway = new Set<Promise<unknown>>();
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
    const { random, target } = this.#options;
    while (!isOver()) {
      if (!random.chance(EARLY_CHANCE)) {
        await until('all to serve, or the end', () => target.allServe() || isOver());
        const before = writers.map(workOf);
        await until('all to write', () => isOver() || writers.every((one, index) => workOf(one) !== before[index]));
      }
      await pause(random.int(0, MOST_DELAY_MS));
      this.#strike();
    }
    await Promise.all(this.#underway);
  }

  /** @returns once there are none of the processes that there were */
  async killAll(): Promise<void> {
    const { stores, finder } = this.#options;
    await Promise.all([...stores, finder].map((name) => this.#kill(name)));
  }

  #strike(): void {
    const { random, stores, finder, stillChance } = this.#options;
    const store = random.pick(stores);
    if (random.chance(stillChance)) return this.#begin(this.#holdStill(store));
    const kind = random.next();
    if (kind < 0.6) this.#begin(this.#kill(store));
    else if (kind < 0.7) this.#begin(this.#kill(finder));
    else if (kind < 0.8) for (const name of stores) this.#begin(this.#kill(name));
    else if (kind < 0.9) this.#begin(this.killAll());
    else this.#waiting = () => this.#atCommit(store);
  }

  #atCommit(store: string): void {
    this.counts.atCommits++;
    this.#begin(this.#options.random.chance(0.5) ? this.killAll() : this.#kill(store));
  }

  #begin(strike: Promise<void>): void {
    const ends = strike.finally(() => this.#underway.delete(ends));
    this.#underway.add(ends);
  }

  async #kill(name: string): Promise<void> {
    if (await this.#options.target.kill(name)) this.counts.kills++;
  }

  async #holdStill(name: string): Promise<void> {
    const { random, target } = this.#options;
    if (await target.holdStill(name, random.int(STILL_MS.least, STILL_MS.most))) this.counts.stills++;
  }
}

function workOf({ counts }: Writer): number {
  return counts.steps + counts.looks;
}
