import { StorageDamagedError } from './errors.ts';
import { type Frame, HEADER_BYTES, alignUp, decodeFrame } from './frame.ts';
import { FRAME_ALIGNMENT_BYTES } from './limits.ts';
import { type Fields, fieldsOf } from './meta.ts';
import { type CheckpointKey, partName, segmentName } from './file-names.ts';

/** Whose volume it is: the cluster's id in hex, the worker's id, its generation. */
export type Identity = { readonly cluster: string; readonly worker: number; readonly generation: number };

/** Which of the Finder's records: the start of the Finder (8 bytes in hex) that wrote it, and the record's counter. */
export type FinderStamp = { readonly start: string; readonly counter: number };

/** Everything that `incarnation` executed is in `version`, the newest checkpoint. */
export type CleanMarker = { readonly incarnation: number; readonly worldLine: number; readonly version: number };

/** What a checkpoint says of itself. `incarnation`: the one that wrote it. `dependencies`: versions by worker. */
export type Checkpoint = CheckpointKey & {
  readonly predecessor: number;
  readonly dependencies: ReadonlyMap<number, number>;
  readonly stamp: FinderStamp;
};

/**
 * A piece of a section in a segment, which is a file of the incarnation that wrote the checkpoint: a frame that begins `at`, with so many
 * bytes of the section. `segment`: its number.
 */
export type Extent = {
  readonly segment: number;
  readonly file: string;
  readonly at: number;
  readonly bytes: number;
  readonly checksum: number;
};

/** `at`: where it begins in the manifest. */
export type InlinePart = {
  readonly place: 'inline';
  readonly bytes: number;
  readonly checksum: number;
  readonly at: number;
};
/** In a file of its own, made of a frame, as it was once written; or a file that a store wrote. */
export type FilePart = { readonly place: 'file' | 'store'; readonly bytes: number; readonly checksum: number };
export type SegmentsPart = { readonly place: 'segments'; readonly bytes: number; readonly extents: readonly Extent[] };
/** Where a part of a checkpoint is. */
export type Part = InlinePart | FilePart | SegmentsPart;
/**
 * A link of a chain: with the sections of all checkpoints from version `since` on, up to its own, it is the whole state, or the whole
 * session table. In successive checkpoints `since` never becomes smaller.
 */
export type Section = Part & { readonly since: number };

/** The two chains of a volume. Each has a section in every checkpoint, and each begins where it does. */
export const CHAINS = ['state', 'sessions'] as const;
export type Chain = (typeof CHAINS)[number];

/** A checkpoint in the manifest. */
export type Entry = Checkpoint & {
  /** False: it is only there for later ones, which need the sections that it still has. */
  readonly restorable: boolean;
  /** Bytes that it would take in a rewritten manifest. */
  readonly liveBytes: number;
} & Readonly<Record<Chain, Section | undefined>>;

/** It has its sections, and the manifest lists all others of their chains. */
export type Restorable = Entry & Readonly<Record<Chain, Section>>;

export function isRestorable(entry: Entry): entry is Restorable {
  return entry.restorable;
}

/** What the frames of a manifest add up to. */
export type ManifestState = {
  /** Ascending by version. */
  readonly entries: readonly Entry[];
  /** Everything below the newest checkpoint at or below this version was pruned. */
  readonly keep: number;
  readonly clean: CleanMarker | undefined;
  /** The latest one that this worker saw. */
  readonly stamp: FinderStamp | undefined;
};

/** Which manifest it is. `base`: the incarnation whose manifest it carried over, 0 for none. */
export type ManifestHead = {
  readonly identity: Identity;
  readonly incarnation: number;
  readonly edition: number;
  readonly base: number;
};

export type Manifest = { readonly head: ManifestHead; readonly state: ManifestState; readonly end: number };

export const EMPTY_STATE: ManifestState = { entries: [], keep: 0, clean: undefined, stamp: undefined };

/**
 * Adds up the frames of a manifest. An incomplete end, which a crash leaves, is cut off.
 * @param file the path, for messages
 * @throws StorageDamagedError when frames follow one that is not valid, or do not fit together
 */
export function readManifest(file: string, incarnation: number, bytes: Buffer): Manifest {
  const first = decodeFrame(bytes, 0);
  if (first?.kind !== 'manifest' || first.address.incarnation !== incarnation) throw damaged(file, 0);
  const { edition } = first.address;
  const belongs = (frame: Frame) => frame.address.incarnation === incarnation && frame.address.edition === edition;
  const opening = fieldsOf(file, first.meta);
  const head: ManifestHead = { identity: identityOf(opening), incarnation, edition, base: opening.whole('base') };
  const entries: Entry[] = [];
  let stood = standing(opening);
  let end = alignedSize(first);
  for (let frame = decodeFrame(bytes, end); frame && belongs(frame); frame = decodeFrame(bytes, end)) {
    stood = replay(file, entries, frame);
    end += alignedSize(frame);
  }
  for (let at = end + FRAME_ALIGNMENT_BYTES; at + HEADER_BYTES <= bytes.length; at += FRAME_ALIGNMENT_BYTES) {
    const frame = decodeFrame(bytes, at);
    if (frame && belongs(frame)) throw damaged(file, end);
  }
  return { head, state: prune({ ...stood, entries }, stood.keep), end };
}

