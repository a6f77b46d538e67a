import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';
import { StorageLimitError } from './errors.ts';
import { PAYLOAD_LIMIT_BYTES } from './limits.ts';
import type { Checkpoint, Identity, Part, SessionsPart } from './manifest.ts';
import { type CheckpointKey, partName, storeFileName } from './names.ts';
import { type PartKind, writePartFile } from './part-files.ts';
import { storeFiles } from './store-file.ts';

/** The sessions of a checkpoint. `since`: with those of all checkpoints from this version on, up to its own, it is the whole table. */
export type SessionsSection = { readonly since: number; readonly bytes: Uint8Array };

/** The bytes of arguments must not change until `append` has ended. */
export type NewCheckpoint = Omit<Checkpoint, 'incarnation'> & {
  /** `storeFile`: a store in another process wrote it to `storeFile(worldLine, version)`. */
  readonly state: Uint8Array | 'storeFile';
  readonly sessions: SessionsSection;
};

/** The parts of a new checkpoint, and the bytes of those that go into the manifest. */
export type WrittenParts = {
  readonly state: Part;
  readonly sessions: SessionsPart;
  readonly inline: readonly Uint8Array[];
};

/** `inlineLimit`: parts larger than this have files of their own. */
export interface PartWriter {
  /** Makes the parts durable that have files of their own. May be called again after a failure. */
  write(key: CheckpointKey, checkpoint: NewCheckpoint, inlineLimit: number): Promise<WrittenParts>;
  /** The files that `write` makes. */
  filesOf(key: CheckpointKey, checkpoint: NewCheckpoint, inlineLimit: number): string[];
  /** The checkpoint is in the manifest. */
  forget(key: CheckpointKey): void;
}

export function partWriter(disk: Disk, identity: Identity): PartWriter {
  const stores = storeFiles(disk);

  async function writePart(key: CheckpointKey, kind: PartKind, bytes: Uint8Array, isInline: boolean): Promise<Part> {
    if (bytes.length > PAYLOAD_LIMIT_BYTES) {
      throw new StorageLimitError(`a ${kind} of ${bytes.length} bytes exceeds the limit of ${PAYLOAD_LIMIT_BYTES}`);
    }
    if (!isInline) return writePartFile(disk, identity, key, kind, bytes);
    return { place: 'inline', bytes: bytes.length, checksum: crc32(bytes), at: 0 };
  }

  return {
    async write(key, { state, sessions }, inlineLimit) {
      const isInline = fitsIn(inlineLimit);
      const statePart =
        state === 'storeFile' ? await stores.take(key) : await writePart(key, 'state', state, isInline(state));
      const sessionsPart = await writePart(key, 'sessions', sessions.bytes, isInline(sessions.bytes));
      if (statePart.place !== 'inline' || sessionsPart.place !== 'inline') await disk.syncDirectory();
      const inline = [state, sessions.bytes].filter(isInline);
      return { state: statePart, sessions: { ...sessionsPart, since: sessions.since }, inline };
    },
    filesOf(key, { state, sessions }, inlineLimit) {
      const isInline = fitsIn(inlineLimit);
      return [
        ...(isInline(state) ? [] : [partName(key, 'state')]),
        ...(state === 'storeFile' ? [storeFileName(key)] : []),
        ...(isInline(sessions.bytes) ? [] : [partName(key, 'sessions')]),
      ];
    },
    forget: (key) => stores.forget(key),
  };
}

function fitsIn(inlineLimit: number) {
  return (part: Uint8Array | 'storeFile'): part is Uint8Array => part !== 'storeFile' && part.length <= inlineLimit;
}
