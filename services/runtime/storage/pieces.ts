import type { DiskFile } from './disk.ts';
import { CHUNK_BYTES } from './limits.ts';

/** Bytes that are written piece by piece. Each reading gives the same. */
export type Source = { readonly bytes: number; readonly read: () => Pieces };
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The chunks, which follow each other, in pieces of CHUNK_BYTES; many small ones are joined, as each write costs more than the copy. */
export function sourceOf(chunks: readonly Uint8Array[]): Source {
  return { bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0), read: () => inPieces(chunks) };
}

function* inPieces(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let room = CHUNK_BYTES;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + room);
      at += part.length;
      room -= part.length;
      gathered.push(part);
      if (room > 0) continue;
      yield joined(gathered);
      gathered = [];
      room = CHUNK_BYTES;
    }
  }
  if (gathered.length > 0) yield joined(gathered);
}

/** `bytes` of the file from `start` on, in pieces of CHUNK_BYTES at most. */
export async function* inChunks(file: DiskFile, start: number, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES) yield await file.read(start + at, Math.min(CHUNK_BYTES, bytes - at));
}

/** All of it. */
export async function collect(pieces: Pieces): Promise<Buffer> {
  const gathered: Uint8Array[] = [];
  for await (const piece of pieces) gathered.push(piece);
  return joined(gathered);
}

function joined(parts: readonly Uint8Array[]): Buffer {
  const [first] = parts;
  if (parts.length !== 1 || first === undefined) return Buffer.concat(parts);
  return Buffer.from(first.buffer, first.byteOffset, first.length);
}
