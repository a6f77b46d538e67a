/** The names of a volume's files: each carries the incarnation that wrote it, so that two never write the same one. */
export const IDENTITY_FILE = 'identity';

/** Where an incarnation prepares the identity of an empty volume. */
export function identityDraft(incarnation: number): string {
  return temporary(`${IDENTITY_FILE}-${incarnation}`);
}

/** What is written under a temporary name counts for nothing until it is renamed. */
export function temporary(name: string): string {
  return `${name}.tmp`;
}

export function manifestName(incarnation: number): string {
  return `manifest-${incarnation}`;
}

/** A checkpoint's part in a file of its own. */
export function partName(of: CheckpointKey, part: 'state' | 'sessions'): string {
  const name = `checkpoint-${of.incarnation}-${of.worldLine}-${of.version}`;
  return part === 'state' ? name : `${name}-sessions`;
}

/** A file for sections of checkpoints of one incarnation, which alone writes to it. Numbers are not used again. */
export function segmentName(incarnation: number, number: number): string {
  return `segment-${incarnation}-${number}`;
}

const SEGMENT = /^segment-(\d+)-(\d+)$/;

/** The number that the next segment of the incarnation gets. */
export function nextSegment(names: readonly string[], incarnation: number): number {
  let next = 0;
  for (const name of names) {
    const match = SEGMENT.exec(name);
    if (match && Number(match[1]) === incarnation) next = Math.max(next, Number(match[2]) + 1);
  }
  return next;
}

/** Where a store in another process writes a snapshot, before the volume takes it over. */
export function storeFileName(of: CheckpointKey): string {
  return `store-${of.incarnation}-${of.worldLine}-${of.version}`;
}

export type CheckpointKey = { readonly incarnation: number; readonly worldLine: number; readonly version: number };

const VOLUME_FILE = /^(identity|manifest|checkpoint|segment|store)-(\d+)(?:-[0-9a-z-]+)?(\.tmp)?$/;

/** Which incarnation a file of a volume belongs to; undefined for files that are not the volume's own. */
export function incarnationOf(name: string): number | undefined {
  const match = VOLUME_FILE.exec(name);
  return match ? Number(match[2]) : undefined;
}

const MANIFEST = /^manifest-(\d+)$/;

/** The incarnations that have a manifest among these names, ascending. */
export function manifestIncarnations(names: readonly string[]): number[] {
  const found: number[] = [];
  for (const name of names) {
    const match = MANIFEST.exec(name);
    if (match) found.push(Number(match[1]));
  }
  return found.sort((a, b) => a - b);
}
