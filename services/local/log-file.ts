import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

/** A log file that has reached this size becomes `<name>.1`, in place of the one before, and a new one begins. */
export const MAX_LOG_BYTES = 5 * 1024 * 1024;

export interface LogFile {
  /** One line, without its end. */
  write(line: string): void;
  close(): void;
}

/** The file that lines go to. */
type Open = { readonly descriptor: number; readonly inode: number; bytes: number };

/**
 * A file of lines that takes at most twice its limit of the disk, and one line. A file or directory that was removed or renamed is
 * made anew by the next line.
 *
 * @param onError told once when the file cannot be written, a full disk for example; the process goes on without it
 */
export function openLogFile(file: string, onError: (error: Error) => void, maxBytes = MAX_LOG_BYTES): LogFile {
  let current: Open | undefined;
  let failed = false;

  function open(): Open {
    mkdirSync(path.dirname(file), { recursive: true });
    const descriptor = openSync(file, 'a');
    const { size, ino } = fstatSync(descriptor);
    return (current = { descriptor, inode: ino, bytes: size });
  }

  function close(): void {
    if (current !== undefined) closeSync(current.descriptor);
    current = undefined;
  }

  /** What is written to a file without this name would never be read. */
  function named(): Open {
    if (current !== undefined && statSync(file, { throwIfNoEntry: false })?.ino !== current.inode) close();
    return current ?? open();
  }

  /** The named file, below its limit. */
  function below(): Open {
    const found = named();
    if (found.bytes < maxBytes) return found;
    close();
    renameSync(file, `${file}.1`);
    return open();
  }

  return {
    write(line) {
      try {
        const to = below();
        to.bytes += writeSync(to.descriptor, `${line}\n`);
        failed = false;
      } catch (error) {
        if (!failed) onError(error as Error);
        failed = true;
      }
    },
    close,
  };
}