function damaged(file: string, offset: number): StorageDamagedError {
  return new StorageDamagedError(
    `${file} is damaged at byte ${offset}, and what follows there was written later, so this is not the trace of a crash. ` +
      'Restore the directory from a backup, or remove the worker by force and add it again with state: empty in its entry, ' +
      'which loses what it held',
  );
}

/** @param entries are changed @returns what the frame says besides */
function replay(file: string, entries: Entry[], frame: Frame): Omit<ManifestState, 'entries'> {
  const fields = fieldsOf(file, frame.meta);
  const stood = standing(fields);
  if (frame.kind === 'mark') {
    const dropAfter = fields.optionalWhole('dropAfter') ?? Infinity;
    entries.length = entries.findLastIndex(({ version }) => version <= dropAfter) + 1;
    return stood;
  }
  const entry = readEntry(fields, frame);
  const newest = entries.at(-1);
  if (frame.kind !== 'checkpoint' || (newest !== undefined && newest.version >= entry.version)) {
    throw damaged(file, frame.address.position);
  }
  entries.push(entry);
  return stood;
}

/** What every frame repeats, so that no write is needed for it alone. */
function standing(fields: Fields): Omit<ManifestState, 'entries'> {
  const stamp = fields.optionalObject('stamp');
  const clean = fields.optionalObject('clean');
  return {
    keep: fields.whole('keep'),
    stamp: stamp && { start: stamp.text('start'), counter: stamp.whole('counter') },
    clean: clean && {
      incarnation: clean.whole('incarnation'),
      worldLine: clean.whole('worldLine'),
      version: clean.whole('version'),
    },
  };
}

export function standingMeta({ keep, stamp, clean }: ManifestState): object {
  return { keep, stamp: stamp ?? null, clean: clean ?? null };
}

export function identityOf(fields: Fields): Identity {
  return { cluster: fields.text('cluster'), worker: fields.whole('worker'), generation: fields.whole('generation') };
}

function readEntry(fields: Fields, frame: Frame): Entry {
  const payloadAt = frame.address.position + HEADER_BYTES + frame.metaBytes;
  const incarnation = fields.whole('incarnation');
  const version = fields.whole('version');
  const state = readSection(fields.optionalObject('state'), { incarnation, version }, payloadAt);
  const sessionsAt = payloadAt + (state?.place === 'inline' ? state.bytes : 0);
  const sessions = readSection(fields.optionalObject('sessions'), { incarnation, version }, sessionsAt);
  const written = fields.object('written');
  const restorable = fields.flag('restorable', true) && state !== undefined && sessions !== undefined;
  return {
    incarnation,
    worldLine: fields.whole('worldLine'),
    version,
    predecessor: fields.whole('predecessor'),
    dependencies: new Map(fields.pairs('dependencies')),
    stamp: { start: written.text('start'), counter: written.whole('counter') },
    restorable,
    state,
    sessions,
    liveBytes: alignedSize(frame),
  };
}

/** Before states had chains each was whole by itself, and nothing said so. */
function readSection(
  fields: Fields | undefined,
  { incarnation, version }: { readonly incarnation: number; readonly version: number },
  at: number,
): Section | undefined {
  if (fields === undefined) return undefined;
  const place = fields.choice('place', ['inline', 'file', 'store', 'segments']);
  const common = { bytes: fields.whole('bytes'), since: fields.optionalWhole('since') ?? version };
  if (place === 'segments') return { place, ...common, extents: readExtents(fields, incarnation) };
  const checksum = fields.whole('checksum');
  return place === 'inline' ? { place, ...common, checksum, at } : { place, ...common, checksum };
}

function readExtents(fields: Fields, incarnation: number): Extent[] {
  return fields.rows('extents', 4).map(([segment = 0, at = 0, bytes = 0, checksum = 0]) => {
    return { segment, file: segmentName(incarnation, segment), at, bytes, checksum };
  });
}

/** The description of an entry; `written` is the stamp that its worker had seen when it wrote it. */
export function entryMeta(identity: Identity, entry: Omit<Entry, 'liveBytes'>): object {
  const { incarnation, worldLine, version, predecessor, restorable, state, sessions } = entry;
  return {
    ...identity,
    ...{ incarnation, worldLine, version, predecessor, restorable },
    dependencies: [...entry.dependencies],
    written: entry.stamp,
    state: state ? sectionMeta(state) : null,
    sessions: sessions ? sectionMeta(sessions) : null,
  };
}

