import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeRecord, encodeRecord, type FinderRecord } from '@dpr/core';
import { expire, shedReplies } from '../../services/core/worker/session-shedding.ts';
import type { Order } from '../../services/core/worker/session-order.ts';
import { MAX_RESTORED_SECTIONS, sealSection, sectionReader } from '../../services/core/worker/session-sections.ts';
import {
  acknowledge,
  createSessionTable,
  endSession,
  heard,
  keepOrigins,
  keepReply,
  newEntry,
  storedReply,
  touch,
  type SessionEntry,
  type SessionTable,
} from '../../services/core/worker/session-table.ts';

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u64 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'));
const byWorker = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<number, T>> =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: 65_535 }), value), { maxLength: 5 }).map((entries) => new Map(entries));

/** `fc.record`, of objects as literals make them. */
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const seed = fc.option(plain({ generation: u32, version: u64 }), { nil: undefined });

const record: fc.Arbitrary<FinderRecord> = plain({
  cluster: hex(16),
  counter: u64,
  starts: fc.array(plain({ start: hex(8), counter: u64 }), { maxLength: 4 }),
  worldLine: u32,
  membership: u64,
  members: byWorker(
    plain({
      generation: u32,
      base: u64,
      seed,
      restartsFrom: u32,
      type: fc.string({ maxLength: 15 }),
      host: fc.string({ maxLength: 60 }),
      port: fc.integer({ min: 0, max: 65_535 }),
      claimed: u32,
      registered: u32,
      boot: hex(16),
      answer: plain({ worldLine: u32, base: u64 }),
      leaving: fc.boolean(),
    }),
  ),
  tombstones: byWorker(
    plain({
      generation: u32,
      version: u64,
      incarnation: u32,
      removals: fc.array(plain({ generation: u32, version: u64, seed }), { maxLength: 3 }),
    }),
  ),
  decisions: fc.array(plain({ worldLine: u32, prefix: byWorker(u64), entitled: byWorker(u32) }), { maxLength: 3 }),
  cut: byWorker(u64),
});

describe("the Finder's record", () => {
  it('reads back as it was written', () => {
    fc.assert(fc.property(record, (written) => assert.deepEqual(decodeRecord(encodeRecord(written)), written)));
  });

  it('is refused when a byte is missing or left over', () => {
    fc.assert(
      fc.property(record, fc.boolean(), (written, shorter) => {
        const bytes = encodeRecord(written);
        const wrong = shorter ? bytes.subarray(0, -1) : Buffer.concat([bytes, Buffer.of(0)]);
        assert.throws(() => decodeRecord(wrong));
      }),
    );
  });
});

const idOf = (index: number): string => index.toString(16).padStart(32, '0');

/** The sections that a worker's volume keeps of its table. */
function volume(first: SessionTable) {
  let table = first;
  let version = 0;
  const sections: { readonly version: number; readonly bytes: Uint8Array }[] = [];
  const restored = () => {
    const { take, finish } = sectionReader();
    for (const { bytes } of sections) take(bytes);
    return finish(sections[0]?.version ?? 0, version);
  };
  return {
    /** @returns the bytes of the new section */
    seal: (upTime: number): number => {
      version += 2;
      const { since, bytes } = sealSection(table, version, upTime);
      const older = sections.findIndex((one) => one.version >= since);
      sections.splice(0, older < 0 ? sections.length : older);
      sections.push({ version, bytes: Uint8Array.from(bytes) });
      return bytes.length;
    },
    sections: () => sections.map(({ bytes }) => bytes),
    sectionCount: () => sections.length,
    /** Go on with what is on the volume. */
    restore: (): SessionTable => {
      table = restored().table;
      return table;
    },
    restored,
  };
}

