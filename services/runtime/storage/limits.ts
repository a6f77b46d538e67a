/** Every limit of storage, in one place. Reaching one is a `StorageLimitError` that names it. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Largest record of a two-slot file. */
export const RECORD_LIMIT_BYTES = 16 * MIB;

/** Parts of a checkpoint up to this size live in the manifest itself, so that appending one costs one write and one sync. */
export const INLINE_LIMIT_BYTES = 256 * KIB;
/** A manifest larger than this, as when the cut does not advance, takes only parts up to the second limit. */
export const AMPLE_MANIFEST_BYTES = 32 * MIB;
export const TIGHT_INLINE_LIMIT_BYTES = 4 * KIB;
/** Largest description of a checkpoint; dependencies are what makes one large. */
export const META_LIMIT_BYTES = MIB;

/**
 * Checkpoints that a manifest lists at one time: the longest chain of a state, of 8,192 sections, and 1,000 that are not committed yet. A
 * sweep of 10 GB takes 2,500 of them, and the chain before it stays until it is complete.
 */
export const MAX_CHECKPOINTS = 10_000;
/** Appends that wait for their turn at one time. */
export const MAX_PENDING_APPENDS = 64;
/** Largest manifest; one that would exceed it is rewritten without its dead bytes first. */
export const MANIFEST_LIMIT_BYTES = 256 * MIB;
/** A manifest is rewritten in pieces of this size: describing what is in one takes about a millisecond. */
export const MANIFEST_PIECE_BYTES = 64 * KIB;
/** A manifest with more dead bytes than this, and more dead than live ones, is rewritten when the store prunes, */
export const COMPACTION_DEAD_BYTES = 512 * KIB;
/** though not for fewer than this many times its live bytes as long as they are no more than the second limit. */
export const COMPACTION_DEAD_RATIO = 16;
export const COMPACTION_PATIENCE_BYTES = 4 * MIB;

/** Data files are read, written and checked in pieces of this size, so that the event loop stays free. */
export const CHUNK_BYTES = MIB;
/**
 * Frames of a manifest begin at multiples of this: the size that disks write as a whole, so that a write that is torn
 * never touches a frame that was durable before.
 */
export const FRAME_ALIGNMENT_BYTES = 512;

/** Largest segment. A section that does not fit into what is free goes on in the next one, so it may have any size. */
export const SEGMENT_BYTES = 64 * MIB;
/** Extents begin at multiples of this, the size of a page: nothing that is written shares one with what was durable before. */
export const EXTENT_ALIGNMENT_BYTES = 4 * KIB;
/**
 * A section is put together from gaps between others that are at least such a part of a segment, so that what is too small to be
 * used, between two extents, is not much more than they are;
 */
export const SMALLEST_SHARE = 1 / 256;
/** and at least such a part of the section, so that its description stays short. */
export const MAX_EXTENTS = 1_024;
/** Segments without anything in them that are kept to be written again; more are deleted. */
export const MAX_FREE_SEGMENTS = 2;

/** How often a claim starts over because a predecessor that still runs changed the volume under it. */
export const CLAIM_ATTEMPTS = 16;
