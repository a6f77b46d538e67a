/** Makes the Finder's record durable, however often it takes. */
import { setTimeout as pause } from 'node:timers/promises';
import { encodeRecord, type FinderRecord } from '@dpr/core';
import { backOff } from '../back-off.ts';
import { EXIT, ProcessError } from '../exit-codes.ts';
import type { Log } from '../log.ts';
import { systemCode, type TwoSlotFile, type VolumeLock } from '../storage/index.ts';

export interface RecordWriterOptions {
  readonly file: TwoSlotFile;
  readonly lock: VolumeLock;
  readonly log: Log;
  /** The record with this counter is durable. */
  readonly written: (counter: number, seconds: number) => void;
  readonly failed: () => void;
  /** It makes no sense to try again. */
  readonly broken: (error: unknown) => void;
}

export interface RecordWriter {
  /** One at a time: the next one only after `written`. */
  write(record: FinderRecord): void;
  /** Begin no further attempt; resolves when the one that runs has ended. */
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

export function recordWriter({ file, lock, log, written, failed, broken }: RecordWriterOptions): RecordWriter {
  const stopped = new AbortController();
  let writing: Promise<void> = Promise.resolve();

  async function writeUntilDurable(record: FinderRecord): Promise<void> {
    const pauses = backOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    const bytes = encodeRecord(record);
    while (!stopped.signal.aborted) {
      if (!(await lock.stillHeld())) {
        throw new ProcessError(
          "the lock of the Finder's directory was taken away: another Finder may run",
          EXIT.config,
        );
      }
      const began = performance.now();
      try {
        await file.write(bytes);
        written(record.counter, (performance.now() - began) / 1000);
        return;
      } catch (error) {
        if (systemCode(error) === undefined) throw error;
        failed();
        log.error({ event: 'writeFailed', counter: record.counter, reason: String(error) });
        await pause(pauses.next(), undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
  }

  return {
    write(record) {
      writing = writeUntilDurable(record).catch(broken);
    },
    stop() {
      stopped.abort();
      return writing;
    },
  };
}