describe("the session table's sections", () => {
  const SESSIONS = Array.from({ length: 12 }, (_, index) => idOf(index));
  const patience = (sessionExpiryMs: number) => ({
    sessionExpiryMs,
    endedExpiryMs: 5,
    giveWayMs: 5,
    replyGiveWayMs: 5,
  });
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('execute' as const),
        session: fc.constantFrom(...SESSIONS),
        origin: fc.constantFrom('', '192.0.2.1', '192.0.2.2', '2001:db8::/64'),
        bytes: fc.uint8Array({ maxLength: 4 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), session: fc.constantFrom(...SESSIONS) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('shed' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('end' as const), session: fc.constantFrom(...SESSIONS) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), isRollback: fc.boolean() }) },
  );

  /** What a checkpoint must give back: the replies of a table that a client may still ask for, and where each session stands. */
  const shown = (table: SessionTable): unknown =>
    [...table.entries.values()]
      .map(({ id, last, givenUp, ended, activeAt, replyBytes, replies }) => ({
        ...{ id, last, givenUp, ended, activeAt, replyBytes },
        replies: replies.map(({ sequence, results }) => [sequence, ...results]),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));

  /** What origins hold is what their sessions hold, which are in their lists in the order in which they were last heard of. */
  function assertAccounted(table: SessionTable): void {
    const listed = [...table.holdings.values()].flatMap((holding) => {
      const entries = [...listOf(holding.open), ...listOf(holding.ended)];
      assert.ok(entries.every((entry) => entry.holding === holding && table.entries.get(entry.id) === entry));
      assert.equal(entries.length, holding.sessions);
      assert.ok(holding.sessions > 0 || holding === table.unknown);
      assert.equal(
        holding.replyBytes,
        entries.reduce((sum, { replyBytes }) => sum + replyBytes, 0),
      );
      return entries;
    });
    assert.equal(listed.length, table.entries.size);
  }

  function listOf(order: Order<SessionEntry>): SessionEntry[] {
    const entries: SessionEntry[] = [];
    for (let entry = order.oldest; entry !== undefined; entry = entry.newer) entries.push(entry);
    assert.equal(order.newest, entries.at(-1));
    assert.deepEqual(
      entries.map(({ activeAt }) => activeAt),
      entries.map(({ activeAt }) => activeAt).sort((a, b) => a - b),
    );
    return entries;
  }

  it('give back every session and reply at every seal, after all that can happen between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let table = createSessionTable();
        const { seal, restore, restored } = volume(table);
        let now = 0;
        for (const one of steps) {
          now += 3;
          if (one.kind === 'execute') {
            const entry = table.entries.get(one.session) ?? newEntry(table, one.session, now, 0, one.origin);
            if (entry.ended) continue;
            entry.last++;
            heard(table, entry, now, one.origin);
            const { last: sequence } = entry;
            keepReply(table, entry, { sequence, version: now, count: 1, results: one.bytes, isOwn: false });
            touch(table, entry);
          } else if (one.kind === 'acknowledge') {
            const entry = table.entries.get(one.session);
            if (!entry) continue;
            acknowledge(table, entry, entry.last - 1);
            touch(table, entry);
          } else if (one.kind === 'expire') {
            expire(table, now, patience(10));
          } else if (one.kind === 'end') {
            endSession(table, one.session, now);
          } else if (one.kind === 'shed') {
            for (const holding of table.holdings.values())
              shedReplies(table, holding, () => holding.replyBytes === 0, now, patience(10));
          } else if (one.kind === 'restore') {
            const before = table;
            table = restore();
            if (one.isRollback) keepOrigins(table, before);
          } else {
            seal(now);
            assert.deepEqual(shown(restored().table), shown(table));
            assert.equal(restored().upTime, now);
          }
          assertAccounted(table);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('cost what changed and a small share of the rest, and a restart reads few of them', () => {
    const [sessions, seals] = [6_400, 4_000];
    const table = createSessionTable();
    for (let index = 0; index < sessions; index++) touch(table, newEntry(table, idOf(index), 0));
    const { seal, sectionCount, restored } = volume(table);
    const whole = seal(0);
    let [largest, longest] = [0, 0];
    for (let count = 1; count <= seals; count++) {
      const entry = table.entries.get(idOf((count * 7) % sessions));
      assert.ok(entry);
      entry.last = count;
      touch(table, entry);
      largest = Math.max(largest, seal(count));
      longest = Math.max(longest, sectionCount());
    }
    assert.deepEqual(shown(restored().table), shown(table));
    assert.ok(largest <= (whole / sessions) * (6_400 / 256 + 2), `${largest} of ${whole} bytes`);
    assert.ok(longest > 1_024 && longest <= 256 + 1_024 + 256, `${longest} sections`);
  });

  it('go on after a rollback from those that are there, and stay few however often there is one', () => {
    const sessions = 6_400;
    let table = createSessionTable();
    for (let index = 0; index < sessions; index++) touch(table, newEntry(table, idOf(index), 0));
    const { seal, sectionCount, restore } = volume(table);
    const whole = seal(0);
    const sizes = [];
    let longest = 0;
    for (let round = 0; round < 50; round++) {
      table = restore();
      for (let count = 0; count < 100; count++) {
        const entry = table.entries.get(idOf((round * 100 + count) % sessions));
        assert.ok(entry);
        touch(table, entry);
        sizes.push(seal(0));
        longest = Math.max(longest, sectionCount());
      }
    }
    assert.ok(longest > MAX_RESTORED_SECTIONS && longest <= MAX_RESTORED_SECTIONS + 100, `${longest} sections`);
    const large = sizes.filter((size) => size > (whole / sessions) * (sessions / 256 + 2)).length;
    assert.equal(
      large,
      Math.floor((50 * 100) / longest),
      'sections are the whole table only where there were too many',
    );
  });

  it('do not wait for the end of a sweep while sessions come and go', () => {
    const table = createSessionTable();
    const { seal, sectionCount, restored } = volume(table);
    let longest = 0;
    for (let round = 0; round < 4_000; round++) {
      touch(table, newEntry(table, idOf(round), round));
      if (round % 3 === 0) expire(table, round, patience(300));
      seal(round);
      longest = Math.max(longest, sectionCount());
    }
    assert.deepEqual(shown(restored().table), shown(table));
    assert.ok(longest <= 256 + 1_024 + 256, `${longest} sections`);
  });

  it('answer a retry with its own reply, and none that was acknowledged', () => {
    const table = createSessionTable();
    const entry = newEntry(table, SESSIONS[0] ?? '', 0);
    for (const sequence of [1, 2, 3])
      keepReply(table, entry, { sequence, version: 9, count: 1, results: Buffer.of(sequence), isOwn: false });
    acknowledge(table, entry, 1);
    assert.equal(storedReply(entry, 1), undefined);
    assert.deepEqual(storedReply(entry, 2)?.results, Buffer.of(2));
    assert.deepEqual(storedReply(entry, 3)?.results, Buffer.of(3));
    assert.equal(storedReply(entry, 4), undefined);
  });
});
