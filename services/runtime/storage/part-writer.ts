import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';
import { type Chain, type Checkpoint, type Part, type Section, extentsOf } from './manifest.ts';
import { type CheckpointKey, partName, storeFileName } from './file-names.ts';
import { type Source, collect, sourceOf } from './pieces.ts';
import type { SegmentWriter } from './segment-writer.ts';
import { storeFiles } from './store-file.ts';

/** The sessions of a checkpoint. `since`: with those of all checkpoints from this version on, up to its own, it is the whole table. */
export type SessionsSection = { readonly since: number; readonly bytes: Uint8Array };

/**
 * The state of a checkpoint. `since`: with those of all checkpoints from this version on, up to its own, it is the whole state; the
 * checkpoint's own version: it is that by itself. `chunks`: its bytes, which follow each other.
 */
export type StateSection = { readonly since: number; readonly chunks: readonly Uint8Array[] };

/** One that is read piece by piece while it is written. */
export type StreamedSection = { readonly since: number } & Source;

/** The bytes of arguments must not change until `append` has ended. */
export type NewCheckpoint = Omit<Checkpoint, 'incarnation'> & {
  /** `storeFile`: a store in another process wrote it, whole, to `storeFile(worldLine, version)`. */
  readonly state: StateSection | StreamedSection | 'storeFile';
  readonly sessions: SessionsSection;
};

/** The sections of a new checkpoint, and the bytes of those that go into the manifest. */
export type WrittenParts = Readonly<Record<Chain, Section>> & { readonly inline: readonly Uint8Array[] };

export interface PartWriter {
  /**
   * Makes the parts durable that do not go into the manifest, those larger than `inlineLimit`. May be called again after a failure.
   * @throws system errors
   */
  write(key: CheckpointKey, checkpoint: NewCheckpoint, inlineLimit: number): Promise<WrittenParts>;
  /** The files that a store's own file may be in on its way. */
  filesOf(key: CheckpointKey, checkpoint: NewCheckpoint): readonly string[];
  /** The checkpoint is in the manifest. */
  forget(key: CheckpointKey): void;
  /** What was written for a checkpoint will not be in the manifest. */
  giveUp(key: CheckpointKey, parts: WrittenParts): void;
}

/** `inline`: the bytes of a part that goes into the manifest. */
type Written = { readonly part: Part; readonly inline: readonly Uint8Array[] };

export function partWriter(disk: Disk, segments: SegmentWriter): PartWriter {
  const stores = storeFiles(disk);

  async function writePart(key: CheckpointKey, chain: Chain, source: Source, inlineLimit: number): Promise<Written> {
    const { bytes } = source;
    if (bytes > inlineLimit) {
      return { part: { place: 'segments', bytes, extents: await segments.write(key, chain, source) }, inline: [] };
    }
    const whole = await collect(source.read());
    return { part: { place: 'inline', bytes, checksum: crc32(whole), at: 0 }, inline: [whole] };
  }

  async function takeStoreFile(key: CheckpointKey): Promise<Written> {
    const part = await stores.take(key);
    await disk.syncDirectory();
    return { part, inline: [] };
  }

  return {
    async write(key, { state, sessions }, inlineLimit) {
      const first =
        state === 'storeFile'
          ? await takeStoreFile(key)
          : await writePart(key, 'state', 'chunks' in state ? sourceOf(state.chunks) : state, inlineLimit);
      const second = await writePart(key, 'sessions', sourceOf([sessions.bytes]), inlineLimit).catch(
        (error: unknown) => {
          segments.giveBack(extentsOf(first.part));
          throw error;
        },
      );
      return {
        state: { ...first.part, since: state === 'storeFile' ? key.version : state.since },
        sessions: { ...second.part, since: sessions.since },
        inline: [...first.inline, ...second.inline],
      };
    },
    giveUp(key, { state, sessions }) {
      for (const part of [state, sessions]) segments.giveBack(extentsOf(part));
      stores.forget(key);
    },
    filesOf: (key, { state }) => (state === 'storeFile' ? [partName(key, 'state'), storeFileName(key)] : []),
    forget: (key) => stores.forget(key),
  };
}
