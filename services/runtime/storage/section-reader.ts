/** Reads sections of checkpoints from wherever they are. */
import { type Disk, type DiskFile, pathOf } from './disk.ts';
import { StorageDamagedError, systemCode, unusable } from './errors.ts';
import type { InlineSource } from './manifest-log.ts';
import { type Chain, type Extent, type Outside, type Section } from './manifest.ts';
import { type CheckpointKey, partName } from './file-names.ts';
import { type Depth, checkPartFile, readPartFile } from './part-files.ts';
import { payloadStart, readPayload, readThrough } from './section-frames.ts';

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
  await readThrough(readExtent(disk, key, chain, extent));
}

async function* readExtent(disk: Disk, key: CheckpointKey, chain: Chain, extent: Extent): AsyncGenerator<Buffer> {
  const { file, start, place } = await openExtent(disk, key, chain, extent);
  try {
    yield* readPayload(file, start, extent, (what) => unusable(`${place} ${what}`));
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
