import { type Disk, pathOf, withFile } from './disk.ts';
import { StorageDamagedError } from './errors.ts';
import type { FilePart } from './manifest.ts';
import { type CheckpointKey, partName, storeFileName, temporary } from './file-names.ts';
import { copyFile, measure } from './part-files.ts';

type Taken = { readonly part: FilePart; readonly synced: boolean };

/** Takes files that a store in another process wrote into the volume. */
export interface StoreFiles {
  /**
   * Makes the file durable and renames it to its place; its name is durable once the directory is synced. May be called
   * again after a failure.
   * @throws Error when the store wrote no file, StorageDamagedError when the disk lost it, system errors
   */
  take(key: CheckpointKey): Promise<FilePart>;
  /** The checkpoint is in the manifest, or given up. */
  forget(key: CheckpointKey): void;
}

export function storeFiles(disk: Disk): StoreFiles {
  /** What was measured of files that are not in the manifest yet, and whether their sync succeeded. */
  const taken = new Map<string, Taken>();

  async function sync(name: string): Promise<FilePart> {
    return withFile(disk, name, 'read', async (file) => {
      const part = await measure(file);
      taken.set(name, { part, synced: false });
      await file.datasync();
      taken.set(name, { part, synced: true });
      return part;
    });
  }

  /** After a failed sync nothing but writing the bytes again makes them durable; they are compared with what they were. */
  async function writeAgain(name: string, place: string, before: FilePart): Promise<FilePart> {
    const part = await copyFile(disk, name, temporary(place));
    if (part.checksum !== before.checksum || part.bytes !== before.bytes) {
      throw new StorageDamagedError(`${pathOf(disk, name)} changed after a failed write to the disk; check the disk`);
    }
    // Under the store's own name first: a retry takes what it finds there, and must not find the bytes whose sync failed.
    await disk.rename(temporary(place), name);
    taken.set(name, { part, synced: true });
    await disk.rename(name, place);
    return part;
  }

  return {
    async take(key) {
      const name = storeFileName(key);
      const place = partName(key, 'state');
      const before = taken.get(name);
      if (before?.synced === false) return writeAgain(name, place, before.part);
      const names = await disk.list();
      if (before !== undefined && !names.includes(name)) return before.part;
      if (!names.includes(name))
        throw new Error(`${pathOf(disk, name)} is missing: the store did not write its snapshot there`);
      const part = await sync(name);
      await disk.rename(name, place);
      return part;
    },
    forget: (key) => void taken.delete(storeFileName(key)),
  };
}
