/** Keeps NGINX at the newest configuration that it accepts, one after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { createAddresses, type LookUp } from './addresses.ts';
import {
  certificateIn,
  digestOf,
  feed,
  servedVersion,
  type Verdict,
  versionIn,
  withDigest,
  withoutDigests,
} from './nginx.ts';

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
  /** Where the certificate is, if NGINX has one: the kubelet renews it there. */
  readonly tlsDirectory: string | undefined;
  /** Asked where Services are. */
  readonly lookUp: LookUp;
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
/** How often NGINX is asked what it serves, and the certificate looked at. */
const LOOK_MS = 1_000;
/** From one look at where the Services are to the next. */
const LOOK_UP_PAUSE_MS = 5_000;

/** Runs until the signal. */
export function startFeeder({ directory, tlsDirectory, lookUp, log, signal }: FeederOptions): Feeder {
  const addresses = createAddresses(lookUp);
  let wanted: string | undefined;
  let written: string | undefined;
  let serving: string | undefined;
  let refused: Report['refused'];
  let busy = false;

  async function settle(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      let text = await wantedNow();
      for (; text !== undefined && text !== written; text = await wantedNow()) await serve(text);
      // What was refused is no longer wanted: what is served is.
      if (text !== undefined && refused !== undefined) accept(text);
    } finally {
      busy = false;
    }
  }

  async function serve(text: string): Promise<void> {
    const { accepted, reason } = await tryFeeding(text);
    if (!accepted) {
      const version = versionIn(text);
      if (refused?.version !== version || refused.reason !== reason) log('refused', version, reason);
      refused = { version, reason };
      await newerThan(text);
    }
    serving = await servedVersion(directory);
    if (accepted) accept(text);
  }

  function accept(text: string): void {
    written = text;
    refused = undefined;
    log('accepted', versionIn(text), '');
  }

  /** What is wanted, with the addresses and the certificate of now. */
  async function wantedNow(): Promise<string | undefined> {
    if (wanted === undefined) return undefined;
    const named = wanted;
    const resolved = await addresses.resolve(named);
    const text = resolved === named ? named : withDigest(resolved, digestOf(resolved));
    const certificate = tlsDirectory === undefined ? undefined : await certificateIn(tlsDirectory);
    return certificate === undefined ? text : withDigest(text, certificate);
  }

  async function tryFeeding(text: string): Promise<Verdict> {
    try {
      return await feed(directory, text, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { accepted: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  function settleSoon(): void {
    settle().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  /** Waits for something else to be wanted, but not for long. */
  async function newerThan(text: string): Promise<void> {
    const late = performance.now() + RETRY_MS;
    while ((await wantedNow()) === text && performance.now() < late) await pause(LOOK_MS / 10, undefined, { signal });
  }

  const look = setInterval(() => {
    void servedVersion(directory).then((version) => (serving = version));
    settleSoon();
  }, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(look), { once: true });

  async function keepAddresses(): Promise<void> {
    while (!signal.aborted) {
      await addresses.refresh();
      await pause(LOOK_UP_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  void keepAddresses();

  return {
    want(text) {
      wanted = text;
      settleSoon();
    },
    fed: () => written !== undefined,
    report: () => ({
      ...(serving === undefined ? {} : { serving: withoutDigests(serving) }),
      ...(refused === undefined ? {} : { refused: { ...refused, version: withoutDigests(refused.version) } }),
    }),
  };
}
