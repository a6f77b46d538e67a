import { crc32 } from 'node:zlib';
import { type Disk, type DiskFile, pathOf } from './disk.ts';
import { StorageDamagedError, StorageLimitError, SupersededError, isGone } from './errors.ts';
import { HEADER_BYTES, encodeFrame, metaBytesOf } from './frame.ts';
import {
  AMPLE_MANIFEST_BYTES,
  COMPACTION_DEAD_BYTES,
  COMPACTION_DEAD_RATIO,
  COMPACTION_PATIENCE_BYTES,
  FRAME_ALIGNMENT_BYTES,
  INLINE_LIMIT_BYTES,
  MANIFEST_LIMIT_BYTES,
  MANIFEST_PIECE_BYTES,
  TIGHT_INLINE_LIMIT_BYTES,
} from './limits.ts';
import {
  CHAINS,
  type Chain,
  type Entry,
  type ManifestHead,
  type ManifestState,
  type InlinePart,
  type Part,
  type Restorable,
  entryMeta,
  extentsOf,
  isRestorable,
  laterStamp,
  standingMeta,
} from './manifest.ts';
import { IDENTITY_FILE, manifestIncarnations, manifestName, partName, temporary } from './file-names.ts';
import { type NamedFile, missingOf, volumeLost } from './missing-files.ts';

/** The inline bytes of a part, from wherever the manifest is at the moment. */
export type InlineSource = (part: InlinePart) => Promise<Buffer>;

/** A checkpoint that is about to enter the manifest, with the bytes of its inline parts. */
export type NewEntry = Omit<Restorable, 'restorable' | 'liveBytes'> & { readonly inline: readonly Uint8Array[] };

/**
 * The manifest of one incarnation as an open file. One operation at a time. Each is durable once it resolves; after one
 * that failed, the end of the file is unknown, and the next one writes the manifest anew before anything else.
 */
export interface ManifestLog {
  state(): ManifestState;
  /** @throws VolumeLostError when a file that the state needs is not under its name any more, SupersededError */
  refuseIfLost(): Promise<void>;
  /** Takes over a state that need not be durable yet: the next frame carries it. */
  adopt(next: ManifestState): void;
  append(entry: NewEntry): Promise<void>;
  /** Makes `next` durable. `dropAfter`: entries above it are gone in `next`. */
  mark(next: ManifestState, dropAfter?: number): Promise<void>;
  /** How large a part may be to live in the file as it is now. */
  inlineLimit(): number;
  /** Whether so many bytes of the file are dead in `next` that rewriting pays. */
  wasteful(next: ManifestState): boolean;
  /** False after a failure: then there may be more in the file than the state says. */
  endKnown(): boolean;
  /** Replaces the file by one that holds `next` and nothing else. */
  rewrite(next: ManifestState): Promise<void>;
  readInline: InlineSource;
  close(): Promise<void>;
}

type OpenManifest = { readonly file: DiskFile; readonly head: ManifestHead; state: ManifestState; end: number };

/**
 * Writes the first manifest of an incarnation, with what `source` says of the inline parts.
 * @throws SupersededError when a later incarnation has one
 */
