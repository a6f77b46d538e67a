/**
 * Going back in the session table, in memory: for each version that may still be rolled back, what the entries were before it that it
 * changed. A rollback restores those, newest first, and reads no disk.
 *
 * What a session's numbers and replies were comes back. When its client was last heard of, and from where, stays as it is known now:
 * that is of the process and not of the world-line.
 */

/** What comes back of an entry: see `SessionEntry`. */
interface Undoable {
  readonly last: number;
  readonly version: number;
  readonly replies: readonly unknown[];
  readonly replyBytes: number;
  readonly givenUp: number;
  readonly ended: boolean;
}

/** An entry as it was before a version changed it. */
interface Image<Entry extends Undoable> extends Undoable {
  readonly entry: Entry;
  /** It was not in the table. */
  readonly isNew: boolean;
  readonly replies: Entry['replies'];
}

/** Where the chain of sections stands: see `SessionTable`. */
export interface ChainPlace {
  readonly since: number;
  readonly chained: number;
}

interface SealedImages<Entry extends Undoable> extends ChainPlace {
  readonly version: number;
  readonly images: readonly Image<Entry>[];
  readonly bytes: number;
}

export interface SessionUndo<Entry extends Undoable> {
  /** Of the open version; an entry at most once. */
  images: Image<Entry>[];
  /** What they take, */
  openBytes: number;
  /** and with those of the sealed versions. */
  bytes: number;
  /** Sealed and not committed, in order. */
  readonly sealed: SealedImages<Entry>[];
  /** After the newest version that is committed or was restored. */
  base: ChainPlace;
}

/** What an image takes beside the replies that it keeps: measured as `ENTRY_BYTES` is. */
export const IMAGE_BYTES = 160;

/** @param base where the chain stands */
export function createSessionUndo<Entry extends Undoable>(
  base: ChainPlace = { since: 0, chained: 0 },
): SessionUndo<Entry> {
  return { images: [], openBytes: 0, bytes: 0, sealed: [], base };
}

/** The entry is about to change for the first time in the open version. */
export function keepImage<Entry extends Undoable>(undo: SessionUndo<Entry>, entry: Entry, isNew: boolean): void {
  const { last, version, replies, replyBytes, givenUp, ended } = entry;
  undo.images.push({ entry, isNew, last, version, replies: replies.slice(), replyBytes, givenUp, ended });
  undo.openBytes += IMAGE_BYTES + replyBytes;
  undo.bytes += IMAGE_BYTES + replyBytes;
}

/** The open version is sealed. @param chain where the chain stands with its section */
export function sealImages<Entry extends Undoable>(
  undo: SessionUndo<Entry>,
  version: number,
  { since, chained }: ChainPlace,
): void {
  undo.sealed.push({ version, images: undo.images, bytes: undo.openBytes, since, chained });
  undo.images = [];
  undo.openBytes = 0;
}

/** No rollback goes below `version` any more. */
export function commitImages<Entry extends Undoable>(undo: SessionUndo<Entry>, version: number): void {
  const above = undo.sealed.findIndex((one) => one.version > version);
  const covered = undo.sealed.splice(0, above < 0 ? undo.sealed.length : above);
  for (const { bytes } of covered) undo.bytes -= bytes;
  const newest = covered.at(-1);
  if (newest !== undefined) undo.base = { since: newest.since, chained: newest.chained };
}

/**
 * Forget the images of all that is above `version`.
 * @returns them, newest first, and where the chain stood after it
 */
export function takeImages<Entry extends Undoable>(
  undo: SessionUndo<Entry>,
  version: number,
): { images: Image<Entry>[]; chain: ChainPlace } {
  const images = undo.images.toReversed();
  while ((undo.sealed.at(-1)?.version ?? -Infinity) > version) {
    for (const image of undo.sealed.pop()?.images.toReversed() ?? []) images.push(image);
  }
  undo.images = [];
  undo.openBytes = 0;
  undo.bytes = undo.sealed.reduce((sum, { bytes }) => sum + bytes, 0);
  return { images, chain: undo.sealed.at(-1) ?? undo.base };
}
