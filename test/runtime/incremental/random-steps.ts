/**
 * Random steps on an incremental state, beside a plain map and a volume of sections: operations, seals, commits, rollbacks to anything that is not
 * committed, base slices at any moment, restarts from what the volume holds.
 */
import assert from 'node:assert/strict';
import {
  SECTION_LIMITS,
  stateSections,
  type SealedSection,
  type SectionLimits,
  type StateSections,
} from '../../../services/runtime/worker/incremental/index.ts';
import type { IncrementalState } from '../../../services/runtime/worker/incremental-state.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { manualHost, settled, type ManualHost } from './manual-host.ts';

/** A type of states to be tried, that maps texts to texts. */
export interface Subject {
  create(): IncrementalState;
  /** Bytes of one operation. */
  set(key: string, value: string): Uint8Array;
  delete(key: string): Uint8Array;
  get(key: string): Uint8Array;
  /** What the result of a `get` says. */
  value(results: Uint8Array): string | undefined;
  /** The records of a base slice. */
  records(chunk: Uint8Array): Iterable<readonly [key: string, value: string]>;
  /** Sizes of values that are worth a try. */
  readonly valueBytes: readonly number[];
  /** Most bytes of the base in one section: twice what the changes of a version come to, or a sweep lags behind them. */
  readonly sectionBaseBytes?: number;
}

/** Everything is small, so that much of it happens. */
export const SMALL_LIMITS: SectionLimits = {
  ...SECTION_LIMITS,
  chunkBytes: 200,
  turnBytes: 800,
  releaseRecords: 2,
  turnRecords: 6,
  bytesPerSecond: 40_000,
  smallBaseBytes: 500,
  sectionBaseBytes: 3_000,
  deltas: 60,
  sweepSections: 40,
  hurrySections: 20,
  maxSections: 200,
};

function limitsFor({ sectionBaseBytes = SMALL_LIMITS.sectionBaseBytes }: Subject): SectionLimits {
  return { ...SMALL_LIMITS, sectionBaseBytes };
}

const KEYS = 120;
/** Versions that wait to be written, at most; as the core does, it goes on only then. */
const MAX_UNWRITTEN = 4;
/** What the sweeper does not know yet of a chain: sections that are not encoded, and the open one. */
const UNKNOWN_SECTIONS = MAX_UNWRITTEN + 1;

interface Section {
  readonly version: number;
  readonly since: number;
  readonly bytes: Buffer;
}

/** What the run came to. */
export interface Tally {
  seals: number;
  commits: number;
  rollbacks: number;
  restarts: number;
  /** Sections that began a chain anew. */
  sweeps: number;
  mostSections: number;
  /** Bytes of a chain, per byte of the largest base that it had. */
  mostChain: number;
}

export interface Run {
  readonly seed: number;
  readonly steps: number;
  readonly limits?: SectionLimits;
  /** Restarts make chains longer than their bound. */
  readonly restarts?: boolean;
}

type Contents = ReadonlyMap<string, string>;

class Trial {
  readonly random: Random;
  readonly host: ManualHost;
  readonly subject: Subject;
  readonly limits: SectionLimits;
  readonly tally: Tally = { seals: 0, commits: 0, rollbacks: 0, restarts: 0, sweeps: 0, mostSections: 0, mostChain: 0 };
  object: IncrementalState;
  sections: StateSections;
  contents = new Map<string, string>();
  /** What was sealed, and not committed before, by version; the largest base of the chain at that time. */
  sealed = new Map<number, Contents>([[0, new Map()]]);
  unwritten: { readonly version: number; readonly section: SealedSection }[] = [];
  volume: Section[] = [];
  version = 0;
  committed = 0;
  /** The largest base since the oldest section of the volume. */
  bases: { readonly version: number; readonly bytes: number }[] = [];
  hasRestarted = false;

  constructor(subject: Subject, { seed, limits = limitsFor(subject) }: Run) {
    this.random = createRandom(seed);
    this.host = manualHost(this.random.pick([0, 0.05, 0.4]));
    this.subject = subject;
    this.limits = limits;
    this.object = subject.create();
    this.sections = stateSections(this.host, this.object, limits);
    this.sections.load().end(0, undefined);
  }

