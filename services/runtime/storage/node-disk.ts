import type { BigIntStats } from 'node:fs';
import {
  type FileHandle,
  constants,
  access,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import path from 'node:path';
import type { Disk, DiskFile, OpenMode } from './disk.ts';
import { isGone, systemCode } from './errors.ts';

const FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', write: 'r+', create: 'w+' };

/** The real files of `directory`, which must exist (`prepareDirectory`). */
export function nodeDisk(directory: string): Disk {
  // Where the next process will look: a relative path would follow a working directory that is moved.
  const whole = path.resolve(directory);
  const at = (name: string) => path.join(whole, name);
  return {
    directory,
    list: () => naming(whole, async () => (await readdir(whole)).sort()),
    open: (name, mode) => naming(at(name), async () => nodeFile(await open(at(name), FLAGS[mode]), at(name), at)),
    rename: (from, to) => naming(at(from), () => rename(at(from), at(to))),
    unlink: (name) => naming(at(name), () => unlink(at(name))),
    syncDirectory: () => naming(whole, () => syncDirectory(whole)),
    async makeDirectory(name) {
      await naming(at(name), () => mkdir(at(name), { recursive: true }));
    },
    removeDirectory: (name) => naming(at(name), () => rmdir(at(name))),
    inside: (name) => nodeDisk(at(name)),
  };
}

function nodeFile(handle: FileHandle, name: string, at: (name: string) => string): DiskFile {
  return {
    size: () => naming(name, async () => (await handle.stat()).size),
    read: (offset, length) => naming(name, () => readFully(handle, offset, length)),
    writeAt: (offset, bytes) => naming(name, () => writeFully(handle, offset, bytes)),
    datasync: () => naming(name, () => handle.datasync()),
    isAt: (other, bytes) => naming(at(other), () => leadsTo(at(other), handle, bytes)),
    close: () => naming(name, () => handle.close()),
  };
}

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function writeFully(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
  }
}

/** Device and inode, which no other file has as long as this one is open. */
async function leadsTo(place: string, handle: FileHandle, bytes: number): Promise<boolean> {
  const [found, own] = await Promise.all([statOf(place), handle.stat({ bigint: true })]);
  return found?.dev === own.dev && found.ino === own.ino && own.size >= BigInt(bytes);
}

async function statOf(place: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(place, { bigint: true });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** System errors of reads, writes and syncs do not say which file failed; this adds it. */
async function naming<T>(file: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof Error) || error.message.includes(file)) throw error;
    throw Object.assign(new Error(`${error.message} '${file}'`, { cause: error }), { code: systemCode(error) });
  }
}

/**
 * Makes the directory if it is not there, durably, and checks that this process may write in it.
 * @throws Error that names the directory and what to change
 */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    const made = await makeDirectories(directory);
    if (made !== undefined) await syncParents(made, directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const text =
      `the data directory '${directory}' cannot be used: ${reason}. ` +
      'Choose another one, or give the user that runs this process the right to read and write it';
    throw Object.assign(new Error(text, { cause: error }), { code: systemCode(error) });
  }
}

/**
 * Makes the directory and those above it that are missing, the topmost by itself: to make several, Node tries again for ever where
 * that one cannot be, as in /proc.
 * @returns the topmost, if it was missing
 */
async function makeDirectories(directory: string): Promise<string | undefined> {
  const first = await topmostMissing(path.resolve(directory));
  if (first !== undefined) {
    await mkdir(first).catch(async (error: unknown) => {
      if (!(await exists(first))) throw error; // otherwise another process made it meanwhile
    });
  }
  await mkdir(directory, { recursive: true });
  return first;
}

async function topmostMissing(directory: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let place = directory; !(await exists(place)); place = path.dirname(place)) missing = place;
  return missing;
}

async function exists(place: string): Promise<boolean> {
  try {
    await stat(place);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** `first` is the topmost directory that was made; each new name is in the parent of its directory. */
async function syncParents(first: string, last: string): Promise<void> {
  const top = path.dirname(path.resolve(first));
  for (let parent = path.dirname(path.resolve(last)); parent.length >= top.length; parent = path.dirname(parent)) {
    await syncDirectory(parent);
    if (parent === path.dirname(parent)) break;
  }
}
