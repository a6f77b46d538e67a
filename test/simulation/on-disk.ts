/** What is really on the disks, past the code that keeps it: for the checker, and for faults that aim. */
import { crc32 } from 'node:zlib';
import { decodeRecord, type FinderRecord } from '../../services/core/index.ts';
import { decodeFrame } from '../../services/runtime/storage/frame.ts';
import { RECORD_FILE } from '../../services/runtime/finder/record-file.ts';
import { FRAME_ALIGNMENT_BYTES } from '../../services/runtime/storage/index.ts';
import { manifestIncarnations, manifestName, segmentName } from '../../services/runtime/storage/file-names.ts';
import type { SimDisk } from '../runtime/storage/sim-disk.ts';

export const SLOTS = [`${RECORD_FILE}-0`, `${RECORD_FILE}-1`] as const;
/** Where a slot's fields are. */
const COUNTER_AT = 8;
const LENGTH_AT = 16;
const CHECKSUM_AT = 20;
const HEADER_BYTES = 24;

/** The counter of the record that a slot's bytes hold, 0 if they hold none. */
export function counterOf(bytes: Buffer | undefined): number {
  if (bytes === undefined || bytes.length < HEADER_BYTES) return 0;
  const payload = bytes.subarray(HEADER_BYTES, HEADER_BYTES + bytes.readUInt32LE(LENGTH_AT));
  const isValid = crc32(payload, crc32(bytes.subarray(0, CHECKSUM_AT))) === bytes.readUInt32LE(CHECKSUM_AT);
  return isValid ? Number(bytes.readBigUInt64LE(COUNTER_AT)) : 0;
}

/** The slot that holds the record that was durable last; undefined while nothing is. */
export function newestSlot(disk: SimDisk): (typeof SLOTS)[number] | undefined {
  const [first, second] = SLOTS;
  const [one, other] = [counterOf(disk.durable(first)), counterOf(disk.durable(second))];
  if (one === other) return undefined;
  return one > other ? first : second;
}

/** The record that a start would find on the disk after any loss of power now; undefined while there is none. */
export function durableRecord(disk: SimDisk): FinderRecord | undefined {
  const [first, second] = SLOTS.map((slot) => disk.durable(slot));
  const newest = counterOf(second) > counterOf(first) ? second : first;
  if (newest === undefined || counterOf(newest) === 0) return undefined;
  return decodeRecord(newest.subarray(HEADER_BYTES, HEADER_BYTES + newest.readUInt32LE(LENGTH_AT)));
}

/** The newest generation on a volume and its newest incarnation, 0 for none; as every process sees them. */
export function newestOn(disk: SimDisk): { readonly generation: number; readonly incarnation: number } {
  const generation = Math.max(0, ...disk.names().map((name) => Number(/^generation-(\d+)$/.exec(name)?.[1] ?? 0)));
  const names = disk.inside(`generation-${generation}`)?.names() ?? [];
  return { generation, incarnation: manifestIncarnations(names).at(-1) ?? 0 };
}

/** What a frame of a manifest says of a checkpoint: where its state is. */
interface ListedCheckpoint {
  readonly incarnation: number;
  readonly worldLine: number;
  readonly version: number;
  readonly restorable: boolean;
  readonly state: { readonly place: string; readonly extents?: readonly (readonly [number, number, number, number])[] };
}

/** Is the checkpoint's own section of the state durable? */
function isThere(volume: SimDisk, { incarnation, version, state }: ListedCheckpoint): boolean {
  return (state.extents ?? []).every(([segment, at]) => {
    const bytes = volume.durable(segmentName(incarnation, segment));
    const frame = bytes && decodeFrame(bytes, at);
    return frame?.kind === 'state' && (frame.meta as { version: number }).version === version;
  });
}

/** Would the manifest of this incarnation list the checkpoint after any loss of power now? */
export function isOnPlatter(
  disk: SimDisk,
  generation: number,
  incarnation: number,
  worldLine: number,
  version: number,
): boolean {
  const name = `generation-${generation}`;
  const volume = disk.inside(name);
  const bytes = disk.durable(name) && volume?.durable(manifestName(incarnation));
  if (bytes === undefined) return false;
  // Frames are aligned, and it is among the last ones.
  for (let at = bytes.length - (bytes.length % FRAME_ALIGNMENT_BYTES); at >= 0; at -= FRAME_ALIGNMENT_BYTES) {
    const frame = decodeFrame(bytes, at);
    if (frame?.kind !== 'checkpoint') continue;
    const meta = frame.meta as ListedCheckpoint;
    if (meta.version !== version || meta.worldLine !== worldLine) continue;
    return meta.restorable && volume !== undefined && isThere(volume, meta);
  }
  return false;
}

/** The checkpoint that a message tells damage of; Infinity where it names none. */
export function checkpointIn(damage: string): { readonly incarnation: number; readonly version: number } {
  const [, incarnation = Infinity, version = Infinity] = /checkpoint-(\d+)-\d+-(\d+)/.exec(damage) ?? [];
  return { incarnation: Number(incarnation), version: Number(version) };
}