  operate(): void {
    const { random, subject, contents } = this;
    const key = `key ${Math.floor(random.next() ** 2 * KEYS)}`;
    if (random.chance(0.25)) {
      assert.equal(subject.value(this.object.apply(subject.get(key), 1, 0)), contents.get(key));
    } else if (random.chance(0.3)) {
      this.object.apply(subject.delete(key), 1, 0);
      contents.delete(key);
    } else {
      const value = String.fromCharCode(random.int(97, 122)).repeat(random.pick(subject.valueBytes));
      this.object.apply(subject.set(key, value), 1, 0);
      contents.set(key, value);
    }
  }

  async seal(): Promise<void> {
    if (this.unwritten.length === MAX_UNWRITTEN) await this.write();
    this.version += this.random.int(1, 3);
    const section = this.sections.seal(this.version);
    this.unwritten.push({ version: this.version, section });
    this.sealed.set(this.version, new Map(this.contents));
    this.bases.push({ version: this.version, bytes: this.object.baseBytes() });
    this.sections.behind(this.unwritten.length);
    this.tally.seals++;
  }

  async write(): Promise<void> {
    const next = this.unwritten[0];
    if (next === undefined) return;
    const { version, section } = next;
    const pieces = await settled(this.host, section.encode());
    assert.ok(pieces !== undefined, `version ${version} was not rolled back`);
    if (section.since > (this.volume.at(-1)?.since ?? section.since)) this.tally.sweeps++;
    this.volume.push({ version, since: section.since, bytes: Buffer.concat(pieces) });
    this.unwritten.shift();
    this.sections.behind(this.unwritten.length);
    this.checkChain();
  }

  /** As a volume does: everything that the newest version that is committed needs stays. */
  commit(): void {
    const written = this.volume.filter(({ version }) => version > this.committed);
    if (written.length === 0) return;
    const { version, since } = this.random.pick(written);
    this.committed = version;
    this.sections.committed(version);
    this.volume = this.volume.filter((one) => one.version >= since);
    for (const sealed of [...this.sealed.keys()]) if (sealed < version) this.sealed.delete(sealed);
    this.tally.commits++;
  }

  /** To a version that was sealed, or one between two of them. */
  async rollback(): Promise<void> {
    const target = this.random.pick([...this.sealed.keys()]);
    const next = [...this.sealed.keys()].find((version) => version > target) ?? this.version + 1;
    if (this.random.chance(0.3)) while (this.unwritten[0] !== undefined) await this.write();
    this.sections.rollback(this.random.int(target, next - 1));
    const isWritten = !this.unwritten.some(({ version }) => version <= target);
    const undone = this.unwritten.filter(({ version }) => version > target);
    this.drop(target);
    for (const { section } of undone) assert.equal(await settled(this.host, section.encode()), undefined);
    const dump = this.dump(this.object);
    assert.equal(dump, canonical(this.contents), 'an undo gives what was sealed');
    if (isWritten) {
      assert.equal(dump, this.dump(this.loaded(target)), 'and what the volume restores');
    }
    this.tally.rollbacks++;
  }

  /** The process ends, and another one begins with a version that the volume has. */
  restart(): void {
    const target = this.random.pick([this.committed, ...this.volume.map(({ version }) => version)]);
    if (target < this.committed) return;
    this.sections.stop();
    this.object = this.subject.create();
    this.sections = stateSections(this.host, this.object, this.limits);
    this.drop(target);
    this.committed = target;
    for (const sealed of [...this.sealed.keys()]) if (sealed < target) this.sealed.delete(sealed);
    this.load(this.sections, target);
    assert.equal(this.dump(this.object), canonical(this.contents), 'a restart gives what was sealed');
    this.hasRestarted = true;
    this.tally.restarts++;
  }

  /** What is above is gone. */
  drop(target: number): void {
    this.unwritten = this.unwritten.filter(({ version }) => version <= target);
    this.volume = this.volume.filter(({ version }) => version <= target);
    for (const sealed of [...this.sealed.keys()]) if (sealed > target) this.sealed.delete(sealed);
    const contents = this.sealed.get(target);
    assert.ok(contents !== undefined);
    this.contents = new Map(contents);
  }

