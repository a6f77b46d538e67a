import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, pathOf, withFile } from './disk.ts';
import { StorageDamagedError, systemCode, unusable } from './errors.ts';
import type { Chain, FilePart } from './manifest.ts';
import { type CheckpointKey, partName } from './file-names.ts';
import { inChunks } from './pieces.ts';
import { payloadStart, readPayload, readThrough } from './section-frames.ts';

/** Length and checksum of a file that a store wrote. */
export async function measure(file: DiskFile): Promise<FilePart> {
  const bytes = await file.size();
  let checksum = 0;
  for await (const chunk of inChunks(file, 0, bytes)) checksum = crc32(chunk, checksum);
  return { place: 'store', bytes, checksum };
}

/** Copies a file that a store wrote, durably, and measures what it wrote. */
export async function copyFile(disk: Disk, from: string, to: string): Promise<FilePart> {
  return withFile(disk, from, 'read', (source) =>
    withFile(disk, to, 'create', async (target) => {
      const bytes = await source.size();
      let checksum = 0;
      let at = 0;
      for await (const chunk of inChunks(source, 0, bytes)) {
        checksum = crc32(chunk, checksum);
        await target.writeAt(at, chunk);
        at += chunk.length;
      }
      await target.datasync();
      return { place: 'store', bytes, checksum };
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
  part: FilePart,
  depth: Depth,
): Promise<string | undefined> {
  const name = partName(key, kind);
  try {
    await withFile(disk, name, 'read', async (file) => {
      const start = await startOf(disk, name, key, kind, part, file);
      if (depth === 'whole') await readThrough(readPart(disk, name, part, file, start));
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
export async function* readPartFile(
  disk: Disk,
  key: CheckpointKey,
  kind: Chain,
  part: FilePart,
): AsyncGenerator<Buffer> {
  const name = partName(key, kind);
  const file = await openPart(disk, name);
  try {
    const start = await startOf(disk, name, key, kind, part, file);
    yield* readPart(disk, name, part, file, start);
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
async function startOf(
  disk: Disk,
  name: string,
  key: CheckpointKey,
  kind: Chain,
  part: FilePart,
  file: DiskFile,
): Promise<number> {
  const size = await file.size();
  const start = part.place === 'store' ? 0 : await payloadStart(file, key, kind, { at: 0, ...part });
  if (start === undefined) throw damagedPart(disk, name, 'does not begin with the description of this checkpoint');
  if (size !== start + part.bytes) {
    throw damagedPart(disk, name, `has ${size} bytes instead of ${start + part.bytes}`);
  }
  return start;
}

function readPart(disk: Disk, name: string, part: FilePart, file: DiskFile, start: number): AsyncGenerator<Buffer> {
  return readPayload(file, start, part, (what) => damagedPart(disk, name, what));
}

function damagedPart(disk: Disk, name: string, what: string): StorageDamagedError {
  return unusable(`${pathOf(disk, name)} ${what}`);
}
