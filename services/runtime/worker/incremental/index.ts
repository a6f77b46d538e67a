/** Checkpoints of an incremental state: sections of base slices and changes, and the way back from them. */
export { adaptIncremental } from './adapter.ts';
export { SECTION_LIMITS, type SectionLimits } from './limits.ts';
export { stateSections, type ChainLoader, type SealedSection, type StateSections } from './sections.ts';
