/**
 * Where sections are in the segments of one incarnation, and what of them is free. Nothing here touches a disk.
 *
 * Room is free again only when no manifest that a start may find refers to it; its caller gives it back no earlier. It is taken where
 * the lowest segment has it, so that the last ones become free.
 */
import assert from 'node:assert/strict';
import { alignUp } from './frame.ts';
import { EXTENT_ALIGNMENT_BYTES, MAX_EXTENTS, MAX_FREE_SEGMENTS, SMALLEST_SHARE } from './limits.ts';
import type { Extent } from './manifest.ts';
import { segmentName } from './file-names.ts';

/** Room for an extent. `payloadBytes`: of the section. `isNew`: the segment has to be created. */
export type Room = Omit<Extent, 'checksum'> & { readonly isNew: boolean };

export interface SegmentSpace {
  /** Room for a section, in order. Each extent has a head. It is taken until it is given back. */
  take(bytes: number, headBytes: number): readonly Room[];
  /** Extents that the manifest lists already; nothing is written to their segments. */
  inherit(extents: readonly Extent[]): void;
  giveBack(extents: readonly Omit<Extent, 'checksum'>[]): void;
  /** The segment is not written any more; it can be deleted when nothing is in it. */
  abandon(file: string): void;
  /** Files to delete, told once: nothing is in them, and nothing will be. */
  takeUnneeded(): readonly string[];
}

type Gap = { readonly at: number; readonly bytes: number };

type Place = { readonly segment: Segment; readonly gap: Gap };

/** `rooms`: what is taken, where it begins and how long it is. `gaps`: ascending, and none touches another. */
type Segment = {
  readonly number: number;
  readonly file: string;
  readonly rooms: Map<number, number>;
  gaps: readonly Gap[];
  isWritten: boolean;
};

/** @param next the number of the first segment that this store makes */
export function segmentSpace(incarnation: number, next: number, segmentBytes: number): SegmentSpace {
  const segments = new Map<string, Segment>();
  const unneeded: string[] = [];
  let nextNumber = next;

  function add(): Place {
    const number = nextNumber++;
    const file = segmentName(incarnation, number);
    const gap = { at: 0, bytes: segmentBytes };
    const segment = { number, file, rooms: new Map(), gaps: [gap], isWritten: true };
    segments.set(file, segment);
    return { segment, gap };
  }

  /** The first gap with so many bytes. */
  function find(bytes: number): Place | undefined {
    for (const segment of segments.values()) {
      const gap = segment.gaps.find((one) => one.bytes >= bytes);
      if (gap !== undefined) return { segment, gap };
    }
    return undefined;
  }

  function occupy({ segment, gap }: Place, bytes: number): void {
    const rest = { at: gap.at + bytes, bytes: gap.bytes - bytes };
    segment.gaps = segment.gaps.flatMap((one) => (one !== gap ? [one] : rest.bytes > 0 ? [rest] : []));
    segment.rooms.set(gap.at, bytes);
  }

  function take(bytes: number, headBytes: number): readonly Room[] {
    const made = nextNumber;
    const share = Math.max(segmentBytes * SMALLEST_SHARE, bytes / MAX_EXTENTS);
    const smallest = alignUp(headBytes + share, EXTENT_ALIGNMENT_BYTES);
    const rooms: Room[] = [];
    for (let left = bytes; left > 0;) {
      const wanted = Math.min(alignUp(headBytes + left, EXTENT_ALIGNMENT_BYTES), segmentBytes);
      const place = find(wanted) ?? find(Math.min(smallest, wanted)) ?? add();
      const { number, file } = place.segment;
      const length = Math.min(place.gap.bytes, wanted);
      occupy(place, length);
      const payload = Math.min(length - headBytes, left);
      rooms.push({ segment: number, file, at: place.gap.at, bytes: payload, isNew: number >= made });
      left -= payload;
    }
    return rooms;
  }

  function free(segment: Segment, at: number): void {
    const bytes = segment.rooms.get(at);
    assert(bytes !== undefined, `nothing is at ${at} of ${segment.file}`);
    segment.rooms.delete(at);
    if (segment.isWritten) segment.gaps = joined([...segment.gaps, { at, bytes }]);
    else forgetIfEmpty(segment);
  }

  function forgetIfEmpty(segment: Segment): void {
    if (segment.rooms.size > 0) return;
    segments.delete(segment.file);
    unneeded.push(segment.file);
  }

  return {
    take,
    inherit(extents) {
      for (const { segment: number, file, at } of extents) {
        const segment = segments.get(file) ?? { number, file, rooms: new Map(), gaps: [], isWritten: false };
        segments.set(file, segment);
        segment.rooms.set(at, 0);
      }
    },
    giveBack(extents) {
      for (const { file, at } of extents) {
        const segment = segments.get(file);
        assert(segment !== undefined, `nothing is in ${file}`);
        free(segment, at);
      }
    },
    abandon(file) {
      const segment = segments.get(file);
      if (segment === undefined) return;
      Object.assign(segment, { gaps: [], isWritten: false });
      forgetIfEmpty(segment);
    },
    takeUnneeded() {
      const empty = [...segments.values()].filter(({ isWritten, rooms }) => isWritten && rooms.size === 0);
      for (const segment of empty.slice(MAX_FREE_SEGMENTS)) forgetIfEmpty(segment);
      return unneeded.splice(0);
    },
  };
}

function joined(gaps: readonly Gap[]): readonly Gap[] {
  const result: Gap[] = [];
  for (const gap of [...gaps].sort((a, b) => a.at - b.at)) {
    const last = result.at(-1);
    if (last !== undefined && last.at + last.bytes === gap.at)
      result[result.length - 1] = { ...last, bytes: last.bytes + gap.bytes };
    else result.push(gap);
  }
  return result;
}
