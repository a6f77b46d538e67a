/**
 * An incremental state and its checkpoints. Each has a section, which is a row of chunks: base slices that were taken while its version was
 * open, then its changes.
 */
import { StorageDamagedError } from '../../storage/index.ts';
import type { IncrementalState, SealedChanges } from '../incremental-state.ts';
import type { Link } from './chain.ts';
import { addChunk, chunkReader } from './chunk-framing.ts';
import { SECTION_LIMITS, type SectionLimits } from './limits.ts';
import { sweeper, type Sweeper } from './sweeper.ts';
import { backgroundWork, nextTurn, takeTurn, type TurnHost } from './time-slices.ts';

/** The section of a sealed version, which is not encoded yet. */
export interface SealedSection {
  /** With the sections of all checkpoints from this version on, up to its own, it is the whole state. */
  readonly since: number;
  /**
   * Encode it in short turns; a second call gives the same.
   * @returns its bytes, in pieces, of which there may be none; undefined: its version was rolled back, or the worker ends
   * @throws RangeError when a chunk is too large, and what the state throws
   */
  encode(): Promise<readonly Uint8Array[] | undefined>;
}

/** Takes the sections of a checkpoint, oldest first. Nothing else is asked of the state before `end`. */
export interface ChainLoader {
  /** The next bytes of a section, wherever they were cut; they are not kept. @throws StorageDamagedError, and what the state throws */
  take(piece: Uint8Array): void;
  /** The section ends here. @throws StorageDamagedError when it ends within a chunk */
  endSection(): void;
  /**
   * That was all: the state is `version`, and committed.
   * @param since the version of the first section; undefined: there is none, and the state is empty
   */
  end(version: number, since: number | undefined): void;
}

export interface StateSections {
  /** End the open version. */
  seal(version: number): SealedSection;
  /** Undo in memory what executed after `version`. What is above is not encoded any more. */
  rollback(version: number): void;
  /** No rollback goes below `version` any more. What was kept for one is released in short turns. */
  committed(version: number): void;
  /** So many sealed versions are not on the disk yet; none are after a rollback or a load. */
  behind(unwritten: number): void;
  /** Replace the state by that of a checkpoint. What was sealed is not encoded any more. */
  load(): ChainLoader;
  /** Nothing more happens by itself. */
  stop(): void;
}

interface Pending {
  readonly version: number;
  readonly link: Link;
  readonly slices: readonly Uint8Array[];
  readonly changes: SealedChanges;
  isUndone: boolean;
}

export function stateSections(
  host: TurnHost,
  object: IncrementalState,
  limits: SectionLimits = SECTION_LIMITS,
): StateSections {
  const sweep = sweeper(host, object, limits);
  const release = backgroundWork(host, limits.turnRecords, () =>
    object.release(limits.releaseRecords) ? limits.releaseRecords : undefined,
  );
  /** What is sealed and not encoded, in order. */
  let pending: Pending[] = [];

  function undo(isAbove: (version: number) => boolean): void {
    for (const section of pending) section.isUndone ||= isAbove(section.version);
    pending = pending.filter(({ isUndone }) => !isUndone);
  }

  return {
    seal(version) {
      sweep.complete();
      const changes = object.seal(version);
      const section: Pending = { version, ...sweep.sealed(version), changes, isUndone: false };
      pending.push(section);
      let encoded: Promise<readonly Uint8Array[] | undefined> | undefined;
      const encode = async () => {
        const pieces = await encodeSection(host, section, limits);
        pending = pending.filter((one) => one !== section);
        if (!section.isUndone) sweep.encoded();
        return pieces;
      };
      return { since: section.link.since, encode: () => (encoded ??= encode()) };
    },
    rollback(version) {
      undo((sealed) => sealed > version);
      object.rollback(version);
      sweep.wentBack(version);
    },
    committed(version) {
      object.committed(version);
      sweep.committed(version);
      release.start();
    },
    behind: (unwritten) => sweep.behind(unwritten),
    load() {
      undo(() => true);
      release.stop();
      sweep.pause();
      return chainLoader(object, sweep);
    },
    stop() {
      undo(() => true);
      release.stop();
      sweep.pause();
    },
  };
}

async function encodeSection(
  host: TurnHost,
  section: Pending,
  { chunkBytes, turnBytes }: SectionLimits,
): Promise<readonly Uint8Array[] | undefined> {
  const { link, slices, changes } = section;
  const pieces: Uint8Array[] = [];
  for (const slice of slices) addChunk(pieces, slice);
  let more = true;
  while (more && !section.isUndone) {
    more = takeTurn(host, turnBytes, () => {
      const chunk = changes.next(chunkBytes);
      if (chunk === undefined) return undefined;
      const bytes = addChunk(pieces, chunk);
      link.changes += bytes;
      return bytes;
    });
    if (more) await nextTurn(host);
  }
  return section.isUndone ? undefined : pieces;
}

function chainLoader(object: IncrementalState, sweep: Sweeper): ChainLoader {
  const loader = object.load();
  const reader = chunkReader((chunk) => {
    try {
      loader.take(chunk);
    } catch (error) {
      throw new StorageDamagedError('the state cannot be read from its checkpoint', { cause: error });
    }
  });
  let sections = 0;
  let bytes = 0;
  return {
    take(piece) {
      bytes += piece.length;
      reader.take(piece);
    },
    endSection() {
      sections++;
      reader.endSection();
    },
    end(version, since) {
      loader.end(version);
      sweep.loaded(version, since, sections, bytes);
    },
  };
}
