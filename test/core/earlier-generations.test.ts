import assert from 'node:assert/strict';
import { decodeRecord, encodeRecord, type FinderRecord } from '@dpr/core';
import { fields, MAX_KEPT_GENERATIONS, Writer, type MessageOf } from '@dpr/protocol';
import { beginning, holdsSeed, removalOf } from '../../services/core/finder/earlier-generations.ts';

type Claim = MessageOf<'claim'>;

const claim = (given: Partial<Claim> = {}): Claim => ({
  kind: 'claim',
  worker: 1,
  generation: 1,
  boot: 'b'.repeat(32),
  checkpoints: [{ worldLine: 1, version: 40 }],
  state: 'unsaid',
  from: 0,
  removed: 1,
  kept: [],
  ...given,
});

const record = (
  removals: FinderRecord['tombstones'] extends ReadonlyMap<number, infer T extends { removals: unknown }>
    ? T['removals']
    : never,
  decisions: FinderRecord['decisions'] = [],
): FinderRecord => {
  const last = removals.at(-1);
  const tombstone = { generation: last?.generation ?? 0, version: 40, incarnation: 1, removals };
  return {
    ...{ cluster: 'c'.repeat(32), counter: 1, starts: [], worldLine: 1, membership: 1, members: new Map() },
    ...{ tombstones: new Map(last === undefined ? [] : [[1, tombstone]]), decisions, cut: new Map([[1, 40]]) },
  };
};

const FIRST = { generation: 1, version: 40, seed: undefined };
const refused = (result: ReturnType<typeof beginning>): string => {
  assert.ok('code' in result, JSON.stringify(result));
  return `${result.code}: ${result.text}`;
};