export async function createManifestLog(
  disk: Disk,
  head: ManifestHead,
  state: ManifestState,
  source: InlineSource,
): Promise<ManifestLog> {
  let current = await writeManifest(disk, head, state, source);
  let { edition } = head;
  let endKnown = true;

  /** Nothing is durable that the next process would not find. */
  function refuseIfNotFound(entries: readonly Entry[], { file }: OpenManifest, bytes: number): Promise<void> {
    return refuseWithout(disk, head.incarnation, entries, [], [{ file, name: manifestName(head.incarnation), bytes }]);
  }

  /**
   * A rewrite that failed may have given the name to another file than the one that is open. Whichever has it, the next rewrite
   * replaces it by one that holds everything, before anything else becomes durable.
   */
  function refuseIfLost(): Promise<void> {
    const { state, end } = current;
    if (endKnown) return refuseIfNotFound(state.entries, current, end);
    return refuseWithout(disk, head.incarnation, state.entries, [manifestName(head.incarnation)], []);
  }

  const readInline: InlineSource = (part) => readInlinePart(disk, current, part);

  async function rewrite(next: ManifestState): Promise<void> {
    endKnown = false;
    edition++;
    const replaced = current.file;
    current = await writeManifest(disk, { ...head, edition }, next, readInline);
    await replaced.close().catch(() => undefined);
    await refuseIfNotFound(current.state.entries, current, current.end);
    endKnown = true;
  }

  async function write(frame: Buffer, entries: readonly Entry[]): Promise<void> {
    // A write behind the end of one that was shortened would give it the right size, with a hole in it.
    if ((await current.file.size()) < current.end) throw volumeLost(disk, manifestName(head.incarnation));
    endKnown = false;
    await current.file.writeAt(current.end, frame);
    await current.file.datasync();
    await refuseIfNotFound(entries, current, current.end + frame.length);
    endKnown = true;
    current.end += frame.length;
  }

  function encodeEntry({ inline, ...entry }: NewEntry): { frame: Buffer; next: ManifestState } {
    const stamped = { ...current.state, stamp: laterStamp(current.state.stamp, entry.stamp) };
    const listed = { ...entry, restorable: true };
    const meta = { ...entryMeta(head.identity, listed), ...standingMeta(stamped) };
    const { frame, placed } = frameOf(current.head, current.end, listed, meta, inline);
    return { frame, next: { ...stamped, entries: [...stamped.entries, placed] } };
  }

  return {
    state: () => current.state,
    refuseIfLost,
    adopt(next) {
      current.state = next;
    },
    async append(entry) {
      let encoded = encodeEntry(entry);
      if (!endKnown || current.end + encoded.frame.length > MANIFEST_LIMIT_BYTES) {
        await rewrite(current.state);
        encoded = encodeEntry(entry);
      }
      checkFits(pathOf(disk, manifestName(head.incarnation)), current.end, encoded.frame.length);
      await write(encoded.frame, encoded.next.entries);
      current.state = encoded.next;
    },
    async mark(next, dropAfter) {
      if (!endKnown) return rewrite(next);
      const meta = { ...standingMeta(next), dropAfter: dropAfter ?? null };
      const address = { ...current.head, position: current.end };
      await write(encodeFrame('mark', address, meta, [], FRAME_ALIGNMENT_BYTES), next.entries);
      current.state = next;
    },
    inlineLimit: () => (current.end > AMPLE_MANIFEST_BYTES ? TIGHT_INLINE_LIMIT_BYTES : INLINE_LIMIT_BYTES),
    wasteful(next) {
      const live = next.entries.reduce((sum, entry) => sum + entry.liveBytes, 0);
      const worthwhile = Math.min(COMPACTION_DEAD_RATIO * live, COMPACTION_PATIENCE_BYTES);
      return current.end - live > Math.max(COMPACTION_DEAD_BYTES, worthwhile, live);
    },
    endKnown: () => endKnown,
    rewrite,
    readInline,
    close: () => current.file.close(),
  };
}

/** @throws VolumeLostError, or SupersededError when that is why a file is gone */
async function refuseWithout(
  disk: Disk,
  incarnation: number,
  entries: readonly Entry[],
  names: readonly string[],
  files: readonly NamedFile[],
): Promise<void> {
  const needed = [IDENTITY_FILE, ...filesNeeded(entries, incarnation), ...names];
  const missing = await missingOf(disk, needed, files);
  if (missing === undefined) return;
  await refuseIfSuperseded(disk, incarnation).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
  throw volumeLost(disk, missing);
}

/**
 * The files without which the newest checkpoints could not be restored: those of this incarnation, and of the last one before them,
 * with their chains. What is older a predecessor that still runs may remove, when it sees that the cut has passed it.
 */
function filesNeeded(entries: readonly Entry[], incarnation: number): ReadonlySet<string> {
  const from = Math.max(
    0,
    entries.findLastIndex((entry) => entry.incarnation !== incarnation),
  );
  const oldest = entries.find((entry, index): entry is Restorable => index >= from && isRestorable(entry));
  const files = new Set<string>();
  for (const chain of CHAINS) {
    const since = oldest?.[chain].since ?? Infinity;
    // For each checkpoint that is appended, of thousands: nothing is made for one, and those of a segment mostly follow each other.
    let last = '';
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      const section = entry?.[chain];
      if (entry === undefined || section === undefined || section.place === 'inline') continue;
      if (entry.version < since && index < from) continue;
      if (section.place !== 'segments') files.add(partName(entry, chain));
      for (const { file } of extentsOf(section)) {
        if (file !== last) files.add(file);
        last = file;
      }
    }
  }
  return files;
}

