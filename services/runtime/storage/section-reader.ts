/** Reads sections of checkpoints from wherever they are. */
import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, pathOf } from './disk.ts';
import { StorageDamagedError, systemCode, unusable } from './errors.ts';
import { HEADER_BYTES, decodeFixed, decodeMeta } from './frame.ts';
import type { InlineSource } from './manifest-log.ts';
import { type Chain, type Extent, type Outside, type Section } from './manifest.ts';
import { type CheckpointKey, partName } from './names.ts';
import { type Depth, checkPartFile, readPartFile } from './part-files.ts';
import { inChunks } from './pieces.ts';

/**
 * The bytes of a section in pieces of CHUNK_BYTES at most; that they are as they were written is known with the last one.
 * @throws StorageDamagedError when they are not
 */
export async function* readSection(
  disk: Disk,
  inline: InlineSource,
  key: CheckpointKey,
  chain: Chain,
  section: Section,
): AsyncGenerator<Buffer> {
  if (section.place === 'inline') yield await inline(section);
  else if (section.place === 'segments')
    for (const extent of section.extents) yield* readExtent(disk, key, chain, extent);
  else yield* readPartFile(disk, key, chain, section);
}

/** What is wrong with a section that is not in the manifest, in words; undefined when nothing is. */
export async function checkSection(disk: Disk, one: Outside, depth: Depth): Promise<string | undefined> {
  const { entry, chain, section } = one;
  if (section.place !== 'segments') return checkPartFile(disk, entry, chain, section, depth);
  try {
    for (const extent of section.extents) await checkExtent(disk, entry, chain, extent, depth);
    return undefined;
  } catch (error) {
    if (error instanceof StorageDamagedError) return error.message;
    throw error;
  }
}

async function checkExtent(disk: Disk, key: CheckpointKey, chain: Chain, extent: Extent, depth: Depth): Promise<void> {
  if (depth === 'present') {
    const { file } = await openExtent(disk, key, chain, extent);
    return file.close();
  }
  const pieces = readExtent(disk, key, chain, extent);
  while ((await pieces.next()).done !== true);
}

async function* readExtent(disk: Disk, key: CheckpointKey, chain: Chain, extent: Extent): AsyncGenerator<Buffer> {
  const { file, start, place } = await openExtent(disk, key, chain, extent);
  try {
    let checksum = 0;
    for await (const piece of inChunks(file, start, extent.bytes)) {
      checksum = crc32(piece, checksum);
      yield piece;
    }
    if (checksum !== extent.checksum) throw unusable(`${place} does not have the checksum that it was written with`);
  } finally {
    await file.close();
  }
}

/** The segment, `start`: where the bytes begin in it. `place`: for messages. */
type OpenExtent = { readonly file: DiskFile; readonly start: number; readonly place: string };

async function openExtent(disk: Disk, key: CheckpointKey, chain: Chain, extent: Extent): Promise<OpenExtent> {
  const place = `${partName(key, chain)} in ${pathOf(disk, extent.file)} at byte ${extent.at}`;
  const file = await openSegment(disk, extent, place);
  try {
    const start = await payloadStart(file, key, chain, extent);
    if (start === undefined) throw unusable(`${place} does not begin with the description of this checkpoint`);
    const [size, end] = [await file.size(), start + extent.bytes];
    if (size < end) throw unusable(`${place} ends at byte ${size} instead of ${end}`);
    return { file, start, place };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openSegment(disk: Disk, { file }: Extent, place: string): Promise<DiskFile> {
  try {
    return await disk.open(file, 'read');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw unusable(`${place} is missing`);
    throw error;
  }
}

/** Where the bytes begin; undefined when another frame is there, perhaps one that was written there before or since. */
async function payloadStart(
  file: DiskFile,
  { incarnation, worldLine, version }: CheckpointKey,
  chain: Chain,
  { at, bytes, checksum }: Extent,
): Promise<number | undefined> {
  const head = decodeFixed(await file.read(at, HEADER_BYTES));
  if (head?.kind !== chain || head.address.incarnation !== incarnation || head.address.position !== at)
    return undefined;
  if (head.payloadBytes !== bytes || head.payloadChecksum !== checksum) return undefined;
  const length = HEADER_BYTES + head.metaBytes;
  const meta = decodeMeta(await file.read(at, length), head) as Partial<CheckpointKey> | undefined;
  return meta?.version === version && meta.worldLine === worldLine ? at + length : undefined;
}
