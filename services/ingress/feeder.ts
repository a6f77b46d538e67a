/** Keeps NGINX at the newest configuration that it accepts, one after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { feed, servedVersion, versionIn } from './nginx.ts';

/** What is served, as the pod tells at `/configuration`. */
export interface Report {
  /** The version that NGINX serves. */
  readonly serving?: string;
  /** The version that it refused last and that is still wanted, and why. */
  readonly refused?: { readonly version: string; readonly reason: string };
}

export interface FeederOptions {
  /** Shared with NGINX. */
  readonly directory: string;
  readonly log: (event: 'accepted' | 'refused', version: string, reason: string) => void;
  readonly signal: AbortSignal;
}

export interface Feeder {
  /** NGINX should serve this from now on; what was wanted before and is not served yet no longer counts. */
  want(text: string): void;
  /** Whether there was a configuration at all. */
  fed(): boolean;
  report(): Report;
}

/** A refused configuration is tried again, since a name that NGINX did not find may be there later. */
const RETRY_MS = 5_000;
/** How often NGINX is asked what it serves. */
const LOOK_MS = 1_000;

/** Runs until the signal. */
export function startFeeder({ directory, log, signal }: FeederOptions): Feeder {
  let wanted: string | undefined;
  let written: string | undefined;
  let serving: string | undefined;
  let refused: Report['refused'];
  let busy = false;

  async function settle(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      while (wanted !== undefined && wanted !== written) {
        const text = wanted;
        const version = versionIn(text);
        const { accepted, reason } = await feed(directory, text, signal);
        if (accepted) {
          written = text;
          refused = undefined;
        } else {
          if (refused?.version !== version || refused.reason !== reason) log('refused', version, reason);
          refused = { version, reason };
          await newerThan(text);
        }
        serving = await servedVersion(directory);
        if (accepted) log('accepted', version, '');
      }
    } finally {
      busy = false;
    }
  }

  /** Waits for something else to be wanted, but not for long. */
  async function newerThan(text: string): Promise<void> {
    const late = performance.now() + RETRY_MS;
    while (wanted === text && performance.now() < late) await pause(LOOK_MS / 10, undefined, { signal });
  }

  const look = setInterval(() => {
    void servedVersion(directory).then((version) => (serving = version));
  }, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(look), { once: true });

  return {
    want(text) {
      wanted = text;
      settle().catch((error: unknown) => {
        if (!signal.aborted) log('refused', versionIn(text), error instanceof Error ? error.message : String(error));
      });
    },
    fed: () => written !== undefined,
    report: () => ({
      ...(serving === undefined ? {} : { serving }),
      ...(refused === undefined ? {} : { refused }),
    }),
  };
}
