import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, pathOf, withFile } from './disk.ts';
import { StorageDamagedError, StorageLimitError, isGone } from './errors.ts';
import { RECORD_LIMIT_BYTES } from './limits.ts';
import { temporary } from './file-names.ts';
import { missingOf, volumeLost } from './missing-files.ts';

/**
 * One logical record that is replaced again and again, in two files that are written in turn. Each holds, little-endian:
 *
 *     u32 magic, u32 format, u64 counter, u32 length, u32 CRC-32 of the other fields and the payload, payload
 *
 * A write only ever touches the slot that does not hold the last durable record. The slots are separate files, so that a
 * record that grows cannot run into the other one. A slot comes into being complete (written aside, synced, renamed),
 * hence one that exists and is not valid was torn by a later write, or damaged.
 */
const MAGIC = 0x53525044; // the letters DPRS
const FORMAT = 1;
const HEADER_BYTES = 24;
const CHECKSUM_AT = 20;

export interface TwoSlotFile {
  /** What the file held when it was opened; absent when it never existed. */
  readonly recovered: { readonly record: Buffer; readonly counter: number } | undefined;
  /** The file that was there but could not be believed when the other one was chosen: a torn write, or damage. */
  readonly distrusted: string | undefined;
  /**
   * Replaces the record and resolves with its counter once it is durable. One write at a time. A failed one may be tried
   * again, also with another record; until one succeeds, the last durable record stays untouched.
   * @throws VolumeLostError, StorageLimitError, StorageDamagedError, system errors
   */
  write(record: Uint8Array): Promise<number>;
  /**
   * To be asked before any peer is told that a record is durable: the next process goes by names.
   * @throws VolumeLostError when a slot is not under its name any more, system errors
   */
  refuseIfLost(): Promise<void>;
  close(): Promise<void>;
}

/** `bytes`: of what was written to the open file last. */
type Slot = { readonly name: string; state: 'absent' | 'present'; file: DiskFile | undefined; bytes: number };
type Content = { readonly slot: Slot; readonly bytes: Buffer; readonly counter: number };

/**
 * Opens `<name>-0` and `<name>-1`. The newer valid record is written and synced again where it is before this resolves: it
 * may have been read from a cache that never reached the disk, and the next write would then endanger the older one, the
 * only durable one.
 * @throws StorageDamagedError when the file existed but no slot is valid
 */
export async function openTwoSlotFile(disk: Disk, name: string): Promise<TwoSlotFile> {
  const names = await disk.list();
  const slots = [`${name}-0`, `${name}-1`].map((slot): Slot => ({
    name: slot,
    state: names.includes(slot) ? 'present' : 'absent',
    file: undefined,
    bytes: 0,
  }));
  const contents: Content[] = [];
  for (const slot of slots) {
    const content = slot.state === 'present' ? await readSlot(disk, slot) : undefined;
    if (content !== undefined) contents.push(content);
  }
  const [first, second] = contents;
  const newest = second !== undefined && first !== undefined && second.counter > first.counter ? second : first;
  if (newest === undefined) {
    if (slots.some((slot) => slot.state === 'present')) throw noValidSlot(disk, slots);
    return twoSlots(disk, slots, undefined, undefined);
  }
  await disk.syncDirectory();
  await overwrite(disk, newest.slot, newest.bytes);
  const distrusted = slots.find((slot) => slot.state === 'present' && !contents.some((one) => one.slot === slot));
  return twoSlots(disk, slots, newest, distrusted && pathOf(disk, distrusted.name));
}

