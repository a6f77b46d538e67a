import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  EXTENT_ALIGNMENT_BYTES,
  MAX_EXTENTS,
  MAX_FREE_SEGMENTS,
  SMALLEST_SHARE,
} from '../../../services/runtime/storage/index.ts';
import { type Room, segmentSpace, type SegmentSpace } from '../../../services/runtime/storage/segment-space.ts';
import { seeded } from './sim-disk.ts';

const PAGE = EXTENT_ALIGNMENT_BYTES;
const HEAD_BYTES = 200;
/** What a section may have to take so many pages. */
const inPages = (pages: number) => pages * PAGE - HEAD_BYTES;

/** As rooms are, in pages: segment, first page, number of pages. */
function pagesOf(rooms: readonly Room[]): string {
  return rooms
    .map(({ segment, at, bytes }) => `${segment}:${at / PAGE}+${Math.ceil((HEAD_BYTES + bytes) / PAGE)}`)
    .join(' ');
}

describe('room in segments', () => {
  const segmentBytes = 8 * PAGE;
  let space: SegmentSpace;
  beforeEach(() => (space = segmentSpace(1, 0, segmentBytes)));
  const take = (bytes: number) => space.take(bytes, HEAD_BYTES);

  it('is taken one after another, and of a new segment when there is none', () => {
    assert.equal(pagesOf(take(inPages(3))), '0:0+3');
    assert.equal(pagesOf(take(inPages(3) + 1)), '0:3+4');
    assert.equal(pagesOf(take(inPages(8))), '0:7+1 1:0+8', 'what is left is used, and each extent has a head');
    assert.deepEqual(
      take(1).map(({ file, isNew }) => [file, isNew]),
      [['segment-1-2', true]],
    );
    assert.deepEqual(
      take(1).map(({ file, isNew }) => [file, isNew]),
      [['segment-1-2', false]],
    );
  });

  it('is taken where it was given back, in the first place where all of it fits', () => {
    const rooms = [2, 1, 3, 2].map((pages) => take(inPages(pages)));
    space.giveBack(rooms[0] ?? []);
    space.giveBack(rooms[2] ?? []);
    assert.equal(pagesOf(take(inPages(3))), '0:3+3');
    assert.equal(pagesOf(take(inPages(1))), '0:0+1');
    space.giveBack(rooms[1] ?? []);
    assert.equal(pagesOf(take(inPages(2))), '0:1+2', 'neighbouring gaps are one');
  });

  it('is not given back twice', () => {
    const rooms = take(1);
    space.giveBack(rooms);
    assert.throws(() => space.giveBack(rooms), /nothing is at 0 of segment-1-0/);
    assert.throws(
      () => space.giveBack([{ segment: 9, file: 'segment-1-9', at: 0, bytes: 1 }]),
      /nothing is in segment-1-9/,
    );
  });

  it('is not made of gaps that are too small for the section', () => {
    const bytes = 1 / SMALLEST_SHARE;
    space = segmentSpace(1, 0, 2 * bytes * PAGE);
    const before = take(inPages(2));
    take(inPages(2 * bytes - 2));
    space.giveBack(before);
    assert.equal(
      pagesOf(take(inPages(2) + 1)),
      '1:0+3',
      'the gap has room for its smallest share, but not for a head with it',
    );
    const large = 2 * bytes * PAGE * MAX_EXTENTS;
    assert.ok(take(large).length <= MAX_EXTENTS + 4);
  });

  it('of MAX_FREE_SEGMENTS is kept when nothing is in them, and of more is given up', () => {
    const rooms = Array.from({ length: MAX_FREE_SEGMENTS + 2 }, () => take(inPages(8)));
    for (const one of rooms.slice(0, MAX_FREE_SEGMENTS)) space.giveBack(one);
    assert.deepEqual(space.takeUnneeded(), []);
    space.giveBack(rooms[MAX_FREE_SEGMENTS] ?? []);
    assert.deepEqual(space.takeUnneeded(), [`segment-1-${MAX_FREE_SEGMENTS}`]);
    assert.deepEqual(space.takeUnneeded(), []);
    assert.equal(pagesOf(take(inPages(8))), '0:0+8');
  });

  it('of an abandoned segment is not taken again, and the segment given up when nothing is in it', () => {
    const [first, second] = [take(inPages(2)), take(inPages(2))] as const;
    space.giveBack(first);
    space.abandon('segment-1-0');
    assert.equal(pagesOf(take(1)), '1:0+1');
    assert.deepEqual(space.takeUnneeded(), []);
    space.giveBack(second);
    assert.deepEqual(space.takeUnneeded(), ['segment-1-0']);
  });

  it('in segments of predecessors is never taken, and they are given up with the last extent', () => {
    const extents = [0, 1].map((page) => ({
      ...{ segment: 7, file: 'segment-1-7', at: page * PAGE, bytes: 1 },
      checksum: 0,
    }));
    space = segmentSpace(2, 0, segmentBytes);
    space.inherit(extents);
    space.giveBack(extents.slice(1));
    assert.deepEqual(space.takeUnneeded(), []);
    assert.equal(take(1)[0]?.file, 'segment-2-0');
    space.giveBack(extents.slice(0, 1));
    assert.deepEqual(space.takeUnneeded(), ['segment-1-7']);
  });

  it('is never taken twice, and bounded, whatever is taken and given back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 1, max: 40 }), (seed, largest) => {
        const random = seeded(seed);
        const own = segmentSpace(1, 0, segmentBytes);
        const taken = new Set<readonly Room[]>();
        const owner = new Map<string, readonly Room[]>();
        const pages = (rooms: readonly Room[]) =>
          rooms.flatMap(({ file, at, bytes }) =>
            Array.from({ length: Math.ceil((HEAD_BYTES + bytes) / PAGE) }, (_, page) => `${file} ${at / PAGE + page}`),
          );
        let most = 0;
        let inUse = 0;
        for (let step = 0; step < 300; step++) {
          if (random() < 0.55) {
            const bytes = 1 + Math.floor(random() * largest * PAGE);
            const rooms = own.take(bytes, HEAD_BYTES);
            assert.equal(
              rooms.reduce((sum, room) => sum + room.bytes, 0),
              bytes,
            );
            for (const page of pages(rooms)) {
              assert.equal(owner.get(page), undefined, `${page} is taken twice`);
              owner.set(page, rooms);
              inUse++;
            }
            for (const { at, bytes: length } of rooms) assert.ok(at + HEAD_BYTES + length <= segmentBytes);
            taken.add(rooms);
          } else {
            const [rooms] = [...taken].slice(Math.floor(random() * taken.size));
            if (rooms === undefined) continue;
            taken.delete(rooms);
            own.giveBack(rooms);
            for (const page of pages(rooms)) {
              owner.delete(page);
              inUse--;
            }
          }
          most = Math.max(most, inUse);
          const unneeded = own.takeUnneeded();
          for (const page of owner.keys()) assert.ok(!unneeded.includes(page.split(' ')[0] ?? ''));
        }
        const segments = new Set([...owner.keys()].map((page) => page.split(' ')[0]));
        assert.ok(segments.size * 8 <= most + 8, `${segments.size} segments for ${most} pages`);
      }),
      { numRuns: 100 },
    );
  });
});
