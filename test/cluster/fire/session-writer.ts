/** A session that writes keys of its own in several stores, and knows by its reports of rollbacks what must be there. */
import assert from 'node:assert/strict';
import { RollbackError, type Cluster, type Outcome, type Session, type Store } from '@dpr/client';
import type { Random } from '../../simulation/random.ts';
import type { Writer, WriterCounts } from './writer.ts';

const MOST_CALLS = 20;
const AWAIT_CHANCE = 0.5;
const COMMIT_CHANCE = 0.05;
const LOOK_CHANCE = 0.02;
const KEYS_OF_TYPE = 4;
const FIELDS = 30;
const MOST_AT_ONCE = 6;
const MOST_LETTERS = 300;

/** A value, or a hash, by key. */
type Held = string | ReadonlyMap<string, string>;
/** By store. */
type Contents = readonly Map<string, Held>[];

/** One operation of the session. */
interface Done {
  readonly operation: number;
  readonly apply: (contents: Contents) => void;
}

export interface SessionWriterOptions {
  readonly name: string;
  readonly client: Cluster;
  /** The ids of stores. */
  readonly stores: readonly number[];
  readonly mode: 'strict' | 'relaxed';
  /** What a failure takes is issued again: nothing is ever lost, and nothing is there twice. */
  readonly replay: boolean;
  readonly random: Random;
}

export class SessionWriter implements Writer {
  readonly #options: SessionWriterOptions;
  readonly #session: Session;
  readonly #stores: readonly Store[];
  readonly #keys: readonly string[];
  readonly #hashes: readonly string[];
  /** What is there for good, and what was done since. */
  readonly #base: Contents;
  #done: Done[] = [];
  #issued: Outcome<unknown>[] = [];
  /** So many rollbacks were told before all was read last. */
  #lookedAfter = 0;
  readonly counts: WriterCounts = { steps: 0, looks: 0, rollbacks: 0, breaks: 0, lost: 0 };

  constructor(options: SessionWriterOptions) {
    const { name, client, mode, replay, stores } = options;
    this.#options = options;
    this.#session = client.session({ mode, replay, onRollback: () => this.counts.rollbacks++ });
    this.#stores = stores.map((id) => this.#session.store(id));
    this.#base = stores.map(() => new Map());
    const named = (type: string): string[] =>
      Array.from({ length: KEYS_OF_TYPE }, (_, index) => `${name}:${type}${index}`);
    this.#keys = [...named('text'), ...named('number')];
    this.#hashes = named('hash');
  }

