/** Reads checkpoints back. */
import { type Disk, pathOf } from './disk.ts';
import { StateTooLargeError, StorageDamagedError } from './errors.ts';
import type { InlineSource } from './manifest-log.ts';
import {
  type Chain,
  type Checkpoint,
  type Entry,
  type FilePart,
  type Restorable,
  type Section,
  chainOf,
  checkpointOf,
  isRestorable,
} from './manifest.ts';
import { partName } from './file-names.ts';
import { checkPartFile } from './part-files.ts';
import { type Source, collect } from './pieces.ts';
import { checkSection, readSection } from './section-reader.ts';

/** The sections of a state: the version of the first one, and the bytes of all of them together. */
export type StateChain = { readonly since: number; readonly bytes: number };

/** `path`: of the file that a store wrote. It belongs to the volume: read it, or copy it, and do not change it. */
export type RestoredState = StateChain | { readonly path: string };

export type Restored = {
  readonly checkpoint: Checkpoint;
  readonly state: RestoredState;
  /** The version of the first section of its sessions. */
  readonly sessionsSince: number;
};

/** A piece of a state's section, in a buffer of its own. Each section has one piece at least, perhaps an empty one. */
export type StatePiece = {
  readonly bytes: Buffer;
  /** The version of the checkpoint whose section it is of. */
  readonly version: number;
  /** The section ends with it. */
  readonly isLast: boolean;
};

/** What a state is read into. What was taken was taken for nothing if the reading rejects. */
export type StateReader = {
  /**
   * Called once before the first piece, if the state is not a store's own file.
   * @returns what takes the pieces of the sections, in order and one at a time: together they may be several times the state
   */
  readonly openState: (chain: StateChain) => (piece: StatePiece) => void | Promise<void>;
  /** A state whose sections have more bytes is not read, unless it is a store's own file. */
  readonly maxStateBytes: number;
};

/** What a checkpoint is read into. */
export type RestoreReader = StateReader & {
  /** The sections that are the whole session table together, in order and one at a time: they may be several times as large. */
  readonly takeSessions: (section: Buffer) => void;
};

/** A volume's entries, and what gives the parts that are in its manifest. */
export type Readable = { readonly disk: Disk; readonly entries: readonly Entry[]; readonly inline: InlineSource };

/** @throws StorageDamagedError when it is not there, or not as it was written; StateTooLargeError, system errors */
export async function readCheckpoint(from: Readable, version: number, reader: RestoreReader): Promise<Restored> {
  const entry = from.entries.find((one) => one.version === version);
  if (entry === undefined || !isRestorable(entry)) throw nothingToRestore(from, version);
  const state = await readState(from, entry, reader);
  for (const one of chainOf(from.entries, entry, 'sessions')) {
    const pieces = readSection(from.disk, from.inline, one, 'sessions', sectionOf(one, 'sessions'));
    reader.takeSessions(await collect(pieces));
  }
  return { checkpoint: checkpointOf(entry), state, sessionsSince: entry.sessions.since };
}

/** @throws StorageDamagedError when it is not as it was written; StateTooLargeError, system errors */
async function readState(from: Readable, entry: Restorable, reader: StateReader): Promise<RestoredState> {
  if (entry.state.place === 'store') return checkedFile(from.disk, entry, entry.state);
  const links = chainOf(from.entries, entry, 'state');
  const chain = { since: entry.state.since, bytes: bytesIn(from.disk, links, reader.maxStateBytes) };
  const take = reader.openState(chain);
  for (const one of links) await takeSection(from, one, take);
  return chain;
}

/** A state as one section: those of its chain in their order. Or the file that a store wrote. */
export type StateSource = Source | { readonly path: string };

/** @throws StorageDamagedError, now or while it is read; StateTooLargeError, system errors */
export async function stateSource(from: Readable, entry: Restorable, maxStateBytes: number): Promise<StateSource> {
  const { disk, entries, inline } = from;
  if (entry.state.place === 'store') return checkedFile(disk, entry, entry.state);
  const links = chainOf(entries, entry, 'state');
  async function* read(): AsyncGenerator<Buffer> {
    for (const one of links) yield* readSection(disk, inline, one, 'state', sectionOf(one, 'state'));
  }
  return { bytes: bytesIn(disk, links, maxStateBytes), read };
}

async function checkedFile(disk: Disk, entry: Entry, part: FilePart): Promise<{ readonly path: string }> {
  const fault = await checkPartFile(disk, entry, 'state', part, 'whole');
  if (fault !== undefined) throw new StorageDamagedError(fault);
  return { path: pathOf(disk, partName(entry, 'state')) };
}

/** Of the sections of a state together. @throws StateTooLargeError */
function bytesIn(disk: Disk, links: readonly Entry[], maxStateBytes: number): number {
  const bytes = links.reduce((sum, one) => sum + sectionOf(one, 'state').bytes, 0);
  checkSize(disk, bytes, maxStateBytes);
  return bytes;
}

async function takeSection(from: Readable, entry: Entry, take: ReturnType<StateReader['openState']>): Promise<void> {
  const { version } = entry;
  const section = sectionOf(entry, 'state');
  let left = section.bytes;
  if (left === 0) return take({ bytes: Buffer.alloc(0), version, isLast: true });
  for await (const bytes of readSection(from.disk, from.inline, entry, 'state', section)) {
    left -= bytes.length;
    try {
      await take({ bytes, version, isLast: left === 0 });
    } catch (error) {
      await refuseDamaged(from.disk, entry, section);
      throw error;
    }
  }
}

/** What a piece holds that is not as it was written cannot be understood either. @throws StorageDamagedError */
async function refuseDamaged(disk: Disk, entry: Entry, section: Section): Promise<void> {
  if (section.place === 'inline') return;
  const fault = await checkSection(disk, { entry, chain: 'state', section }, 'whole');
  if (fault !== undefined) throw new StorageDamagedError(fault);
}

/** One that a chain leads through. */
function sectionOf(entry: Entry, chain: Chain): Section {
  const section = entry[chain];
  if (section === undefined) throw new Error(`checkpoint ${entry.version} lacks a section that a later one needs`);
  return section;
}

/** @throws StateTooLargeError */
function checkSize(disk: Disk, bytes: number, maxStateBytes: number): void {
  if (bytes <= maxStateBytes) return;
  throw new StateTooLargeError(
    `the state in ${disk.directory} has ${bytes} bytes, and this process has memory for ${maxStateBytes}: give it more ` +
      '(dpr:workers, memory.limit; or DPR_MEMORY_BYTES where that is set)',
  );
}

function nothingToRestore({ disk, entries }: Readable, version: number): StorageDamagedError {
  const versions = entries.filter(isRestorable).map((entry) => entry.version);
  return new StorageDamagedError(
    `${disk.directory} cannot restore checkpoint ${version}; it holds ${versions.length > 0 ? versions.join(', ') : 'none'}`,
  );
}
