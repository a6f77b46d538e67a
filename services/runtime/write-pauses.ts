/** How long to wait before a disk that refused a write is asked again. */
import { backOff, type BackOff } from './back-off.ts';
import type { Host } from './host.ts';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/** How often a process that writes nothing looks whether its files are still there. */
export const LOOK_EVERY_MS = 1_000;

/** Resolves after `ms`, or once the signal is aborted. */
export function pause(host: Host, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = host.setTimeout(end, ms);
    signal?.addEventListener('abort', end);
    function end(): void {
      host.clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    }
  });
}

export function writePauses({ random }: Host): BackOff {
  return backOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, 2, random);
}
