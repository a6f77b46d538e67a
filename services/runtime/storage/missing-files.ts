import { type Disk, type DiskFile, pathOf } from './disk.ts';
import { VolumeLostError, isGone } from './errors.ts';

/** A file that a process has open, under the name that its successor will look for. `bytes`: what it must have at least. */
export type NamedFile = { readonly file: DiskFile; readonly name: string; readonly bytes: number };

/**
 * The first of these that the disk does not hold under its name any more. Files by which a successor finds all others come last, so
 * that what was seen before was in a place to which names still led.
 * @param names of files that nothing has open
 */
export async function missingOf(
  disk: Disk,
  names: readonly string[],
  files: readonly NamedFile[],
): Promise<string | undefined> {
  const there = names.length === 0 ? NONE : await namesIn(disk);
  const missing = names.find((name) => !there.has(name));
  if (missing !== undefined) return missing;
  for (const { file, name, bytes } of files) if (!(await file.isAt(name, bytes))) return name;
  return undefined;
}

const NONE: ReadonlySet<string> = new Set();

async function namesIn(disk: Disk): Promise<ReadonlySet<string>> {
  try {
    return new Set(await disk.list());
  } catch (error) {
    if (isGone(error)) return NONE;
    throw error;
  }
}

export function volumeLost(disk: Disk, name: string): VolumeLostError {
  return new VolumeLostError(
    `${pathOf(disk, name)} was removed, moved, replaced or shortened while this process used it, so nothing more can be made ` +
      'durable. Bring back the directory with all that was in it under its name, and start this process again',
  );
}