describe('a new generation', () => {
  it('begins empty without a word where the volume keeps nothing, or nothing was committed', () => {
    const empty = claim({ generation: 0, checkpoints: [], removed: 0 });
    assert.deepEqual(beginning(record([]), empty), { seed: undefined });
    assert.deepEqual(beginning(record([FIRST]), { ...empty, removed: 1 }), { seed: undefined });
    assert.deepEqual(beginning(record([{ ...FIRST, version: 0 }]), claim()), { seed: undefined });
  });

  it('waits for a word where the volume keeps something', () => {
    assert.match(
      refused(beginning(record([FIRST]), claim())),
      /^stateUnsaid: .*generation 1 .*state: kept .*state: empty/,
    );
    const kept = [{ generation: 1, checkpoints: [] }];
    const later = claim({ generation: 2, removed: 2, kept });
    const nothing = { generation: 2, version: 0, seed: undefined };
    assert.match(refused(beginning(record([FIRST, nothing]), later)), /^stateUnsaid: .*generation 1 of it/);
  });

  it('begins with what was committed, and with nothing, as it is told', () => {
    assert.deepEqual(beginning(record([FIRST]), claim({ state: 'kept' })), { seed: { generation: 1, version: 40 } });
    assert.deepEqual(beginning(record([FIRST]), claim({ state: 'empty' })), { seed: undefined });
  });

  it('never begins with a checkpoint above the one that was committed, or one that was rolled back', () => {
    const above = claim({ state: 'kept', checkpoints: [{ worldLine: 1, version: 41 }] });
    assert.match(refused(beginning(record([FIRST]), above)), /^volumeRefused: version 40 .* does not hold/);
    const decision = { worldLine: 2, prefix: new Map([[1, 30]]), entitled: new Map() };
    const dead = record([FIRST], [decision]);
    assert.match(refused(beginning(dead, claim({ state: 'kept' }))), /^volumeRefused: version 40 .* does not hold/);
    const alive = claim({ state: 'kept', checkpoints: [{ worldLine: 2, version: 40 }] });
    assert.deepEqual(beginning(dead, alive), { seed: { generation: 1, version: 40 } });
  });

  it('begins with the generation that is named, or with the newest that has something', () => {
    const removals = [
      FIRST,
      { generation: 2, version: 60, seed: undefined },
      { generation: 3, version: 0, seed: undefined },
    ];
    const message = claim({
      ...{ generation: 3, checkpoints: [], removed: 3, state: 'kept' },
      kept: [
        { generation: 2, checkpoints: [{ worldLine: 1, version: 60 }] },
        { generation: 1, checkpoints: [{ worldLine: 1, version: 40 }] },
      ],
    });
    assert.deepEqual(beginning(record(removals), message), { seed: { generation: 2, version: 60 } });
    assert.deepEqual(beginning(record(removals), { ...message, from: 1 }), { seed: { generation: 1, version: 40 } });
    assert.deepEqual(beginning(record(removals), { ...message, from: 3 }), { seed: undefined });
    assert.match(refused(beginning(record(removals), { ...message, from: 4 })), /^volumeRefused: .*no generation 4/);
  });

  it('is told that nothing is kept, and what the Finder does not remember', () => {
    const none = claim({ generation: 0, checkpoints: [], state: 'kept' });
    assert.match(refused(beginning(record([FIRST]), none)), /^volumeRefused: .*no earlier generation: .*state: empty/);
    const forgotten = record([{ generation: 9, version: 50, seed: undefined }]);
    assert.match(
      refused(beginning(forgotten, claim({ state: 'kept', removed: 9 }))),
      /^volumeRefused: the Finder does not remember .*generation 1 .*state: empty/,
    );
  });

  it('looks at its volume again where that was before the removal', () => {
    const stale = beginning(record([FIRST]), claim({ generation: 0, checkpoints: [], removed: 0 }));
    assert.ok('code' in stale);
    assert.deepEqual([stale.code, stale.detail], ['surveyAgain', 1]);
  });

  it(`is refused where ${MAX_KEPT_GENERATIONS + 1} others would be kept, and not where ${MAX_KEPT_GENERATIONS} are`, () => {
    const newest = MAX_KEPT_GENERATIONS + 1;
    const kept = Array.from({ length: MAX_KEPT_GENERATIONS }, (_, index) => ({
      generation: index + 1,
      checkpoints: [],
    }));
    const known = record([{ generation: newest, version: 40, seed: undefined }]);
    const full = claim({ generation: newest, state: 'empty', removed: newest, kept });
    assert.match(
      refused(beginning(known, full)),
      /^volumeRefused: .*17 earlier .*16 is the limit: .*dpr volumes delete 1/,
    );
    assert.deepEqual(beginning(known, { ...full, kept: kept.slice(1) }), { seed: undefined });
  });

  it('of which nothing was committed leaves what it began with', () => {
    const member = {
      ...{ generation: 2, base: 40, seed: { generation: 1, version: 40 }, restartsFrom: 2, type: '', host: '' },
      ...{ port: 0, claimed: 2, registered: 2, boot: '', answer: { worldLine: 1, base: 40 }, leaving: false },
    };
    const removal = removalOf(member, 40);
    assert.deepEqual(removal, { generation: 2, version: 40, seed: { generation: 1, version: 40 } });
    assert.deepEqual(removalOf({ ...member, seed: undefined }, 40).version, 0);
    const known = record([FIRST, removal]);
    const held = [{ worldLine: 1, version: 40 }];
    const notYet = claim({
      ...{ generation: 2, checkpoints: [], removed: 2, state: 'kept' },
      kept: [{ generation: 1, checkpoints: held }],
    });
    assert.deepEqual(beginning(known, notYet), { seed: { generation: 1, version: 40 } });
    const begun = claim({ generation: 2, checkpoints: held, removed: 2, state: 'kept' });
    assert.deepEqual(beginning(known, begun), { seed: { generation: 2, version: 40 } });
    // A member may go on with either, and not without both.
    assert.ok(holdsSeed(known, notYet, member) && holdsSeed(known, begun, member));
    assert.ok(!holdsSeed(known, claim({ generation: 2, checkpoints: [] }), member));
  });
});

describe("the Finder's record of the first format", () => {
  it('is read: of each id the last removal is remembered', () => {
    const { u16, u32, u64, id64, id128, list, struct, byWorker } = fields;
    const tombstone = struct({ id: u32, generation: u32, version: u64, incarnation: u32 });
    const start = struct({ start: id64, counter: u64 });
    const layout = struct({
      ...{ format: u16, cluster: id128, counter: u64, starts: list(start, 9), worldLine: u32, membership: u64 },
      ...{ members: list(u32, 0), tombstones: list(tombstone, 9), decisions: list(u32, 0), cut: byWorker(u64, 9) },
    });
    const old = new Writer();
    layout.write(old, {
      ...{ format: 1, cluster: 'c'.repeat(32), counter: 1, starts: [], worldLine: 1, membership: 1, members: [] },
      tombstones: [{ id: 1, generation: 1, version: 40, incarnation: 1 }],
      ...{ decisions: [], cut: new Map([[1, 40]]) },
    });
    const read = decodeRecord(old.finish());
    assert.deepEqual(read, record([FIRST]));
    assert.deepEqual(decodeRecord(encodeRecord(read)), read);
  });
});
