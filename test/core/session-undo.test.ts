import { sectionReader } from '@dpr/core';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sealSection, type SessionSection } from '../../services/core/worker/session-sections.ts';
import { expire, shedReplies } from '../../services/core/worker/session-shedding.ts';
import {
  acknowledge,
  bytesOf,
  createSessionTable,
  endSession,
  heard,
  keepReply,
  newEntry,
  rollBackSessions,
  touch,
  type SessionEntry,
  type SessionTable,
} from '../../services/core/worker/session-table.ts';
import { commitImages, IMAGE_BYTES } from '../../services/core/worker/session-undo.ts';

const SESSIONS = 9;
const ORIGINS = ['one', 'two'];
const PATIENCE = { sessionExpiryMs: 40, endedExpiryMs: 15, giveWayMs: 30, replyGiveWayMs: 10 };

interface Checkpoint {
  readonly version: number;
  readonly section: SessionSection;
}

/** A table, the sections that the volume has of it, and what each client said that it has. */
function tableOnVolume() {
  const table = createSessionTable();
  let volume: Checkpoint[] = [];
  const acknowledged = new Map<string, number>();
  const expired = new Set<string>();
  let version = 1;
  let committed = 0;
  let now = 0;

  function execute(index: number, bytes: number): void {
    const id = `${index}`.repeat(32);
    const origin = ORIGINS[index % ORIGINS.length] ?? '';
    const known = table.entries.get(id);
    if (known?.ended === true || (known === undefined && expired.has(id))) return; // its client is gone
    const entry = known ?? newEntry(table, id, now, 1 + (index % 2), origin);
    if (known === undefined) acknowledged.set(id, 0);
    heard(table, entry, now, origin);
    touch(table, entry);
    entry.last++;
    entry.version = version;
    const results = new Uint8Array(bytes).fill(entry.last);
    keepReply(table, entry, { sequence: entry.last, version, count: 1, results, isOwn: false });
  }

  function seal(): void {
    volume.push({ version, section: sealSection(table, version, now) });
    version++;
  }

  function commit(part: number): void {
    const above = volume.filter((one) => one.version > committed);
    committed = above[Math.floor(part * above.length)]?.version ?? committed;
    commitImages(table.undo, committed);
  }

  return {
    table,
    execute,
    pass: (ms: number) => (now += ms),
    acknowledge(index: number, back: number): void {
      const entry = table.entries.get(`${index}`.repeat(32));
      if (entry === undefined) return;
      const upTo = Math.max(acknowledged.get(entry.id) ?? 0, entry.last - back);
      acknowledged.set(entry.id, upTo);
      acknowledge(table, entry, upTo);
    },
    end: (index: number) => endSession(table, `${index}`.repeat(32), now),
    expire: () => {
      const before = [...table.entries.keys()];
      expire(table, now, PATIENCE);
      for (const id of before) if (!table.entries.has(id)) expired.add(id);
    },
    shed: () => {
      for (const holding of table.holdings.values()) shedReplies(table, holding, () => false, now, PATIENCE);
    },
    seal,
    commit,
    rollBack(share: number): void {
      const points = [committed, ...volume.filter((one) => one.version > committed).map((one) => one.version)];
      const to = points[Math.floor(share * points.length)] ?? committed;
      volume = volume.filter((one) => one.version <= to);
      rollBackSessions(table, to, now);
      checkAccounts(table);
      assert.equal(table.changed.size, 0);
      const whole = restored(volume, to);
      for (const [id, upTo] of acknowledged) {
        const last = whole.entries.get(id)?.last;
        if (last !== undefined) acknowledged.set(id, Math.min(upTo, last));
        else if (!expired.has(id)) acknowledged.delete(id);
      }
      assert.deepEqual(memory(table, acknowledged), memory(whole, acknowledged));
    },
    /** The chain of sections is whole also behind what was rolled back. */
    finish(): void {
      for (let index = 0; index < SESSIONS; index++) execute(index, 1);
      seal();
      const whole = restored(volume, version - 1);
      assert.deepEqual(memory(table, acknowledged), memory(whole, acknowledged));
      commit(0.99);
      if (committed === version - 1) assert.equal(table.undo.bytes, 0);
    },
  };
}

function restored(volume: readonly Checkpoint[], version: number): SessionTable {
  const since = volume.at(-1)?.section.since ?? 0;
  const { take, finish } = sectionReader();
  for (const one of volume) if (one.version >= since) take(one.section.bytes);
  return finish(since, version).table;
}

