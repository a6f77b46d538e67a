/** Chunks on a volume: the length of each as u32, little-endian, then its bytes. None is empty. */
import { StorageDamagedError } from '../../storage/index.ts';
import { MAX_CHUNK_BYTES } from './limits.ts';

const HEAD_BYTES = 4;

/** Add a chunk to the pieces of a section. @returns the bytes that it takes there */
export function addChunk(pieces: Uint8Array[], chunk: Uint8Array): number {
  checkChunk(chunk);
  if (chunk.length === 0) return 0;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(chunk.length);
  pieces.push(head, chunk);
  return HEAD_BYTES + chunk.length;
}

/** @throws RangeError when it could not be read again */
export function checkChunk({ length }: Uint8Array): void {
  if (length <= MAX_CHUNK_BYTES) return;
  throw new RangeError(
    `the state object gave a chunk of ${length} bytes, and at most ${MAX_CHUNK_BYTES} can be read again`,
  );
}

export interface ChunkReader {
  /** The next bytes of a section, wherever they were cut; they are not kept. @throws StorageDamagedError */
  take(piece: Uint8Array): void;
  /** The section ends here. @throws StorageDamagedError when it ends within a chunk */
  endSection(): void;
}

/**
 * Takes sections apart again, in the memory of one chunk.
 * @param chunk gets each one; its bytes may change after the call
 */
export function chunkReader(chunk: (bytes: Uint8Array) => void): ChunkReader {
  const head = Buffer.alloc(HEAD_BYTES);
  let inHead = 0;
  /** The chunk whose head was read, and what came of it before; its memory is made when it is in more than one piece. */
  let length = 0;
  let body: Buffer | undefined;
  let inBody = 0;

  function takeHead(piece: Uint8Array, at: number): number {
    const end = Math.min(piece.length, at + HEAD_BYTES - inHead);
    head.set(piece.subarray(at, end), inHead);
    inHead += end - at;
    if (inHead < HEAD_BYTES) return end;
    length = head.readUInt32LE();
    if (length === 0 || length > MAX_CHUNK_BYTES) {
      throw new StorageDamagedError(
        `a section of the state has a chunk of ${length} bytes, and one has 1 to ${MAX_CHUNK_BYTES}: it is damaged`,
      );
    }
    return end;
  }

  function takeBody(piece: Uint8Array, at: number): number {
    const end = Math.min(piece.length, at + length - inBody);
    const part = piece.subarray(at, end);
    if (part.length === length) chunk(part);
    else {
      body ??= Buffer.allocUnsafe(length);
      body.set(part, inBody);
      inBody += part.length;
      if (inBody < length) return end;
      chunk(body);
    }
    [inHead, inBody, body] = [0, 0, undefined];
    return end;
  }

  return {
    take(piece) {
      for (let at = 0; at < piece.length;) at = inHead < HEAD_BYTES ? takeHead(piece, at) : takeBody(piece, at);
    },
    endSection() {
      if (inHead === 0) return;
      throw new StorageDamagedError('a section of the state ends within a chunk: it is damaged');
    },
  };
}
