/** How sections of an incremental state are made, and how long their chain may become: sizes, times and limits, in one place. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Longest turn of the event loop that encoding, sweeping or releasing takes, ms; clients wait meanwhile. */
export const TURN_MS = 1;
/** Largest chunk: several times what a batch can make of one record. A larger length on a disk is damage, and is not believed. */
export const MAX_CHUNK_BYTES = 16 * MIB;

export interface SectionLimits {
  /** Chunks and base slices are asked for with this size: encoding one takes a fraction of a turn. */
  readonly chunkBytes: number;
  /** Bytes that a turn encodes or sweeps at most. */
  readonly turnBytes: number;
  /** Records that are released between two looks at the clock, and in one turn at most. */
  readonly releaseRecords: number;
  readonly turnRecords: number;
  /** A sweep takes so many bytes of the base per second, unless it has to hurry. Disks of the cloud write at least twice that. */
  readonly bytesPerSecond: number;
  /** Time between two turns of a sweep, ms: a turn then has some chunks to take. */
  readonly periodMs: number;
  /** A sweep is due when the bytes of the chain are more than so many times the base, */
  readonly dueRatio: number;
  /** which is counted as at least this many bytes: small states are written twice as fast as they are swept. */
  readonly smallBaseBytes: number;
  /** A sweep takes this many bytes of the base for each byte of changes, so that it ends before the changes have outgrown it. */
  readonly basePerChange: number;
  /** It may lag behind that by this part of the base while the disk is behind. */
  readonly lagOfBase: number;
  /** Most bytes of the base in one section, since they wait in memory until the version is sealed; only `maxSections` goes before that. */
  readonly sectionBaseBytes: number;
  /** A sweep is due when so many sections follow the last one: a restart reads each of them. */
  readonly deltas: number;
  /** Sections that a sweep takes at most. */
  readonly sweepSections: number;
  /** Where fewer sections than this are left to a sweep, each takes its share of what remains. */
  readonly hurrySections: number;
  /** Sections of a chain, at most: each has an entry in the manifest. */
  readonly maxSections: number;
}

/**
 * A chain is at most 1.4 times the base when a sweep begins; the base is added, and changes of half of it and of half of the lag. That is less
 * than three times the base, which bounds what a restart reads.
 *
 * A sweep of 12 GB at 40 MB/s takes 3,072 sections of 100 ms. Two sweeps and the sections between them are 7,168; what is left is for
 * sweeps that restarts cut short.
 */
export const SECTION_LIMITS: SectionLimits = {
  chunkBytes: 64 * KIB,
  turnBytes: MIB,
  releaseRecords: 256,
  turnRecords: 16_384,
  bytesPerSecond: 40 * MIB,
  periodMs: 10,
  dueRatio: 1.4,
  smallBaseBytes: MIB,
  basePerChange: 2,
  lagOfBase: 1 / 8,
  sectionBaseBytes: 64 * MIB,
  deltas: 1_024,
  sweepSections: 3_072,
  hurrySections: 1_536,
  maxSections: 8_192,
};
