import assert from 'node:assert/strict';
import {
  HEADER_BYTES,
  decodeFixed,
  decodeFrame,
  encodeFrame,
  encodeHead,
} from '../../../services/runtime/storage/frame.ts';
import type { Disk, DiskFile } from '../../../services/runtime/storage/index.ts';
import {
  EXTENT_ALIGNMENT_BYTES,
  FRAME_ALIGNMENT_BYTES,
  MANIFEST_LIMIT_BYTES,
  META_LIMIT_BYTES,
  SEGMENT_BYTES,
} from '../../../services/runtime/storage/limits.ts';
import { checkFits, createManifestLog, type NewEntry } from '../../../services/runtime/storage/manifest-log.ts';
import { EMPTY_STATE } from '../../../services/runtime/storage/manifest.ts';
import { sourceOf } from '../../../services/runtime/storage/pieces.ts';
import { segmentSpace } from '../../../services/runtime/storage/segment-space.ts';
import { segmentWriter } from '../../../services/runtime/storage/segment-writer.ts';
import { IDENTITY, STAMP } from './checkpoint-fixtures.ts';

/** A disk that keeps how long its files are, and nothing that is written into them. */
function hollowDisk() {
  const files = new Map<string, { bytes: number }>();
  function opened(file: { bytes: number }): DiskFile {
    return {
      size: () => Promise.resolve(file.bytes),
      read: (_, length) => Promise.resolve(Buffer.alloc(length)),
      writeAt(offset, bytes) {
        file.bytes = Math.max(file.bytes, offset + bytes.length);
        return Promise.resolve();
      },
      datasync: () => Promise.resolve(),
      isAt: (name, bytes) => Promise.resolve(files.get(name) === file && file.bytes >= bytes),
      close: () => Promise.resolve(),
    };
  }
  const disk: Disk = {
    directory: '/hollow',
    list: () => Promise.resolve([...files.keys()].sort()),
    open(name) {
      const file = { bytes: 0 };
      files.set(name, file);
      return Promise.resolve(opened(file));
    },
    rename(from, to) {
      files.set(to, files.get(from) ?? assert.fail(`there is no ${from}`));
      files.delete(from);
      return Promise.resolve();
    },
    unlink: (name) => Promise.resolve(void files.delete(name)),
    syncDirectory: () => Promise.resolve(),
    makeDirectory: () => Promise.resolve(),
    removeDirectory: () => Promise.resolve(),
    inside: () => disk,
  };
  return { disk, sizeOf: (name: string) => files.get(name)?.bytes ?? assert.fail(`there is no ${name}`) };
}

describe('the largest parts of a volume', () => {
  it('go on in the next segment after SEGMENT_BYTES', async () => {
    const zeros = Buffer.alloc(2 * SEGMENT_BYTES); // that are only read take no memory
    async function write(bytes: number) {
      const { disk, sizeOf } = hollowDisk();
      const writer = segmentWriter(disk, IDENTITY, segmentSpace(1, 0, SEGMENT_BYTES));
      const source = sourceOf([zeros.subarray(0, bytes)]);
      const extents = await writer.write({ incarnation: 1, worldLine: 1, version: 5 }, 'state', source);
      return { shape: extents.map((one) => [one.segment, one.at, one.bytes]), first: sizeOf('segment-1-0') };
    }
    const [[, , most = 0] = []] = (await write(SEGMENT_BYTES)).shape;
    assert.ok(most > SEGMENT_BYTES - EXTENT_ALIGNMENT_BYTES && most < SEGMENT_BYTES);
    assert.deepEqual(await write(most), { shape: [[0, 0, most]], first: SEGMENT_BYTES });
    const inTwo = [
      [0, 0, most],
      [1, 0, 1],
    ];
    assert.deepEqual(await write(most + 1), { shape: inTwo, first: SEGMENT_BYTES });
  });

  it('are descriptions of META_LIMIT_BYTES', () => {
    const address = { incarnation: 1, edition: 0, position: 0 };
    const metaOf = (bytes: number) => ({ text: 'x'.repeat(bytes - JSON.stringify({ text: '' }).length) });
    const frame = encodeFrame('checkpoint', address, metaOf(META_LIMIT_BYTES), [], FRAME_ALIGNMENT_BYTES);
    assert.deepEqual(decodeFrame(frame, 0)?.meta, metaOf(META_LIMIT_BYTES));
    assert.throws(() => encodeHead('checkpoint', address, metaOf(META_LIMIT_BYTES + 1), 0), {
      name: 'RangeError',
      message: `a description of ${META_LIMIT_BYTES + 1} bytes exceeds its limit`,
    });
    const head = frame.subarray(0, HEADER_BYTES);
    assert.equal(decodeFixed(head)?.metaBytes, META_LIMIT_BYTES);
    head.writeUInt32LE(META_LIMIT_BYTES + 1, 20);
    assert.equal(decodeFixed(head), undefined, 'nor is one read that says so of itself');
  });

  it('are manifests of MANIFEST_LIMIT_BYTES, which are rewritten before they exceed it', async () => {
    const { disk, sizeOf } = hollowDisk();
    await disk.open('identity', 'create');
    const head = { identity: IDENTITY, incarnation: 1, edition: 0, base: 0 };
    const log = await createManifestLog(disk, head, EMPTY_STATE, () => assert.fail('it has no entries yet'));
    const size = () => sizeOf('manifest-1');
    const empty = size();
    const zeros = Buffer.alloc(MANIFEST_LIMIT_BYTES / 8);
    let version = 0;
    const entryOf = (bytes: number): NewEntry => ({
      ...{ incarnation: 1, worldLine: 1, version: ++version, predecessor: version - 1 },
      ...{ dependencies: new Map(), stamp: STAMP },
      state: { place: 'inline', bytes, checksum: 0, at: 0, since: version },
      sessions: { place: 'inline', bytes: 0, checksum: 0, at: 0, since: version },
      inline: [zeros.subarray(0, bytes)],
    });
    while (size() + zeros.length < MANIFEST_LIMIT_BYTES) await log.append(entryOf(zeros.length));
    const left = MANIFEST_LIMIT_BYTES - size();
    await log.append(entryOf(left - 2 * FRAME_ALIGNMENT_BYTES));
    while (size() < MANIFEST_LIMIT_BYTES) await log.append(entryOf(0));
    assert.equal(size(), MANIFEST_LIMIT_BYTES);
    log.adopt(EMPTY_STATE); // as after a prune
    await log.append(entryOf(0));
    assert.ok(size() < 4 * empty, `it is rewritten, in ${size()} bytes`);
  });

  it('are no manifests beyond MANIFEST_LIMIT_BYTES that cannot be made shorter', () => {
    const frame = FRAME_ALIGNMENT_BYTES;
    checkFits('/volume/manifest-1', MANIFEST_LIMIT_BYTES - frame, frame);
    assert.throws(() => checkFits('/volume/manifest-1', MANIFEST_LIMIT_BYTES - frame, frame + 1), {
      name: 'StorageLimitError',
      message: /^\/volume\/manifest-1 would exceed 268435456 bytes: the cut does not advance/,
    });
  });
});
