import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, pathOf, withFile } from './disk.ts';
import { StorageDamagedError, systemCode } from './errors.ts';
import { HEADER_BYTES, decodeFixed, decodeMeta, encodeHead, sealHead } from './frame.ts';
import { CHUNK_BYTES } from './limits.ts';
import type { Chain, Identity, Part } from './manifest.ts';
import { type CheckpointKey, partName } from './names.ts';

/** Writes one part of a checkpoint into its own file, durable once the directory is synced too. */
export async function writePartFile(
  disk: Disk,
  identity: Identity,
  key: CheckpointKey,
  kind: Chain,
  chunks: readonly Uint8Array[],
  bytes: number,
): Promise<Part> {
  const { incarnation, worldLine, version } = key;
  const meta = { ...identity, incarnation, worldLine, version };
  const head = encodeHead(kind, { incarnation, edition: 0, position: 0 }, meta, bytes);
  return withFile(disk, partName(key, kind), 'create', async (file) => {
    let checksum = 0;
    let end = head.length;
    for (const piece of inPieces(chunks)) {
      checksum = crc32(piece, checksum);
      await file.writeAt(end, piece);
      end += piece.length;
    }
    await file.writeAt(0, sealHead(head, checksum));
    await file.datasync();
    return { place: 'file', bytes, checksum, at: 0 };
  });
}

function* inPieces(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) yield chunk.subarray(at, at + CHUNK_BYTES);
  }
}

/** Length and checksum of a file that a store wrote. */
export async function measure(file: DiskFile): Promise<Part> {
  const bytes = await file.size();
  let checksum = 0;
  for await (const chunk of inChunks(file, 0, bytes)) checksum = crc32(chunk, checksum);
  return { place: 'store', bytes, checksum, at: 0 };
}

/** Copies a file that a store wrote, durably, and measures what it wrote. */
export async function copyFile(disk: Disk, from: string, to: string): Promise<Part> {
  return withFile(disk, from, 'read', (source) =>
    withFile(disk, to, 'create', async (target) => {
      const bytes = await source.size();
      let checksum = 0;
      for (let at = 0; at < bytes; at += CHUNK_BYTES) {
        const chunk = await source.read(at, Math.min(CHUNK_BYTES, bytes - at));
        checksum = crc32(chunk, checksum);
        await target.writeAt(at, chunk);
      }
      await target.datasync();
      return { place: 'store', bytes, checksum, at: 0 };
    }),
  );
}

/** How much of a part's file to look at. */
export type Depth = 'present' | 'whole';

/** What is wrong with the file of a part, in words; undefined when nothing is. */
export async function checkPartFile(
  disk: Disk,
  key: CheckpointKey,
  kind: Chain,
  part: Part,
  depth: Depth,
): Promise<string | undefined> {
  const name = partName(key, kind);
  try {
    await withFile(disk, name, 'read', async (file) => {
      const payloadAt = await payloadStart(disk, name, key, kind, part, file);
      if (depth === 'present') return;
      const pieces = readPayload(disk, name, part, file, payloadAt);
      while ((await pieces.next()).done !== true);
    });
    return undefined;
  } catch (error) {
    if (error instanceof StorageDamagedError) return error.message;
    if (systemCode(error) === 'ENOENT') return `${pathOf(disk, name)} is missing`;
    throw error;
  }
}

/**
 * The bytes of a part that has its own file, in pieces; that they are as they were written is known with the last one.
 * @throws StorageDamagedError when the file is not as it was written
 */
export async function* readPartFile(disk: Disk, key: CheckpointKey, kind: Chain, part: Part): AsyncGenerator<Buffer> {
  const name = partName(key, kind);
  const file = await openPart(disk, name);
  try {
    const payloadAt = await payloadStart(disk, name, key, kind, part, file);
    yield* readPayload(disk, name, part, file, payloadAt);
  } finally {
    await file.close();
  }
}

async function openPart(disk: Disk, name: string): Promise<DiskFile> {
  try {
    return await disk.open(name, 'read');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw damagedPart(disk, name, 'is missing');
    throw error;
  }
}

/** Checks length and description of the file; where the part begins in it. */
async function payloadStart(
  disk: Disk,
  name: string,
  key: CheckpointKey,
  kind: Chain,
  part: Part,
  file: DiskFile,
): Promise<number> {
  const size = await file.size();
  const start = part.place === 'store' ? 0 : await headSize(file, key, kind, part);
  if (start === undefined) throw damagedPart(disk, name, 'does not begin with the description of this checkpoint');
  if (size !== start + part.bytes) {
    throw damagedPart(disk, name, `has ${size} bytes instead of ${start + part.bytes}`);
  }
  return start;
}

async function headSize(file: DiskFile, key: CheckpointKey, kind: Chain, part: Part): Promise<number | undefined> {
  const head = decodeFixed(await file.read(0, HEADER_BYTES));
  if (head?.kind !== kind || head.address.incarnation !== key.incarnation) return undefined;
  if (head.payloadBytes !== part.bytes || head.payloadChecksum !== part.checksum) return undefined;
  const size = HEADER_BYTES + head.metaBytes;
  return decodeMeta(await file.read(0, size), head) === undefined ? undefined : size;
}

async function* readPayload(
  disk: Disk,
  name: string,
  part: Part,
  file: DiskFile,
  payloadAt: number,
): AsyncGenerator<Buffer> {
  let checksum = 0;
  for await (const piece of inChunks(file, payloadAt, part.bytes)) {
    checksum = crc32(piece, checksum);
    yield piece;
  }
  if (checksum !== part.checksum) throw damagedPart(disk, name, 'does not have the checksum that it was written with');
}

async function* inChunks(file: DiskFile, start: number, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES) yield await file.read(start + at, Math.min(CHUNK_BYTES, bytes - at));
}

function damagedPart(disk: Disk, name: string, what: string): StorageDamagedError {
  return new StorageDamagedError(
    `${pathOf(disk, name)} ${what}: this checkpoint cannot be restored. Restore the directory from a backup, or remove ` +
      'the worker by force and add it again with state: empty in its entry, which loses what it held',
  );
}
