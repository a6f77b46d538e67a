import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { reachable } from '@dpr/infra/plan';

const POLL_MS = 15;
const ANSWER_TIMEOUT_MS = 1_000;

/**
 * Waits until the process behind an admin port says that it is ready.
 *
 * @param host the address that it binds
 * @throws AbortError when `signal` says to wait no longer
 */
export async function untilReady(host: string, adminPort: number, signal: AbortSignal): Promise<void> {
  const url = `http://${reachable(host)}:${adminPort}/ready`;
  while (!(await isReady(url, signal))) await pause(POLL_MS, undefined, { signal });
}

/** All that is no answer means no: no process listens yet, or one stands still. */
function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_TIMEOUT_MS, signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}
