/** Writes sections into segments. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from './disk.ts';
import { systemCode } from './errors.ts';
import { encodeHead, sealHead } from './frame.ts';
import { refuseIfSuperseded } from './manifest-log.ts';
import type { Chain, Extent, Identity } from './manifest.ts';
import type { CheckpointKey } from './file-names.ts';
import type { Pieces, Source } from './pieces.ts';
import type { Room, SegmentSpace } from './segment-space.ts';
import { takeTurns } from './one-at-a-time.ts';

export interface SegmentWriter {
  /**
   * Writes a section, durably, into room that it takes. One is written after another: a sync that fails would take with it what others
   * wrote to the same segment.
   * @throws SupersededError, system errors; then nothing is taken
   */
  write(key: CheckpointKey, chain: Chain, source: Source): Promise<readonly Extent[]>;
  /** No manifest that a start may find refers to them. */
  giveBack(extents: readonly Extent[]): void;
}

/** Nothing is wrong with the segments themselves. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function segmentWriter(disk: Disk, identity: Identity, space: SegmentSpace): SegmentWriter {
  const inTurn = takeTurns();

  async function write(key: CheckpointKey, chain: Chain, source: Source): Promise<readonly Extent[]> {
    const headOf = ({ at, bytes }: Pick<Room, 'at' | 'bytes'>): Buffer => {
      const address = { incarnation: key.incarnation, edition: 0, position: at };
      return encodeHead(chain, address, { ...identity, ...key }, bytes);
    };
    const rooms = space.take(source.bytes, headOf({ at: 0, bytes: 0 }).length);
    const cursor = cursorOn(source.read());
    try {
      const extents: Extent[] = [];
      // What was dropped or pruned here a successor may have listed before it could know of that.
      if (rooms.some(({ isNew }) => !isNew)) await refuseIfSuperseded(disk, key.incarnation);
      for (const run of runsOf(rooms)) await fill(disk, run, headOf, cursor, extents);
      if (rooms.some(({ isNew }) => isNew)) await disk.syncDirectory();
      return extents;
    } catch (error) {
      await giveUp(rooms, NO_ROOM.has(systemCode(error)));
      throw error;
    } finally {
      await cursor.end();
    }
  }

  /**
   * What may not be on the disk is not written at the same place again, but where there was only no room. A segment that was new is
   * not kept: its name may not be durable.
   */
  async function giveUp(rooms: readonly Room[], isIntact: boolean): Promise<void> {
    space.giveBack(rooms);
    for (const { file, isNew } of rooms) {
      if (isNew || !isIntact) space.abandon(file);
      // Where this fails too the name stays until the store tidies up.
      if (isNew) await disk.unlink(file).catch(() => undefined);
    }
  }

  return {
    write: (key, chain, source) => inTurn(() => write(key, chain, source)),
    giveBack: (extents) => space.giveBack(extents),
  };
}

/** Rooms that follow each other in the same file. */
function runsOf(rooms: readonly Room[]): readonly (readonly Room[])[] {
  const runs: Room[][] = [];
  for (const room of rooms) {
    const last = runs.at(-1);
    if (last?.[0]?.file === room.file) last.push(room);
    else runs.push([room]);
  }
  return runs;
}

async function fill(
  disk: Disk,
  run: readonly Room[],
  headOf: (room: Room) => Buffer,
  cursor: Cursor,
  extents: Extent[],
): Promise<void> {
  const [first] = run;
  assert(first !== undefined);
  const file = await disk.open(first.file, first.isNew ? 'create' : 'write');
  try {
    for (const room of run) extents.push(await fillRoom(file, room, headOf(room), cursor));
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function fillRoom(file: DiskFile, room: Room, head: Buffer, cursor: Cursor): Promise<Extent> {
  const { segment, file: name, at, bytes } = room;
  let checksum = 0;
  for (let done = 0; done < bytes;) {
    const piece = await cursor.next(bytes - done);
    checksum = crc32(piece, checksum);
    await file.writeAt(at + head.length + done, piece);
    done += piece.length;
  }
  await file.writeAt(at, sealHead(head, checksum));
  return { segment, file: name, at, bytes, checksum };
}

interface Cursor {
  /** What comes next, up to so many bytes. */
  next(most: number): Promise<Uint8Array>;
  /** Nothing more is read. */
  end(): Promise<void>;
}

function cursorOn(pieces: Pieces): Cursor {
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  let rest: Uint8Array = Buffer.alloc(0);
  return {
    async next(most) {
      while (rest.length === 0) {
        const result = await iterator.next();
        assert(result.done !== true, 'a section has the bytes that it was said to have');
        rest = result.value;
      }
      const piece = rest.subarray(0, most);
      rest = rest.subarray(piece.length);
      return piece;
    },
    async end() {
      await iterator.return?.();
    },
  };
}
