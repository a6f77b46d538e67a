/** The frame of a section, or of a part of one, wherever it is in a file: found, and read back piece by piece. */
import { crc32 } from 'node:zlib';
import type { DiskFile } from './disk.ts';
import { HEADER_BYTES, decodeFixed, decodeMeta } from './frame.ts';
import type { Chain } from './manifest.ts';
import type { CheckpointKey } from './file-names.ts';
import { inChunks } from './pieces.ts';

/** What the manifest says of the frame: where it begins in its file, and what its payload is. */
export type Expected = { readonly at: number; readonly bytes: number; readonly checksum: number };

/** Where the payload begins; undefined when another frame is there, perhaps one that was written there before or since. */
export async function payloadStart(
  file: DiskFile,
  { incarnation, worldLine, version }: CheckpointKey,
  chain: Chain,
  { at, bytes, checksum }: Expected,
): Promise<number | undefined> {
  const head = decodeFixed(await file.read(at, HEADER_BYTES));
  if (head?.kind !== chain || head.address.incarnation !== incarnation || head.address.position !== at)
    return undefined;
  if (head.payloadBytes !== bytes || head.payloadChecksum !== checksum) return undefined;
  const length = HEADER_BYTES + head.metaBytes;
  const meta = decodeMeta(await file.read(at, length), head) as Partial<CheckpointKey> | undefined;
  return meta?.version === version && meta.worldLine === worldLine ? at + length : undefined;
}

/**
 * The payload from `start` on, in pieces; that it is as it was written is known with the last one.
 * @param fault the error when it is not
 */
export async function* readPayload(
  file: DiskFile,
  start: number,
  { bytes, checksum }: Pick<Expected, 'bytes' | 'checksum'>,
  fault: (what: string) => Error,
): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const piece of inChunks(file, start, bytes)) {
    sum = crc32(piece, sum);
    yield piece;
  }
  if (sum !== checksum) throw fault('does not have the checksum that it was written with');
}

/** Read them for what their end tells. */
export async function readThrough(pieces: AsyncGenerator<Buffer>): Promise<void> {
  while ((await pieces.next()).done !== true);
}
