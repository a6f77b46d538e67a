import assert from 'node:assert/strict';
import { TURN_MS } from '../../../services/runtime/worker/incremental/limits.ts';
import {
  SECTION_LIMITS,
  stateSections,
  type SectionLimits,
} from '../../../services/runtime/worker/incremental/index.ts';
import { manualHost, settled } from './manual-host.ts';
import { plainState } from './plain-state.ts';

const MIB = 1024 * 1024;

/** Sections of a state whose base is that large, from a volume that has as much, and so much more, in one section. */
function start({
  base = 0,
  more = 0,
  lookMs = 0,
  limits = SECTION_LIMITS,
}: Partial<{
  base: number;
  more: number;
  lookMs: number;
  limits: SectionLimits;
}> = {}) {
  const host = manualHost(lookMs);
  const state = plainState(base);
  const sections = stateSections(host, state, limits);
  let version = 1;

  function load(sectionCount = 1): void {
    const loader = sections.load();
    const bytes = Math.floor((base + more) / sectionCount);
    for (let section = 0; section < sectionCount; section++) {
      for (let left = bytes; left > 0; left -= MIB) loader.take(framed(Math.min(left, MIB)));
      loader.endSection();
    }
    loader.end(1, 1);
  }

  /** Seal a version with so many bytes of changes, and encode it. */
  async function seal(changes = 1) {
    state.changeSize = changes;
    const section = sections.seal(++version);
    const pieces = await settled(host, section.encode());
    const bytes = pieces?.reduce((sum, piece) => sum + piece.length, 0) ?? 0;
    return { version, since: section.since, bytes };
  }
  if (base > 0) load();
  return { host, state, sections, seal, load };
}

/** One chunk that takes so many bytes with its head. */
function framed(bytes: number): Buffer {
  const chunk = Buffer.alloc(bytes);
  chunk.writeUInt32LE(bytes - 4);
  return chunk;
}

describe('sections of an incremental state', () => {
  it('begin with the first version, and sweep nothing while the chain is short', async () => {
    const { host, state, seal } = start();
    assert.equal((await seal(10)).since, 2);
    assert.equal((await seal(10)).since, 2);
    assert.deepEqual(state.calls, ['next 2', 'next 3']);
    assert.equal(host.waiting(), 0);
  });

  it('may be empty', async () => {
    const { seal } = start();
    assert.deepEqual(await seal(0), { version: 2, since: 2, bytes: 0 });
  });

  it('are encoded in turns of TURN_MS, and no turn has more than its bytes', async () => {
    const { host, state, sections } = start({ lookMs: TURN_MS / 4 });
    state.changeSize = 10 * SECTION_LIMITS.chunkBytes;
    const encoded = sections.seal(2).encode();
    assert.equal(state.calls.length, 4);
    assert.ok(host.runImmediates() || state.calls.length === 4);
    assert.ok((await settled(host, encoded)) !== undefined);
    assert.equal(state.calls.length, 10);

    const quick = start();
    quick.state.changeSize = 3 * SECTION_LIMITS.turnBytes;
    const slow = quick.sections.seal(2).encode();
    assert.equal(quick.state.calls.length, SECTION_LIMITS.turnBytes / SECTION_LIMITS.chunkBytes);
    await settled(quick.host, slow);
  });

  it('are encoded once', async () => {
    const { host, state, sections } = start();
    state.changeSize = 10;
    const section = sections.seal(2);
    assert.equal(await settled(host, section.encode()), await settled(host, section.encode()));
    assert.deepEqual(state.calls, ['next 2']);
  });

  for (const how of ['a rollback', 'a load', 'the end'] as const) {
    it(`are not encoded any more after ${how}`, async () => {
      const { host, state, sections, load } = start();
      state.changeSize = 3 * SECTION_LIMITS.turnBytes;
      const [kept, begun, waiting] = [sections.seal(2), sections.seal(3), sections.seal(4)];
      const under = begun.encode();
      if (how === 'a rollback') sections.rollback(2);
      if (how === 'a load') load();
      if (how === 'the end') sections.stop();
      const asked = state.calls.length;
      assert.equal(await settled(host, under), undefined);
      assert.equal(await settled(host, waiting.encode()), undefined);
      assert.equal(state.calls.length, asked);
      assert.equal((await settled(host, kept.encode())) !== undefined, how === 'a rollback');
    });
  }

  it('fail with what the state throws', async () => {
    const { host, state, sections } = start();
    const section = sections.seal(2);
    state.seal(3);
    state.seal = () => ({
      next() {
        throw new Error('lost');
      },
    });
    const bad = sections.seal(3);
    await assert.rejects(settled(host, bad.encode()), /lost/);
    assert.deepEqual(await settled(host, section.encode()), []);
  });

  it('are damaged where the state cannot read a chunk', () => {
    const { state, sections } = start();
    const cause = new Error('no such record');
    state.load = () => ({
      take() {
        throw cause;
      },
      end: () => undefined,
    });
    assert.throws(() => sections.load().take(framed(10)), { name: 'StorageDamagedError', cause });
  });

  it('release what is committed in turns, and then nothing waits', () => {
    const { host, state, sections } = start();
    const { releaseRecords, turnRecords } = SECTION_LIMITS;
    state.releasable = 2.5 * turnRecords;
    sections.committed(1);
    sections.committed(1);
    assert.deepEqual(state.calls, []);
    host.runImmediates();
    assert.equal(state.calls.length, turnRecords / releaseRecords);
    assert.equal(state.calls[0], `release ${releaseRecords}`);
    while (host.runImmediates());
    assert.equal(state.releasable, 0);
    assert.equal(host.waiting(), 0);
    const slow = start({ lookMs: TURN_MS / 4 });
    slow.state.releasable = turnRecords;
    slow.sections.committed(1);
    slow.host.runImmediates();
    assert.equal(slow.state.calls.length, 4);
  });
});

