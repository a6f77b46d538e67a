import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, pathOf, withFile } from './disk.ts';
import { StorageDamagedError, systemCode } from './errors.ts';
import { HEADER_BYTES, decodeFixed, decodeMeta, encodeHead, sealHead } from './frame.ts';
import { CHUNK_BYTES } from './limits.ts';
import type { Identity, Part } from './manifest.ts';
import { type CheckpointKey, partName } from './names.ts';

export type PartKind = 'state' | 'sessions';

/** Writes one part of a checkpoint into its own file, durable once the directory is synced too. */
export async function writePartFile(
  disk: Disk,
  identity: Identity,
  key: CheckpointKey,
  kind: PartKind,
  bytes: Uint8Array,
): Promise<Part> {
  const { incarnation, worldLine, version } = key;
  const meta = { ...identity, incarnation, worldLine, version };
  const head = encodeHead(kind, { incarnation, edition: 0, position: 0 }, meta, bytes.length);
  return withFile(disk, partName(key, kind), 'create', async (file) => {
    let checksum = 0;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      checksum = crc32(chunk, checksum);
      await file.writeAt(head.length + at, chunk);
    }
    await file.writeAt(0, sealHead(head, checksum));
    await file.datasync();
    return { place: 'file', bytes: bytes.length, checksum, at: 0 };
  });
}

/** Length and checksum of a file that a store wrote. */
export async function measure(file: DiskFile): Promise<Part> {
  const bytes = await file.size();
  let checksum = 0;
  await inChunks(file, 0, bytes, (chunk) => {
    checksum = crc32(chunk, checksum);
  });
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
  kind: PartKind,
  part: Part,
  depth: Depth,
): Promise<string | undefined> {
  const name = partName(key, kind);
  try {
    await withFile(disk, name, 'read', async (file) => {
      const payloadAt = await payloadStart(disk, name, key, kind, part, file);
      if (depth === 'whole') await readPayload(disk, name, part, file, payloadAt, () => undefined);
    });
    return undefined;
  } catch (error) {
    if (error instanceof StorageDamagedError) return error.message;
    if (systemCode(error) === 'ENOENT') return `${pathOf(disk, name)} is missing`;
    throw error;
  }
}

/** The bytes of a part that has its own file. @throws StorageDamagedError when that is not as it was written */
export async function readPartFile(disk: Disk, key: CheckpointKey, kind: PartKind, part: Part): Promise<Buffer> {
  const name = partName(key, kind);
  const bytes = Buffer.allocUnsafe(part.bytes);
  try {
    await withFile(disk, name, 'read', async (file) => {
      const payloadAt = await payloadStart(disk, name, key, kind, part, file);
      await readPayload(disk, name, part, file, payloadAt, (chunk, at) => bytes.set(chunk, at));
    });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw damagedPart(disk, name, 'is missing');
    throw error;
  }
  return bytes;
}

/** Checks length and description of the file; where the part begins in it. */
async function payloadStart(
  disk: Disk,
  name: string,
  key: CheckpointKey,
  kind: PartKind,
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

async function headSize(file: DiskFile, key: CheckpointKey, kind: PartKind, part: Part): Promise<number | undefined> {
  const head = decodeFixed(await file.read(0, HEADER_BYTES));
  if (head?.kind !== kind || head.address.incarnation !== key.incarnation) return undefined;
  if (head.payloadBytes !== part.bytes || head.payloadChecksum !== part.checksum) return undefined;
  const size = HEADER_BYTES + head.metaBytes;
  return decodeMeta(await file.read(0, size), head) === undefined ? undefined : size;
}

async function readPayload(
  disk: Disk,
  name: string,
  part: Part,
  file: DiskFile,
  payloadAt: number,
  take: (chunk: Buffer, at: number) => void,
): Promise<void> {
  let checksum = 0;
  await inChunks(file, payloadAt, part.bytes, (chunk, at) => {
    checksum = crc32(chunk, checksum);
    take(chunk, at);
  });
  if (checksum !== part.checksum) throw damagedPart(disk, name, 'does not have the checksum that it was written with');
}

async function inChunks(
  file: DiskFile,
  start: number,
  bytes: number,
  take: (chunk: Buffer, at: number) => void,
): Promise<void> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES)
    take(await file.read(start + at, Math.min(CHUNK_BYTES, bytes - at)), at);
}

function damagedPart(disk: Disk, name: string, what: string): StorageDamagedError {
  return new StorageDamagedError(
    `${pathOf(disk, name)} ${what}: this checkpoint cannot be restored. Restore the directory from a backup, or remove ` +
      'the worker by force and add it again with state: empty in its entry, which loses what it held',
  );
}
