/** Makes the Finder's record durable, however often it takes. */
import { encodeRecord, type FinderRecord } from '@dpr/core';
import { EXIT, ProcessError } from '../exit-codes.ts';
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import { systemCode, type TwoSlotFile, type VolumeLock } from '../storage/index.ts';
import { LOOK_EVERY_MS, pause, writePauses } from '../write-pauses.ts';

export interface RecordWriterOptions {
  readonly host: Host;
  readonly file: TwoSlotFile;
  readonly lock: Pick<VolumeLock, 'stillHeld'>;
  readonly log: Pick<Log, 'error'>;
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

export function recordWriter(options: RecordWriterOptions): RecordWriter {
  const { host, file, lock, log, written, failed, broken } = options;
  const stopped = new AbortController();
  let writing: Promise<void> = Promise.resolve();
  look().catch(broken);

  /** @throws VolumeLostError, ProcessError */
  async function refuseIfUnlocked(): Promise<void> {
    if (await lock.stillHeld()) return;
    await file.refuseIfLost();
    throw new ProcessError("the lock of the Finder's directory was taken away: another Finder may run", EXIT.config);
  }

  /** Also while there is nothing to write. */
  async function look(): Promise<void> {
    for (;;) {
      await pause(host, LOOK_EVERY_MS, stopped.signal);
      if (stopped.signal.aborted) return;
      try {
        await refuseIfUnlocked();
        await file.refuseIfLost();
      } catch (error) {
        if (systemCode(error) === undefined) throw error;
        log.error({ event: 'lookFailed', reason: String(error) });
      }
    }
  }

  async function writeUntilDurable(record: FinderRecord): Promise<void> {
    const pauses = writePauses(host);
    const bytes = encodeRecord(record);
    while (!stopped.signal.aborted) {
      await refuseIfUnlocked();
      const began = host.now();
      try {
        await file.write(bytes);
        await file.refuseIfLost();
        // Another one that began meanwhile may have read the record before.
        await refuseIfUnlocked();
        written(record.counter, (host.now() - began) / 1000);
        return;
      } catch (error) {
        if (systemCode(error) === undefined) throw error;
        failed();
        log.error({ event: 'writeFailed', counter: record.counter, reason: String(error) });
        await pause(host, pauses.next(), stopped.signal);
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