  /** Another object with what the volume has of a version. */
  loaded(version: number): IncrementalState {
    const object = this.subject.create();
    const sections = stateSections(this.host, object, this.limits);
    this.load(sections, version);
    sections.stop();
    assert.equal(object.undoBytes(), 0);
    return object;
  }

  load(sections: StateSections, version: number): void {
    const loader = sections.load();
    const since = this.volume.findLast((one) => one.version <= version)?.since;
    for (const one of this.volume) {
      if (since === undefined || one.version < since || one.version > version) continue;
      for (let at = 0; at < one.bytes.length;) {
        const piece = Buffer.from(one.bytes.subarray(at, (at += this.random.int(1, 300))));
        loader.take(piece);
        piece.fill(0xee); // a volume may read the next one into the same memory
      }
      loader.endSection();
    }
    loader.end(version, since);
  }

  /** All records, from slices of any size, as one text. */
  dump(object: IncrementalState): string {
    const found = new Map<string, string>();
    for (let at: number | undefined = 0; at !== undefined;) {
      const { bytes, next } = object.base(at, this.random.pick([1, 100, 10_000]));
      for (const [key, value] of this.subject.records(bytes)) {
        assert.ok(!found.has(key), `${key} is in two slices`);
        found.set(key, value);
      }
      at = next;
    }
    return canonical(found);
  }

  checkChain(): void {
    const since = this.volume.at(-1)?.since ?? 0;
    const chain = this.volume.filter(({ version }) => version >= since);
    const bytes = chain.reduce((sum, one) => sum + one.bytes.length, 0);
    const base = this.bases.reduce((most, one) => (one.version >= since ? Math.max(most, one.bytes) : most), 0);
    this.bases = this.bases.filter(({ version }) => version >= Math.min(since, this.committed));
    const { tally, limits } = this;
    tally.mostSections = Math.max(tally.mostSections, chain.length);
    assert.ok(chain.length <= limits.maxSections);
    if (this.hasRestarted) return;
    const unknown = UNKNOWN_SECTIONS * chain.reduce((most, one) => Math.max(most, one.bytes.length), 0);
    const most = 3 * Math.max(base, limits.smallBaseBytes) + unknown;
    tally.mostChain = Math.max(tally.mostChain, base > 0 ? bytes / base : 0);
    assert.ok(bytes <= most, `${bytes} bytes in a chain for a base of ${base}`);
  }

  /** Everything is written, committed and released: nothing is kept for a rollback. */
  async finish(): Promise<void> {
    await this.seal();
    while (this.unwritten[0] !== undefined) await this.write();
    this.sections.committed(this.version);
    this.committed = this.version;
    while (this.host.runImmediates());
    assert.equal(this.object.undoBytes(), 0);
    assert.equal(this.dump(this.object), canonical(this.contents));
    assert.equal(this.dump(this.loaded(this.version)), canonical(this.contents));
    this.sections.stop();
    assert.equal(this.host.waiting(), 0);
  }
}

/** @throws AssertionError at the first difference */
export async function randomSteps(subject: Subject, run: Run): Promise<Tally> {
  const trial = new Trial(subject, run);
  const { random } = trial;
  for (let step = 0; step < run.steps; step++) {
    const chance = random.next();
    if (chance < 0.8) trial.operate();
    else if (chance < 0.86) await trial.seal();
    else if (chance < 0.92) await trial.write();
    else if (chance < 0.93) trial.commit();
    else if (chance < 0.99) trial.host.pass(random.exponential(10));
    else if (chance < 0.998) await trial.rollback();
    else if (run.restarts !== false) trial.restart();
    if (random.chance(0.02)) trial.host.runImmediates();
  }
  await trial.finish();
  return trial.tally;
}

function canonical(contents: Contents): string {
  const sorted = [...contents].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, value]) => `${key}=${value}`).join('\n');
}

/** Runs of the seeds from 1 on, every other one with restarts. */
export async function randomStepsOfSeeds(subject: Subject, seeds: number, steps: number): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    tallies.push(await randomSteps(subject, { seed, steps, restarts: seed % 2 === 0 }));
  }
  return tallies;
}
