import assert from 'node:assert/strict';
import { addChunk, chunkReader } from '../../../services/runtime/worker/incremental/chunk-framing.ts';
import { MAX_CHUNK_BYTES } from '../../../services/runtime/worker/incremental/limits.ts';

function sectionOf(...chunks: readonly Uint8Array[]): Buffer {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) bytes += addChunk(pieces, chunk);
  const section = Buffer.concat(pieces);
  assert.equal(section.length, bytes);
  return section;
}

/** The chunks of a section that comes in pieces of this size, each read into the same memory. */
function chunksIn(section: Buffer, pieceBytes: number): string[] {
  const chunks: string[] = [];
  const reader = chunkReader((chunk) => chunks.push(Buffer.from(chunk).toString()));
  const memory = Buffer.alloc(pieceBytes);
  for (let at = 0; at < section.length; at += pieceBytes) {
    const length = section.copy(memory, 0, at, at + pieceBytes);
    reader.take(memory.subarray(0, length));
  }
  reader.endSection();
  return chunks;
}

describe('the chunks of a section', () => {
  it('come back from pieces of any size', () => {
    const texts = ['a', 'bcd', 'efghijklm', 'n', 'opqrstuvwxyz'];
    const section = sectionOf(...texts.map((text) => Buffer.from(text)));
    for (let size = 1; size <= section.length; size++) assert.deepEqual(chunksIn(section, size), texts);
  });

  it('may be none, and an empty one takes nothing', () => {
    assert.deepEqual(chunksIn(sectionOf(), 1), []);
    assert.equal(sectionOf(Buffer.alloc(0)).length, 0);
  });

  it('have MAX_CHUNK_BYTES at most', () => {
    const largest = Buffer.alloc(MAX_CHUNK_BYTES, 'x');
    assert.equal(chunksIn(sectionOf(largest), 1_000_000)[0]?.length, MAX_CHUNK_BYTES);
    assert.throws(
      () => sectionOf(Buffer.alloc(MAX_CHUNK_BYTES + 1)),
      /a chunk of 16777217 bytes, and at most 16777216/,
    );
  });

  it('are damaged where a length cannot be', () => {
    for (const length of [0, MAX_CHUNK_BYTES + 1, 2 ** 32 - 1]) {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(length);
      assert.throws(() => chunksIn(head, 3), {
        name: 'StorageDamagedError',
        message: RegExp(`chunk of ${length} bytes`),
      });
    }
  });

  it('are damaged where the section ends within one', () => {
    const section = sectionOf(Buffer.from('abc'));
    for (let end = 1; end < section.length; end++) {
      assert.throws(() => chunksIn(section.subarray(0, end), 2), {
        name: 'StorageDamagedError',
        message: /within a chunk/,
      });
    }
  });
});
