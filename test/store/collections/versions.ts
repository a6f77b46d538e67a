/** An engine beside a model, whose versions are sealed, gone back to, and loaded from what was written. */
import { createEngine, type Engine, type Keyspace, type KeyspaceOptions } from '@dpr/store/engine';
import { decodeResults, type Results } from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { MIN_NODE_BYTES } from '../../../services/store/collections/tree.ts';
import { Executor } from '../../../services/store/executor.ts';
import type { Random } from '../../simulation/random.ts';
import { driver, OPTIONS } from '../engine/driver.ts';
import { audit } from './audit.ts';

/** As small as they may be, so that trees are deep. */
export const NODE_BYTES = MIN_NODE_BYTES;
const NOW = 1_000;
/** What chance a step has to end a version, to go back, and to load; else it is an operation. */
const SEALS = 0.05;
const ROLLBACKS = 0.02;
const RESTARTS = 0.01;

/** What runs came to. */
export interface Reached {
  height: number;
  doomed: number;
  rollbacks: number;
  restarts: number;
}

export interface Model<Contents> {
  /** A copy, which does not change. */
  contents(): Contents;
  /** Have what this copy has. */
  become(contents: Contents): void;
  /** Look whether the engine has the same. */
  check(): void;
}

type Sealed<Contents> = {
  readonly contents: Contents;
  readonly chunks: readonly Uint8Array[];
  readonly dump: Buffer;
};

export class Versions<Contents> {
  readonly reached: Reached = { height: 0, doomed: 0, rollbacks: 0, restarts: 0 };
  readonly #random: Random;
  readonly #model: Model<Contents>;
  readonly #options: KeyspaceOptions;
  #engine: Engine;
  readonly #executor = new Executor(() => this.#engine.keyspace, NODE_BYTES);
  #version = 0;
  /** What each version that may be gone back to is, by its number: all before it is in its chunks too. */
  readonly #sealed = new Map<number, Sealed<Contents>>();
  #chunks: readonly Uint8Array[] = [];

  constructor(random: Random, model: Model<Contents>, options: KeyspaceOptions = OPTIONS) {
    this.#random = random;
    this.#model = model;
    this.#options = options;
    this.#engine = createEngine(options);
    this.#engine.load().end(0);
    this.#remember();
  }

  apply(operation: Buffer): Results {
    return decodeResults(this.#executor.apply(operation, 1, NOW), 1);
  }

  get keyspace(): Keyspace {
    return this.#engine.keyspace;
  }

  get evictedKeys(): number {
    return this.#executor.evictedKeys;
  }

  /** @param operate what a step is mostly */
  step(operate: () => void): void {
    const chance = this.#random.next();
    if (chance < SEALS) this.#seal();
    else if (chance < SEALS + ROLLBACKS) this.#rollback();
    else if (chance < SEALS + ROLLBACKS + RESTARTS) this.#restart();
    else operate();
  }

  /** Look at all pages. */
  audit(): void {
    const { height, doomed } = audit(this.#engine.keyspace, NODE_BYTES);
    this.reached.height = Math.max(this.reached.height, height);
    this.reached.doomed += doomed;
  }

  /** No key is there any more: nothing stays behind. @param operation one that changes nothing */
  finish(operation: Buffer): void {
    for (let round = 0; this.#engine.keyspace.progress.doomed > 0; round++) {
      assert.ok(round < 1_000, 'pages that were given up come to an end');
      this.apply(operation);
      this.#engine.seal(++this.#version);
      this.#commit();
    }
    assert.equal(audit(this.#engine.keyspace, NODE_BYTES).pages, 0);
    assert.equal(this.#engine.keyspace.keys, 0);
  }

  #commit(): void {
    this.#engine.committed(this.#version);
    while (this.#engine.release(1_000));
  }

  #seal(): void {
    const changes = this.#engine.seal(++this.#version);
    const chunks: Uint8Array[] = [];
    for (let chunk = changes.next(5_000); chunk !== undefined; chunk = changes.next(5_000)) chunks.push(chunk);
    this.#chunks = [...this.#chunks, ...chunks];
    this.#remember();
    if (!this.#random.chance(0.2)) return;
    this.#commit();
    for (const version of this.#sealed.keys()) if (version < this.#version) this.#sealed.delete(version);
  }

  #remember(): void {
    const contents = this.#model.contents();
    this.#sealed.set(this.#version, { contents, chunks: this.#chunks, dump: driver(this.#engine).dump() });
  }

  #rollback(): void {
    const version = this.#random.pick([...this.#sealed.keys()]);
    this.#engine.rollback(version);
    this.#goTo(version);
    this.reached.rollbacks++;
  }

  #restart(): void {
    const version = this.#random.pick([...this.#sealed.keys()]);
    const engine = createEngine(this.#options);
    const loader = engine.load();
    for (const chunk of this.#sealed.get(version)?.chunks ?? []) loader.take(chunk);
    loader.end(version);
    this.#engine = engine;
    for (const earlier of this.#sealed.keys()) if (earlier < version) this.#sealed.delete(earlier);
    this.#goTo(version);
    this.reached.restarts++;
  }

  #goTo(version: number): void {
    const sealed = this.#sealed.get(version);
    assert.ok(sealed !== undefined);
    assert.deepEqual(driver(this.#engine).dump(), sealed.dump, 'what there was comes back byte for byte');
    this.#version = version;
    this.#chunks = sealed.chunks;
    for (const later of this.#sealed.keys()) if (later > version) this.#sealed.delete(later);
    this.#model.become(sealed.contents);
    this.#model.check();
  }
}

/** A run of random steps, with a seed. */
export interface Run {
  readonly reached: Reached;
  step(): void;
  /** Take everything out. */
  finish(): void;
}

/** So many runs, each of so many steps. @returns what they came to together */
export function runSeeds(seeds: number, steps: number, create: (seed: number) => Run): Reached {
  const all: Reached = { height: 0, doomed: 0, rollbacks: 0, restarts: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const run = create(seed);
    for (let step = 0; step < steps; step++) run.step();
    run.finish();
    const { height, doomed, rollbacks, restarts } = run.reached;
    all.height = Math.max(all.height, height);
    all.doomed += doomed;
    all.rollbacks += rollbacks;
    all.restarts += restarts;
  }
  return all;
}