function twoSlots(
  disk: Disk,
  slots: readonly Slot[],
  newest: Content | undefined,
  distrusted: string | undefined,
): TwoSlotFile {
  let counter = newest?.counter ?? 0;
  let holder = newest?.slot;
  let writing = false;

  /** A record that is durable is one that the next process finds: in this slot, and the one before it in the other. */
  async function refuseIfLost(): Promise<void> {
    const present = slots.filter(({ state }) => state === 'present');
    const opened = present.flatMap(({ file, name, bytes }) => (file === undefined ? [] : [{ file, name, bytes }]));
    const others = present.filter(({ file }) => file === undefined).map(({ name }) => name);
    const missing = await missingOf(disk, others, opened);
    if (missing !== undefined) throw volumeLost(disk, missing);
  }

  async function write(record: Uint8Array): Promise<number> {
    assert(!writing, 'a write of a two-slot file must end before the next one begins');
    if (record.length > RECORD_LIMIT_BYTES) {
      throw new StorageLimitError(`a record of ${record.length} bytes exceeds the limit of ${RECORD_LIMIT_BYTES}`);
    }
    const slot = slots.find((one) => one !== holder);
    assert(slot);
    writing = true;
    try {
      const bytes = encodeSlot(counter + 1, record);
      await (slot.state === 'present' ? overwrite(disk, slot, bytes) : create(disk, slot, bytes));
    } catch (error) {
      // A slot that is gone cannot be opened, and neither can one in a directory that is gone.
      if (isGone(error)) await refuseIfLost();
      throw error;
    } finally {
      writing = false;
    }
    holder = slot;
    return ++counter;
  }

  return {
    recovered: newest && { record: newest.bytes.subarray(HEADER_BYTES), counter: newest.counter },
    distrusted,
    write,
    refuseIfLost,
    async close() {
      for (const slot of slots) await slot.file?.close();
    },
  };
}

/** In place, so that it succeeds on a full disk. */
async function overwrite(disk: Disk, slot: Slot, bytes: Buffer): Promise<void> {
  const unproven = slot.file === undefined;
  const file = slot.file ?? (await disk.open(slot.name, 'write'));
  slot.file = undefined;
  try {
    await file.writeAt(0, bytes);
    await file.datasync();
    if (unproven) await readBack(disk, slot, file, bytes);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  slot.file = file;
  slot.bytes = bytes.length;
}

/** The first use of a file, and the first after a failure, is verified. */
async function readBack(disk: Disk, slot: Slot, file: DiskFile, bytes: Buffer): Promise<void> {
  if ((await file.read(0, bytes.length)).equals(bytes)) return;
  throw new StorageDamagedError(`${pathOf(disk, slot.name)} does not hold what was just written to it; check the disk`);
}

async function create(disk: Disk, slot: Slot, bytes: Buffer): Promise<void> {
  const file = await disk.open(temporary(slot.name), 'create');
  try {
    await file.writeAt(0, bytes);
    await file.datasync();
    await disk.rename(temporary(slot.name), slot.name);
    await disk.syncDirectory();
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  slot.state = 'present';
  slot.file = file;
  slot.bytes = bytes.length;
}

async function readSlot(disk: Disk, slot: Slot): Promise<Content | undefined> {
  return withFile(disk, slot.name, 'read', async (file) =>
    decodeSlot(slot, await file.read(0, Math.min(await file.size(), HEADER_BYTES + RECORD_LIMIT_BYTES))),
  );
}

function encodeSlot(counter: number, record: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + record.length);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(FORMAT, 4);
  bytes.writeBigUInt64LE(BigInt(counter), 8);
  bytes.writeUInt32LE(record.length, 16);
  bytes.set(record, HEADER_BYTES);
  bytes.writeUInt32LE(checksumOf(bytes), CHECKSUM_AT);
  return bytes;
}

/** Bytes behind the record are left over from a longer one. */
function decodeSlot(slot: Slot, bytes: Buffer): Content | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== FORMAT)
    return undefined;
  const end = HEADER_BYTES + bytes.readUInt32LE(16);
  const counter = Number(bytes.readBigUInt64LE(8));
  if (end > bytes.length || !Number.isSafeInteger(counter)) return undefined;
  const content = bytes.subarray(0, end);
  return checksumOf(content) === bytes.readUInt32LE(CHECKSUM_AT) ? { slot, bytes: content, counter } : undefined;
}

function checksumOf(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, CHECKSUM_AT)));
}

function noValidSlot(disk: Disk, slots: readonly Slot[]): StorageDamagedError {
  const found = slots.map(
    (slot) => `${pathOf(disk, slot.name)} is ${slot.state === 'absent' ? 'missing' : 'not valid'}`,
  );
  return new StorageDamagedError(
    `${found.join(' and ')}: a crash cannot do this, so the disk or a program damaged the files. Restore both from a ` +
      'backup of this directory. To start with nothing instead, and lose what was recorded, remove both',
  );
}