describe('a sweep of the base', () => {
  const due = { base: 10 * MIB, more: 5 * MIB };

  it('begins when the chain has outgrown the base, at 1.4 times', () => {
    const base = 10 * MIB;
    const { dueRatio } = SECTION_LIMITS;
    assert.equal(start({ base, more: (dueRatio - 1) * base }).host.waiting(), 0);
    assert.equal(start({ base, more: (dueRatio - 1) * base + 10 }).host.waiting(), 1);
  });

  it('takes the base of a small state as 1 MiB', () => {
    const small = { base: 10_000, more: 1.4 * MIB - 10_000 };
    assert.equal(start(small).host.waiting(), 0);
    assert.equal(start({ ...small, more: small.more + 10 }).host.waiting(), 1);
  });

  it('goes out at 40 MiB a second, in turns of TURN_MS', () => {
    const { host, state } = start({ base: 100 * MIB, more: 50 * MIB });
    host.pass(1_000);
    assert.ok(Math.abs(state.swept - 40 * MIB) < MIB, `${state.swept}`);
    host.pass(1_000);
    assert.equal(state.swept, SECTION_LIMITS.sectionBaseBytes);
    assert.equal(host.waiting(), 0, 'what waits for the seal is bounded');

    const slow = start({ base: 100 * MIB, more: 50 * MIB, lookMs: TURN_MS / 2 });
    slow.host.pass(SECTION_LIMITS.periodMs);
    assert.equal(slow.state.calls.length, 2);
  });

  it('goes on where versions are sealed faster than it has turns', () => {
    const { host, state, sections } = start({ base: 100 * MIB, more: 50 * MIB });
    for (let version = 2; version < 202; version++) {
      host.pass(5);
      sections.seal(version);
    }
    assert.ok(Math.abs(state.swept - 40 * MIB) < MIB, `${state.swept}`);
  });

  it('ends in a section with which the chain begins anew', async () => {
    const { host, state, seal } = start(due);
    host.pass(100);
    const first = await seal();
    assert.deepEqual([first.since, Math.round(first.bytes / MIB)], [1, 4]);
    host.pass(100);
    assert.equal((await seal()).since, 1);
    host.pass(100);
    const last = await seal();
    assert.equal(last.since, first.version);
    assert.equal(state.swept, state.baseSize);
    assert.equal(host.waiting(), 0);
    assert.equal((await seal()).since, first.version);
  });

  it('goes back to where it was when the version was sealed that the state goes back to', async () => {
    const { host, state, sections, seal } = start(due);
    host.pass(100);
    const first = await seal();
    const at = state.calls.length;
    host.pass(20);
    const next = state.calls[at];
    await seal();
    host.pass(200);
    const end = await seal();
    assert.equal(end.since, first.version);
    sections.rollback(first.version);
    const again = state.calls.length;
    host.pass(20);
    assert.equal(state.calls[again], next);
    assert.equal((await seal()).since, 1, 'the sweep is not over');
    sections.rollback(1);
    const anew = state.calls.length;
    host.pass(20);
    assert.equal(state.calls[anew], 'base 0');
  });

  it('rests while more than one version waits for the disk', () => {
    const { host, state, sections } = start(due);
    sections.behind(1);
    host.pass(20);
    assert.ok(state.swept > 0);
    sections.behind(2);
    const before = state.swept;
    host.pass(100);
    assert.equal(state.swept, before);
    assert.equal(host.waiting(), 0);
    sections.behind(1);
    host.pass(20);
    assert.ok(state.swept > before);
  });

  it('goes on beside a disk that is behind once the changes gain on it', async () => {
    const { host, state, sections, seal } = start({ base: 10 * MIB, more: 5 * MIB });
    host.pass(20);
    const swept = state.swept;
    await seal(Math.floor((swept + 10 * MIB * SECTION_LIMITS.lagOfBase) / 2) - 100);
    sections.behind(2);
    host.pass(20);
    await seal(0);
    sections.behind(2);
    host.pass(20);
    assert.equal(state.swept, swept, 'it may lag by an eighth of the base');
    sections.behind(1);
    await seal(1_000);
    sections.behind(2);
    host.runImmediates();
    assert.ok(state.swept > swept);
  });

  it('takes twice the bytes of the changes, however fast they come', async () => {
    const { host, state, seal } = start({ base: 100 * MIB, more: 41 * MIB });
    host.pass(20);
    await seal(5 * MIB);
    while (host.runImmediates());
    assert.ok(state.swept >= 10 * MIB, `${state.swept}`);
  });

  it('has a share of each section where few are left, whatever the clock says', async () => {
    const limits = { ...SECTION_LIMITS, deltas: 4, sweepSections: 5, hurrySections: 3, maxSections: 100 };
    const { state, seal } = start({ base: MIB, limits });
    const chain: number[] = [];
    for (let count = 0; count < 20; count++) {
      const { version, since } = await seal();
      chain.push(version - since + 1);
    }
    assert.ok(state.swept > MIB);
    assert.equal(
      Math.max(...chain),
      1 + 4 + 5 + 3,
      'what was loaded, the sections before a sweep, two sweeps but for their first one',
    );
  });

  it('ends before a chain has SECTION_LIMITS.maxSections', async () => {
    const { maxSections } = SECTION_LIMITS;
    const { host, state, sections, seal, load } = start({ base: MIB });
    load(maxSections - 2);
    sections.behind(2);
    const first = await seal();
    assert.equal(first.since, 1, 'the chain has one section less than it may');
    const last = await seal();
    assert.deepEqual([last.since, last.bytes > 0], [first.version, true], 'this would have been the last one');
    assert.ok(state.swept >= MIB);
    assert.equal(host.waiting(), 0);
  });

  it('comes to an end when the worker does, and rests while a state is loaded', () => {
    const stopped = start(due);
    stopped.sections.stop();
    assert.equal(stopped.host.waiting(), 0);
    const loading = start(due);
    const loader = loading.sections.load();
    loading.sections.behind(0);
    loading.host.pass(100);
    assert.equal(loading.state.swept, 0);
    loader.end(1, undefined);
    assert.equal(loading.host.waiting(), 0, 'the state is empty');
  });

  it('takes no slice that could not be read again', () => {
    const { host, state } = start(due);
    state.base = () => ({ bytes: new Uint8Array(16 * MIB + 1), next: undefined });
    assert.throws(() => host.pass(20), /gave a chunk of 16777217 bytes/);
  });
});
