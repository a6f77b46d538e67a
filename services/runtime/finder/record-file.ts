/** The file that the Finder's record is in. */
import { decodeRecord, type FinderRecord } from '@dpr/core';
import type { Log } from '../log.ts';
import { openTwoSlotFile, type Disk, type TwoSlotFile } from '../storage/index.ts';

/** The two-slot file's name in the Finder's directory. */
export const RECORD_FILE = 'finder';

export interface RecordFile {
  readonly file: TwoSlotFile;
  /** The newest one in it; undefined if there is none. */
  readonly record: FinderRecord | undefined;
}

/** @throws StorageDamagedError, FrameError, system errors */
export async function openRecordFile(disk: Disk, log: Pick<Log, 'warn'>): Promise<RecordFile> {
  const file = await openTwoSlotFile(disk, RECORD_FILE);
  if (file.distrusted !== undefined) {
    log.warn({ event: 'slotDistrusted', file: file.distrusted, reason: 'torn or damaged; the other slot is used' });
  }
  const record = file.recovered && decodeRecord(file.recovered.record);
  return { file, record };
}