function sectionMeta(section: Section): object {
  const { since, place, bytes } = section;
  if (section.place !== 'segments') return { since, place, bytes, checksum: section.checksum };
  const extents = section.extents.map(({ segment, at, bytes: length, checksum }) => [segment, at, length, checksum]);
  return { since, place, bytes, extents };
}

function alignedSize(frame: Frame): number {
  return alignUp(HEADER_BYTES + frame.metaBytes + frame.payloadBytes, FRAME_ALIGNMENT_BYTES);
}

/** Ascending entries up to and including `version`. */
export function upTo(entries: readonly Entry[], version: number): readonly Entry[] {
  return entries.filter((entry) => entry.version <= version);
}

/**
 * Forgets what is not needed to restore the newest checkpoint at or below `keep`, or any above it. Of those below, the sections stay
 * that are in its chains; later ones have chains that begin there or later.
 */
export function prune(state: ManifestState, keep: number): ManifestState {
  const kept = { ...state, keep: Math.max(keep, state.keep) };
  const oldest = restorePoint(kept);
  if (oldest === undefined) return kept;
  const entries: Entry[] = [];
  for (const entry of state.entries) {
    const needed = entry.version < oldest.version ? unrestorable(entry, (chain) => needs(oldest, chain, entry)) : entry;
    if (needed !== undefined) entries.push(needed);
  }
  return { ...kept, entries };
}

/** The oldest checkpoint that pruning left restorable; absent when nothing was pruned yet. */
export function restorePoint({ entries, keep }: ManifestState): Restorable | undefined {
  return entries.findLast((entry): entry is Restorable => entry.version <= keep && isRestorable(entry));
}

/** Is the earlier checkpoint's section in this chain of the later one? */
function needs(later: Restorable, chain: Chain, earlier: Entry): boolean {
  return earlier.version >= later[chain].since;
}

/** The entries whose sections the checkpoint needs, itself last. */
export function chainOf(entries: readonly Entry[], last: Restorable, chain: Chain): readonly Entry[] {
  return entries.filter((one) => one.version <= last.version && needs(last, chain, one));
}

/** What is left of an entry that is not to be restored itself; undefined: nothing. */
export function unrestorable(entry: Entry, keeps: (chain: Chain) => boolean): Entry | undefined {
  const state = keeps('state') ? entry.state : undefined;
  const sessions = keeps('sessions') ? entry.sessions : undefined;
  if (state === undefined && sessions === undefined) return undefined;
  if (!entry.restorable && state === entry.state && sessions === entry.sessions) return entry;
  const freed = inlineBytes(entry) - inlineBytes({ state, sessions });
  return { ...entry, restorable: false, state, sessions, liveBytes: entry.liveBytes - freed };
}

/** Bytes of the sections that are in the manifest itself. */
function inlineBytes(sections: Pick<Entry, Chain>): number {
  let bytes = 0;
  for (const chain of CHAINS) if (sections[chain]?.place === 'inline') bytes += sections[chain].bytes;
  return bytes;
}

export function checkpointOf(entry: Checkpoint): Checkpoint {
  const { incarnation, worldLine, version, predecessor, dependencies, stamp } = entry;
  return { incarnation, worldLine, version, predecessor, dependencies, stamp };
}

/** A section that is not in the manifest itself, and its checkpoint. */
export type Outside = {
  readonly entry: Entry;
  readonly chain: Chain;
  readonly section: (FilePart | SegmentsPart) & Section;
};

/**
 * Those that entries of `before` have and those of `after`, which came of them by leaving out, do not. At each commit almost all of thousands
 * of entries are the same in both.
 */
export function outsideLost(before: readonly Entry[], after: readonly Entry[]): Outside[] {
  const lost: Outside[] = [];
  let next = 0;
  for (const entry of before) {
    const left = after[next]?.version === entry.version ? after[next++] : undefined;
    if (left === entry) continue;
    for (const chain of CHAINS) if (left?.[chain] !== entry[chain]) addOutside(lost, entry, chain);
  }
  return lost;
}

export function outsideOf(entries: readonly Entry[]): Outside[] {
  const found: Outside[] = [];
  for (const entry of entries) {
    for (const chain of CHAINS) addOutside(found, entry, chain);
  }
  return found;
}

function addOutside(found: Outside[], entry: Entry, chain: Chain): void {
  const section = entry[chain];
  if (section !== undefined && section.place !== 'inline') found.push({ entry, chain, section });
}

/** The names of the files that a section is in. */
export function filesOf({ entry, chain, section }: Outside): readonly string[] {
  return section.place === 'segments' ? section.extents.map(({ file }) => file) : [partName(entry, chain)];
}

export function extentsOf(part: Part): readonly Extent[] {
  return part.place === 'segments' ? part.extents : [];
}

/** The later of two stamps: counters grow over the Finder's restarts. */
export function laterStamp(a: FinderStamp | undefined, b: FinderStamp): FinderStamp {
  return a !== undefined && a.counter > b.counter ? a : b;
}
