/** Waiting for what other processes were asked to write. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { withPatience } from '@dpr/runtime/time-limit';

const POLL_MS = 10;
const WRITE_LIMIT_MS = 20_000;

/** @throws TimeoutError when one of the files is not there in time, the signals' reason when one says to stop */
export async function untilWritten(files: readonly string[], signals: readonly AbortSignal[] = []): Promise<void> {
  await withPatience({ signals, ms: WRITE_LIMIT_MS }, async (limit) => {
    while (!files.every((file) => existsSync(file))) await pause(POLL_MS, undefined, { signal: limit });
  });
}