/** What decides about batches, by session: with the replies that its client may still ask for. */
function memory(table: SessionTable, acknowledged: ReadonlyMap<string, number>): unknown {
  const sorted = [...table.entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return sorted.map(({ id, last, ended, givenUp, replies }) => {
    const upTo = acknowledged.get(id) ?? 0;
    const open = replies.filter(({ sequence }) => sequence > upTo);
    const kept = open.map(({ sequence, version, results }) => [sequence, version, results.length]);
    return { id, last, ended, givenUp: givenUp > upTo ? givenUp : 0, kept };
  });
}

function checkAccounts(table: SessionTable): void {
  const { entries, holdings } = table;
  const bytes = (entry: SessionEntry): number => entry.replies.reduce((sum, one) => sum + bytesOf(one), 0);
  for (const entry of entries.values()) assert.equal(entry.replyBytes, bytes(entry));
  assert.equal(
    table.replyBytes,
    [...entries.values()].reduce((sum, entry) => sum + bytes(entry), 0),
  );
  let listed = 0;
  for (const { open, ended, sessions, replyBytes } of holdings.values()) {
    const members = [...listOf(open.oldest), ...listOf(ended.oldest)];
    assert.equal(members.length, sessions);
    assert.equal(
      members.reduce((sum, one) => sum + one.replyBytes, 0),
      replyBytes,
    );
    for (const order of [open, ended]) {
      const times = listOf(order.oldest).map(({ activeAt }) => activeAt);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
        'the oldest are first',
      );
    }
    listed += sessions;
  }
  assert.equal(listed, entries.size);
}

function listOf(oldest: SessionEntry | undefined): SessionEntry[] {
  const found: SessionEntry[] = [];
  for (let entry = oldest; entry !== undefined; entry = entry.newer) found.push(entry);
  return found;
}

const index = fc.integer({ min: 0, max: SESSIONS - 1 });
const share = fc.double({ min: 0, max: 0.99, noNaN: true });
type Subject = ReturnType<typeof tableOnVolume>;
type Act = (subject: Subject) => unknown;
const upTo = (max: number) => fc.integer({ min: 0, max });
const always = (act: Act) => fc.constant(act);
const action: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(index, upTo(9)).map(
      ([i, n]): Act =>
        (one) =>
          one.execute(i, n),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(index, upTo(3)).map(
      ([i, n]): Act =>
        (one) =>
          one.acknowledge(i, n),
    ),
  },
  { weight: 3, arbitrary: always((one) => one.seal()) },
  {
    weight: 3,
    arbitrary: upTo(20).map(
      (ms): Act =>
        (one) =>
          one.pass(ms),
    ),
  },
  {
    weight: 1,
    arbitrary: index.map(
      (i): Act =>
        (one) =>
          one.end(i),
    ),
  },
  { weight: 1, arbitrary: always((one) => one.expire()) },
  { weight: 1, arbitrary: always((one) => one.shed()) },
  {
    weight: 1,
    arbitrary: share.map(
      (part): Act =>
        (one) =>
          one.commit(part),
    ),
  },
  {
    weight: 2,
    arbitrary: share.map(
      (part): Act =>
        (one) =>
          one.rollBack(part),
    ),
  },
);

describe('a rollback of the session table in memory', () => {
  it('gives what the volume would give, whatever happened before', () => {
    const runs = fc.array(action, { minLength: 1, maxLength: 160, size: 'max' });
    fc.assert(
      fc.property(runs, (actions) => {
        const subject = tableOnVolume();
        for (const act of actions) act(subject);
        subject.finish();
      }),
      { numRuns: 600, seed: 1 },
    );
  });

  it('needs memory only until the cut covers what changed', () => {
    const { table, execute, seal, commit } = tableOnVolume();
    execute(1, 5);
    assert.equal(table.undo.bytes, IMAGE_BYTES);
    execute(1, 5);
    assert.equal(table.undo.bytes, IMAGE_BYTES, 'once in a version');
    seal();
    const [entry] = table.entries.values();
    execute(1, 5);
    assert.equal(table.undo.bytes, 2 * IMAGE_BYTES + 2 * bytesOf(entry?.replies[0] as never));
    commit(0);
    assert.equal(table.undo.bytes, IMAGE_BYTES + 2 * bytesOf(entry?.replies[0] as never), 'of the open version');
  });
});
