import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** A log file that has reached this size becomes `<name>.1`, in place of the one before, and a new one begins. */
export const MAX_LOG_BYTES = 5 * 1024 * 1024;

export interface LogFile {
  /** One line, without its end. */
  write(line: string): void;
  close(): void;
}

/**
 * A file of lines that takes at most twice its limit of the disk.
 *
 * @param onError told once when the file cannot be written, a full disk for example; the process goes on without it
 */
export function openLogFile(file: string, onError: (error: Error) => void, maxBytes = MAX_LOG_BYTES): LogFile {
  let descriptor: number | undefined;
  let bytes = 0;
  let failed = false;

  function open(): number {
    const opened = openSync(file, 'a');
    bytes = fstatSync(opened).size;
    descriptor = opened;
    return opened;
  }

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  return {
    write(line) {
      try {
        if (bytes >= maxBytes) {
          close();
          renameSync(file, `${file}.1`);
        }
        bytes += writeSync(descriptor ?? open(), `${line}\n`);
        failed = false;
      } catch (error) {
        if (!failed) onError(error as Error);
        failed = true;
      }
    },
    close,
  };
}
