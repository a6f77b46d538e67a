/** Brings NGINX to the configuration that is wanted, and knows what it serves and what it refused. */
import { setTimeout as pause } from 'node:timers/promises';
import { feed, portThatIsRefused, refusalIn, servedVersion, type Verdict, versionIn } from './nginx.ts';
import type { Wanted } from './wanted-configuration.ts';

export interface ServingOptions {
  /** Shared with NGINX. */
  readonly directory: string;
  readonly wanted: Wanted;
  readonly log: (event: 'written' | 'accepted' | 'refused', version: string, reason: string) => void;
  readonly signal: AbortSignal;
}

export interface Refused {
  readonly version: string;
  readonly reason: string;
}

export interface Serving {
  /** Feed NGINX until it has what is wanted, and look at what it made of that. */
  readonly settle: () => Promise<void>;
  /** Whether anything was written for NGINX. */
  readonly fed: () => boolean;
  /** The version that NGINX serves, with its digests. */
  readonly version: () => string | undefined;
  /** What it refused last and is still wanted. */
  readonly refused: () => Refused | undefined;
}

/** A refused configuration is tried again, since what NGINX lacked may be there later. */
const RETRY_MS = 5_000;
/** How often something newer is looked for meanwhile. */
const NEWER_LOOK_MS = 100;

export function createServing({ directory, wanted, log, signal }: ServingOptions): Serving {
  let written: string | undefined;
  /** Whether NGINX was seen to serve what is written. */
  let confirmed = false;
  let serving: string | undefined;
  let refused: Refused | undefined;
  /** Why NGINX did not start, when that was last looked at. */
  let suspected = '';

  async function serve(text: string): Promise<void> {
    const { outcome, reason } = await tryFeeding(directory, text, signal);
    if (outcome === 'refused') {
      refuse(text, reason);
      await newerThan(text);
      serving = await servedVersion(directory);
      return;
    }
    written = text;
    confirmed = false;
    if (outcome === 'accepted') {
      serving = versionIn(text);
      accept(text);
      return;
    }
    refused = undefined;
    suspected = '';
    log('written', versionIn(text), '');
  }

  /** What became of the text that is written: an NGINX that starts serves it, or says why it does not start. */
  async function judge(text: string): Promise<void> {
    if (serving === versionIn(text)) {
      // What was refused before is no longer wanted: what is served is.
      if (!confirmed || refused !== undefined) accept(text);
    } else if (serving === undefined) {
      const reason = await refusalIn(directory);
      // Seen once, it may be of the configuration before, which NGINX was just reading.
      if (reason !== '' && reason === suspected) {
        refuse(text, reason);
        const port = portThatIsRefused(reason);
        if (port !== undefined) wanted.close(port, reason);
      }
      suspected = reason;
    }
  }

  function accept(text: string): void {
    confirmed = true;
    refused = undefined;
    log('accepted', versionIn(text), '');
  }

  function refuse(text: string, reason: string): void {
    const version = versionIn(text);
    if (refused?.version !== version || refused.reason !== reason) log('refused', version, reason);
    refused = { version, reason };
  }

  /** Waits for something else to be wanted, but not for long. */
  async function newerThan(text: string): Promise<void> {
    const late = performance.now() + RETRY_MS;
    while ((await wanted.now()) === text && performance.now() < late) await pause(NEWER_LOOK_MS, undefined, { signal });
  }

  return {
    async settle() {
      let text = await wanted.now();
      for (; text !== undefined && text !== written; text = await wanted.now()) await serve(text);
      serving = await servedVersion(directory);
      if (text !== undefined) await judge(text);
    },
    fed: () => written !== undefined,
    version: () => serving,
    refused: () => refused,
  };
}

async function tryFeeding(directory: string, text: string, signal: AbortSignal): Promise<Verdict> {
  try {
    return await feed(directory, text, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
}