/** Aside, synced, then renamed, so that there is a whole manifest under its name at any time. */
async function writeManifest(
  disk: Disk,
  head: ManifestHead,
  state: ManifestState,
  source: InlineSource,
): Promise<OpenManifest> {
  const name = manifestName(head.incarnation);
  const file = await disk.open(temporary(name), 'create');
  try {
    const { entries, end } = await writeFrames(file, head, state, source);
    await file.datasync();
    await refuseIfSuperseded(disk, head.incarnation);
    await disk.rename(temporary(name), name);
    await disk.syncDirectory();
    return { file, head, state: { ...state, entries }, end };
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

/** Piece by piece, as describing thousands of checkpoints takes a while. */
async function writeFrames(
  file: DiskFile,
  head: ManifestHead,
  state: ManifestState,
  source: InlineSource,
): Promise<{ entries: Entry[]; end: number }> {
  const standing = standingMeta(state);
  const opening = { ...head.identity, base: head.base, ...standing };
  let frames = [encodeFrame('manifest', { ...head, position: 0 }, opening, [], FRAME_ALIGNMENT_BYTES)];
  let written = 0;
  let end = frames[0]?.length ?? 0;
  const write = async (): Promise<void> => {
    await file.writeAt(written, Buffer.concat(frames));
    written = end;
    frames = [];
  };
  const entries: Entry[] = [];
  for (const entry of state.entries) {
    const inline: Buffer[] = [];
    for (const chain of CHAINS) if (isInline(entry[chain])) inline.push(await source(entry[chain]));
    const { frame, placed } = frameOf(head, end, entry, { ...entryMeta(head.identity, entry), ...standing }, inline);
    entries.push(placed);
    frames.push(frame);
    end += frame.length;
    if (end - written >= MANIFEST_PIECE_BYTES) await write();
  }
  if (end > written) await write();
  return { entries, end };
}

/** A checkpoint's frame at `position`, and the entry with the places that its inline parts have there. */
function frameOf(
  { incarnation, edition }: ManifestHead,
  position: number,
  entry: Omit<Entry, 'liveBytes'>,
  meta: object,
  inline: readonly Uint8Array[],
): { frame: Buffer; placed: Entry } {
  const frame = encodeFrame('checkpoint', { incarnation, edition, position }, meta, inline, FRAME_ALIGNMENT_BYTES);
  const payloadAt = position + HEADER_BYTES + metaBytesOf(frame);
  return { frame, placed: { ...placeParts(entry, payloadAt), liveBytes: frame.length } };
}

function isInline<T extends Part>(part: T | undefined): part is T & InlinePart {
  return part?.place === 'inline';
}

/** The inline parts follow each other in the payload, the state first. */
function placeParts<T extends Pick<Entry, Chain>>(entry: T, payloadAt: number): T {
  const { state, sessions } = entry;
  const sessionsAt = payloadAt + (isInline(state) ? state.bytes : 0);
  return {
    ...entry,
    state: isInline(state) ? { ...state, at: payloadAt } : state,
    sessions: isInline(sessions) ? { ...sessions, at: sessionsAt } : sessions,
  };
}

async function readInlinePart(disk: Disk, { file, head }: OpenManifest, part: InlinePart): Promise<Buffer> {
  const bytes = await file.read(part.at, part.bytes);
  if (bytes.length === part.bytes && crc32(bytes) === part.checksum) return bytes;
  const path = pathOf(disk, manifestName(head.incarnation));
  throw new StorageDamagedError(
    `${path} changed at byte ${part.at} after it was written: the checkpoint there cannot be restored. Check the disk`,
  );
}

/** @throws SupersededError when a later incarnation has taken the volume over */
export async function refuseIfSuperseded(disk: Disk, incarnation: number): Promise<void> {
  const latest = manifestIncarnations(await disk.list()).at(-1) ?? 0;
  if (latest > incarnation) {
    throw new SupersededError(
      `incarnation ${latest} has taken over ${disk.directory}, so incarnation ${incarnation} has to stop`,
    );
  }
}

/** May a frame follow the end of a manifest? @param file the path, for the message @throws StorageLimitError */
export function checkFits(file: string, end: number, frameBytes: number): void {
  if (end + frameBytes <= MANIFEST_LIMIT_BYTES) return;
  throw new StorageLimitError(
    `${file} would exceed ${MANIFEST_LIMIT_BYTES} bytes: the cut does not advance, ` +
      'so nothing can be pruned; see which worker it waits for (dpr status)',
  );
}
