/** Reads checkpoints back. */
import { type Disk, pathOf } from './disk.ts';
import { StateTooLargeError, StorageDamagedError } from './errors.ts';
import { type ManifestLog, refuseIfSuperseded } from './manifest-log.ts';
import { type Checkpoint, type Entry, type Part, checkpointOf, sessionsChain } from './manifest.ts';
import { partName } from './names.ts';
import { type PartKind, checkPartFile, readPartFile } from './part-files.ts';

export type Restored = {
  readonly checkpoint: Checkpoint;
  /** `path`: of the file that a store wrote. It belongs to the volume: read it, or copy it, and do not change it. */
  readonly state: { readonly bytes: Buffer } | { readonly path: string };
  /** The version of the first section of its sessions. */
  readonly since: number;
};

/** What a restored checkpoint is read into. */
export type RestoreReader = {
  /**
   * The sections that are the whole session table together, in order and one at a time: they may be several times as large. They
   * were taken for nothing if `restore` rejects.
   */
  readonly take: (section: Buffer) => void;
  /** A state that is larger is not read, unless it is a store's own file. */
  readonly maxStateBytes: number;
};

/** @returns what reads the checkpoint of a version */
export function checkpointReader(
  disk: Disk,
  incarnation: number,
  log: ManifestLog,
): (version: number, reader: RestoreReader) => Promise<Restored> {
  /** What is not as it was may be so because a later incarnation had no use for it any more. */
  async function restore(version: number, reader: RestoreReader): Promise<Restored> {
    try {
      return await read(version, reader);
    } catch (error) {
      if (error instanceof StorageDamagedError) await refuseIfSuperseded(disk, incarnation);
      throw error;
    }
  }

  async function read(version: number, reader: RestoreReader): Promise<Restored> {
    const { entries } = log.state();
    const entry = entries.find((one) => one.version === version && one.state !== undefined);
    if (entry?.state === undefined) throw nothingToRestore(disk, entries, version);
    checkSize(disk, entry.state, reader.maxStateBytes);
    const state =
      entry.state.place === 'store'
        ? { path: await checkedPath(entry, entry.state) }
        : { bytes: await readPart(entry, 'state', entry.state) };
    for (const one of sessionsChain(entries, entry)) reader.take(await readPart(one, 'sessions', one.sessions));
    return { checkpoint: checkpointOf(entry), state, since: entry.sessions.since };
  }

  async function checkedPath(entry: Entry, state: Part): Promise<string> {
    const fault = await checkPartFile(disk, entry, 'state', state, 'whole');
    if (fault !== undefined) throw new StorageDamagedError(fault);
    return pathOf(disk, partName(entry, 'state'));
  }

  function readPart(entry: Entry, kind: PartKind, part: Part): Promise<Buffer> {
    return part.place === 'inline' ? log.readInline(part) : readPartFile(disk, entry, kind, part);
  }

  return restore;
}

/** Before it is read. @throws StateTooLargeError */
export function checkSize(disk: Disk, { place, bytes }: Part, maxStateBytes: number): void {
  if (place === 'store' || bytes <= maxStateBytes) return;
  throw new StateTooLargeError(
    `the state in ${disk.directory} has ${bytes} bytes, and this process has memory for ${maxStateBytes}: give it more ` +
      '(dpr:workers, memory.limit; or DPR_MEMORY_BYTES where that is set)',
  );
}

function nothingToRestore(disk: Disk, entries: readonly Entry[], version: number): StorageDamagedError {
  const versions = entries.filter((entry) => entry.state !== undefined).map((entry) => entry.version);
  return new StorageDamagedError(
    `${disk.directory} cannot restore checkpoint ${version}; it holds ${versions.length > 0 ? versions.join(', ') : 'none'}`,
  );
}