  async run(isOver: () => boolean): Promise<void> {
    const { random } = this.#options;
    while (!isOver()) {
      for (let left = random.int(1, MOST_CALLS); left > 0; left--) this.#call(random.int(0, this.#stores.length - 1));
      if (random.chance(AWAIT_CHANCE)) await this.#answered();
      if (random.chance(COMMIT_CHANCE)) await this.#commit();
      if (this.counts.rollbacks > this.#lookedAfter || random.chance(LOOK_CHANCE)) await this.look();
      await this.#session.ready().catch(() => undefined);
    }
    await this.look();
  }

  async look(): Promise<void> {
    for (;;) {
      this.#lookedAfter = this.counts.rollbacks;
      await this.#answered();
      const found = await this.#survives(() => this.#read());
      if (found === undefined) continue;
      this.#isExact(found);
      if (!(await this.#commit())) continue;
      this.counts.looks++;
      return;
    }
  }

  close(): void {
    this.#session.close();
  }

  /** Wait for the answers of all that was called. */
  async #answered(): Promise<void> {
    for (const outcome of this.#issued.splice(0)) await this.#survives(() => outcome);
  }

  /** @returns whether all before is there for good */
  async #commit(): Promise<boolean> {
    const done = await this.#survives(async () => {
      const before = this.#done;
      await this.#session.commit();
      return before;
    });
    if (done === undefined) return false;
    for (const { apply } of done) apply(this.#base);
    this.#done = this.#done.slice(done.length);
    return true;
  }

  /** @returns undefined: a rollback took something of the session; what it left is known, and the session goes on */
  async #survives<T>(work: () => PromiseLike<T>): Promise<T | undefined> {
    try {
      const result = await work();
      if (this.#session.broken === undefined) return result;
    } catch (error) {
      if (!(error instanceof RollbackError)) throw error;
    }
    this.#goOn();
    return undefined;
  }

  #goOn(): void {
    const error = this.#session.broken;
    if (error === undefined) return; // it was told by another call
    const { lastSurvivor, exceptions } = error;
    const isException = (operation: number): boolean =>
      exceptions.some(({ first, count }) => operation >= first && operation < first + count);
    assert.ok(this.#options.mode === 'relaxed' || exceptions.length === 0, 'a strict session has no exceptions');
    assert.ok(!this.#options.replay, 'a session that replays never breaks');
    for (const { operation } of this.#done) {
      const isLost = operation > lastSurvivor || isException(operation);
      assert.equal(error.isLost(operation), isLost, `operation ${operation}: ${error.message}`);
      if (isLost) this.counts.lost++;
    }
    this.#done = this.#done.filter(({ operation }) => !error.isLost(operation));
    this.#issued = [];
    this.#session.resume();
  }

  #isExact(found: Contents): void {
    const expected = this.#base.map((contents) => new Map(contents));
    for (const { apply } of this.#done) apply(expected);
    for (const [index, contents] of expected.entries()) {
      for (const key of [...this.#keys, ...this.#hashes]) {
        const [due, is] = [shown(contents.get(key)), shown(found[index]?.get(key))];
        const since = this.#done.map(({ operation }) => operation).join();
        if (due === is) continue;
        const { name, mode, replay } = this.#options;
        const what = `${name}, ${mode}, ${replay ? 'replaying' : 'not replaying'}, key ${key} of store ${index}`;
        throw new Error(`${what} is to be ${due}, and is ${is}; not known to be committed: operations ${since}`);
      }
    }
  }

  async #read(): Promise<Contents> {
    const read = async (store: Store): Promise<Map<string, Held>> => {
      const contents = new Map<string, Held>();
      const values = store.getAll(this.#keys);
      const hashes = this.#hashes.map((key) => store.hash(key).entries());
      for (const [index, found] of (await values).entries()) {
        if (found !== undefined) contents.set(this.#keys[index] ?? '', textOf(found.value));
      }
      for (const [index, entries] of (await Promise.all(hashes)).entries()) {
        const hash = new Map(entries.map(([field, value]) => [textOf(field), textOf(value)]));
        if (hash.size > 0) contents.set(this.#hashes[index] ?? '', hash);
      }
      return contents;
    };
    return Promise.all(this.#stores.map(read));
  }

  /** Make a call at random. */
  #call(index: number): void {
    const { random } = this.#options;
    const store = this.#stores[index];
    if (store === undefined || this.#session.broken !== undefined) return;
    const [key, number] = [random.pick(this.#keys.slice(0, KEYS_OF_TYPE)), random.pick(this.#keys.slice(KEYS_OF_TYPE))];
    switch (random.int(0, 7)) {
      case 0: {
        const value = this.#value();
        return this.#did(store.set(key, value), [(contents) => contents[index]?.set(key, value)]);
      }
      case 1: {
        const list = this.#some(() => ({ key: random.pick(this.#keys.slice(0, KEYS_OF_TYPE)), value: this.#value() }));
        return this.#did(
          store.setAll(list),
          list.map((one) => (contents) => contents[index]?.set(one.key, one.value)),
        );
      }
      case 2: {
        const keys = this.#some(() => random.pick([...this.#keys, ...this.#hashes]));
        return this.#did(
          store.deleteAll(keys),
          keys.map((one) => (contents) => contents[index]?.delete(one)),
        );
      }
      case 3:
      case 4: {
        const amount = random.int(-1_000, 1_000);
        return this.#did(store.increment(number, amount), [
          (contents) => {
            const before = contents[index]?.get(number);
            contents[index]?.set(number, String(Number(before ?? 0) + amount));
          },
        ]);
      }
      default:
        return this.#callHash(index, store);
    }
  }

  #callHash(index: number, store: Store): void {
    const { random } = this.#options;
    const key = random.pick(this.#hashes);
    const hash = store.hash(key);
    /** The hash becomes what is left of it; one without fields is not there. */
    const changes = (change: (fields: Map<string, string>) => void) => (contents: Contents) => {
      const before = contents[index]?.get(key);
      const fields = new Map(typeof before === 'object' ? before : []);
      change(fields);
      if (fields.size === 0) contents[index]?.delete(key);
      else contents[index]?.set(key, fields);
    };
    switch (random.int(0, 2)) {
      case 0: {
        const entries = this.#some((): [string, string] => [this.#field('text'), this.#value()]);
        return this.#did(hash.setAll(entries), [
          changes((fields) => {
            for (const [field, value] of entries) fields.set(field, value);
          }),
        ]);
      }
      case 1: {
        const gone = this.#some(() => this.#field(random.pick(['text', 'number'])));
        return this.#did(hash.deleteAll(gone), [
          changes((fields) => {
            for (const field of gone) fields.delete(field);
          }),
        ]);
      }
      default: {
        const [field, amount] = [this.#field('number'), random.int(-1_000, 1_000)];
        return this.#did(hash.increment(field, amount), [
          changes((fields) => void fields.set(field, String(Number(fields.get(field) ?? 0) + amount))),
        ]);
      }
    }
  }

  #did(outcome: Outcome<unknown>, applies: readonly ((contents: Contents) => unknown)[]): void {
    outcome.catch(() => undefined); // it is waited for later, or the session tells of it
    this.#issued.push(outcome);
    this.counts.steps++;
    if (outcome.operation === 0) return;
    for (const [index, apply] of applies.entries()) this.#done.push({ operation: outcome.operation + index, apply });
  }

  #some<T>(draw: () => T): T[] {
    return Array.from({ length: this.#options.random.int(1, MOST_AT_ONCE) }, draw);
  }

  #value(): string {
    const { random } = this.#options;
    return random.hex(random.int(0, MOST_LETTERS / 2));
  }

  #field(type: string): string {
    return `${type}${this.#options.random.int(0, FIELDS)}`;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function shown(held: Held | undefined): string {
  if (held === undefined) return 'nothing';
  return JSON.stringify(typeof held === 'string' ? held : [...held].sort());
}
