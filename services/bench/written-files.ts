/** What processes that are measured write when they are asked to, and waiting for it. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { withPatience } from '@dpr/runtime/time-limit';

const POLL_MS = 10;
const WRITE_LIMIT_MS = 20_000;

/** The file is whole once it is there. */
export function writeWhole(file: string, value: object): void {
  writeFileSync(`${file}.part`, JSON.stringify(value));
  renameSync(`${file}.part`, file);
}

/** Waits for the file, and removes it. @returns what `writeWhole` wrote @throws as `untilWritten` */
export async function takeWritten(file: string, signals: readonly AbortSignal[] = []): Promise<unknown> {
  await untilWritten([file], signals);
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  rmSync(file);
  return value;
}

/** @throws TimeoutError when one of the files is not there in time, the signals' reason when one says to stop */
export async function untilWritten(files: readonly string[], signals: readonly AbortSignal[] = []): Promise<void> {
  await withPatience({ signals, ms: WRITE_LIMIT_MS }, async (limit) => {
    while (!files.every((file) => existsSync(file))) await pause(POLL_MS, undefined, { signal: limit });
  });
}
