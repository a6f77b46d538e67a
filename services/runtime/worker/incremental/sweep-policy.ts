/** When a sweep of the base begins, and how fast it goes. */
import type { ChainSize, Sweep } from './chain.ts';
import type { SectionLimits } from './limits.ts';

/** The chain has outgrown the base, or has many sections. */
export function isSweepDue(size: ChainSize, deltas: number, baseBytes: number, limits: SectionLimits): boolean {
  if (size.sections === 0) return false;
  return deltas >= limits.deltas || size.bytes > limits.dueRatio * Math.max(baseBytes, limits.smallBaseBytes);
}

/** Bytes of the base that the open version must have when it is sealed, so that neither sweep nor chain has too many sections. */
export function shareOfSection(sweep: Sweep, size: ChainSize, baseBytes: number, limits: SectionLimits): number {
  const left = Math.min(limits.sweepSections - sweep.sections, limits.maxSections - size.sections);
  if (left > limits.hurrySections) return 0;
  if (left <= 1) return Infinity; // `baseBytes` is not exact
  return Math.max(0, baseBytes - sweep.swept) / left;
}

/**
 * `at once`: turn after turn. `steady`: at the usual rate. `rest`: not before something changes.
 */
export type Pace = 'at once' | 'steady' | 'rest';

export interface OpenVersion {
  /** Bytes of the base that were taken in it. */
  readonly taken: number;
  /** What it must have when it is sealed. */
  readonly share: number;
  /** The disk has not written earlier versions yet. */
  readonly isBehind: boolean;
}

export function paceOf(
  sweep: Sweep | undefined,
  { taken, share, isBehind }: OpenVersion,
  { changesInSweep }: ChainSize,
  baseBytes: number,
  limits: SectionLimits,
): Pace {
  if (sweep?.next === undefined) return 'rest';
  if (taken < share) return 'at once';
  if (taken >= limits.sectionBaseBytes) return 'rest';
  const owed = limits.basePerChange * changesInSweep - sweep.swept;
  if (owed > (isBehind ? limits.lagOfBase * baseBytes : 0)) return 'at once';
  return isBehind ? 'rest' : 'steady';
}
