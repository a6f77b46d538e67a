import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';
import { StorageLimitError } from './errors.ts';
import { PAYLOAD_LIMIT_BYTES } from './limits.ts';
import type { Chain, Checkpoint, Identity, Part, Section } from './manifest.ts';
import { type CheckpointKey, partName, storeFileName } from './names.ts';
import { writePartFile } from './part-files.ts';
import { storeFiles } from './store-file.ts';

/** The sessions of a checkpoint. `since`: with those of all checkpoints from this version on, up to its own, it is the whole table. */
export type SessionsSection = { readonly since: number; readonly bytes: Uint8Array };

/**
 * The state of a checkpoint. `since`: with those of all checkpoints from this version on, up to its own, it is the whole state; the
 * checkpoint's own version: it is that by itself. `chunks`: its bytes, which follow each other.
 */
export type StateSection = { readonly since: number; readonly chunks: readonly Uint8Array[] };

/** The bytes of arguments must not change until `append` has ended. */
export type NewCheckpoint = Omit<Checkpoint, 'incarnation'> & {
  /** `storeFile`: a store in another process wrote it, whole, to `storeFile(worldLine, version)`. */
  readonly state: StateSection | 'storeFile';
  readonly sessions: SessionsSection;
};

/** The sections of a new checkpoint, and the bytes of those that go into the manifest. */
export type WrittenParts = Readonly<Record<Chain, Section>> & { readonly inline: readonly Uint8Array[] };

/** `inlineLimit`: parts larger than this have files of their own. */
export interface PartWriter {
  /** Makes the parts durable that have files of their own. May be called again after a failure. */
  write(key: CheckpointKey, checkpoint: NewCheckpoint, inlineLimit: number): Promise<WrittenParts>;
  /** The files that `write` makes. */
  filesOf(key: CheckpointKey, checkpoint: NewCheckpoint, inlineLimit: number): string[];
  /** The checkpoint is in the manifest. */
  forget(key: CheckpointKey): void;
}

type Chunks = readonly Uint8Array[];

export function partWriter(disk: Disk, identity: Identity): PartWriter {
  const stores = storeFiles(disk);

  async function writePart(key: CheckpointKey, kind: Chain, chunks: Chunks, isInline: boolean): Promise<Part> {
    const bytes = bytesOf(chunks);
    if (bytes > PAYLOAD_LIMIT_BYTES) {
      throw new StorageLimitError(`a ${kind} of ${bytes} bytes exceeds the limit of ${PAYLOAD_LIMIT_BYTES}`);
    }
    if (!isInline) return writePartFile(disk, identity, key, kind, chunks, bytes);
    return { place: 'inline', bytes, checksum: chunks.reduce((sum, chunk) => crc32(chunk, sum), 0), at: 0 };
  }

  return {
    async write(key, checkpoint, inlineLimit) {
      const { state, sessions } = chunksOf(checkpoint);
      const isInline = fitsIn(inlineLimit);
      const statePart =
        state === 'storeFile' ? await stores.take(key) : await writePart(key, 'state', state, isInline(state));
      const sessionsPart = await writePart(key, 'sessions', sessions, isInline(sessions));
      if (statePart.place !== 'inline' || sessionsPart.place !== 'inline') await disk.syncDirectory();
      const stateSince = checkpoint.state === 'storeFile' ? key.version : checkpoint.state.since;
      return {
        state: { ...statePart, since: stateSince },
        sessions: { ...sessionsPart, since: checkpoint.sessions.since },
        inline: [state, sessions].filter(isInline).flat(),
      };
    },
    filesOf(key, checkpoint, inlineLimit) {
      const { state, sessions } = chunksOf(checkpoint);
      const isInline = fitsIn(inlineLimit);
      return [
        ...(isInline(state) ? [] : [partName(key, 'state')]),
        ...(state === 'storeFile' ? [storeFileName(key)] : []),
        ...(isInline(sessions) ? [] : [partName(key, 'sessions')]),
      ];
    },
    forget: (key) => stores.forget(key),
  };
}

function chunksOf({ state, sessions }: NewCheckpoint): { state: Chunks | 'storeFile'; sessions: Chunks } {
  return { state: state === 'storeFile' ? state : state.chunks, sessions: [sessions.bytes] };
}

function fitsIn(inlineLimit: number) {
  return (part: Chunks | 'storeFile'): part is Chunks => part !== 'storeFile' && bytesOf(part) <= inlineLimit;
}

function bytesOf(chunks: Chunks): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
