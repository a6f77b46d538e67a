/**
 * The file operations that storage needs, rooted in one directory. Everything above this interface is free
 * of clocks and randomness, so that it runs unchanged on a simulated disk.
 *
 * Durable is only what was synced: a file's bytes and length by its `datasync`, the directory's names by `syncDirectory`.
 * Operations reject with system errors (`code`: `ENOENT`, `EIO`, `ENOSPC`, …) that name the file.
 */
export interface Disk {
  /** Where the files are; for messages, and for stores in other processes that are given a path. */
  readonly directory: string;
  /** All names, sorted. */
  list(): Promise<readonly string[]>;
  /** `read` and `write` need an existing file; `create` makes an empty one, or empties the one that is there. */
  open(name: string, mode: OpenMode): Promise<DiskFile>;
  /** Of a file or a directory. Replaces `to`, atomically, if it exists; a directory only one with nothing in it. */
  rename(from: string, to: string): Promise<void>;
  unlink(name: string): Promise<void>;
  syncDirectory(): Promise<void>;
  /** Does nothing if it is there. Its name is durable like a file's, by `syncDirectory`. */
  makeDirectory(name: string): Promise<void>;
  /** One with nothing in it. */
  removeDirectory(name: string): Promise<void>;
  /** A directory in this one, which every operation goes to by its name. */
  inside(name: string): Disk;
}

export type OpenMode = 'read' | 'write' | 'create';

export interface DiskFile {
  /** Length in bytes. */
  size(): Promise<number>;
  /** `length` bytes from `offset`; fewer only where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
  /** All of `bytes`, or it rejects and any part of them may have been written. */
  writeAt(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Makes the bytes durable. After a failure the system may have forgotten which bytes were not: only writing them again,
   * and then syncing, makes them durable.
   */
  datasync(): Promise<void>;
  /**
   * Does `name` in the disk's directory lead to this very file, and has the file `bytes` bytes or more? False once it was removed,
   * replaced or shortened, or a directory above it was moved away.
   */
  isAt(name: string, bytes: number): Promise<boolean>;
  close(): Promise<void>;
}

/** A file's path for a message. */
export function pathOf(disk: Disk, name: string): string {
  return `${disk.directory}/${name}`;
}

/** Opens the file for the time of `use`, and closes it in any case. */
export async function withFile<T>(
  disk: Disk,
  name: string,
  mode: OpenMode,
  use: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(name, mode);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
