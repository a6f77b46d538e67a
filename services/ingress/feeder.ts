/** Keeps NGINX at the newest configuration that it accepts, one after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { createAddresses, type LookUp } from './addresses.ts';
import {
  certificateIn,
  digestOf,
  feed,
  portThatIsRefused,
  refusalIn,
  servedVersion,
  type Verdict,
  versionIn,
  withDigest,
  withoutDigests,
  withoutPorts,
} from './nginx.ts';

/** What is served, as the pod tells at `/configuration`. */
export interface Report {
  /** The version that NGINX serves. */
  readonly serving?: string;
  /** How many public ports of the newest configuration lead somewhere. */
  readonly routes: number;
  /** The version that it refused last and that is still wanted, and why. */
  readonly refused?: { readonly version: string; readonly reason: string };
  /** Public ports that NGINX may not open, and why: it starts without them, since it would not start with them. */
  readonly closed?: Readonly<Record<string, string>>;
  /** Names of Services that have no address. Their ports are closed until they have one. */
  readonly unknown?: readonly string[];
}

/**
 * `written`: NGINX finds it when it starts. `accepted`: NGINX serves it. `refused`: NGINX does not, for a reason of its own. `unknown`:
 * it is served without the routes to some Services. `found`: that is over.
 */
export type FeederEvent = 'written' | 'accepted' | 'refused' | 'unknown' | 'found';

export interface FeederOptions {
  /** Shared with NGINX. */
  readonly directory: string;
  /** Where the certificate is, if NGINX has one: the kubelet renews it there. */
  readonly tlsDirectory: string | undefined;
  /** Asked where Services are. */
  readonly lookUp: LookUp;
  readonly log: (event: FeederEvent, version: string, reason: string) => void;
  readonly signal: AbortSignal;
}

export interface Feeder {
  /** NGINX should serve this from now on; what was wanted before and is not served yet no longer counts. */
  want(text: string): void;
  /** Whether there was a configuration at all. */
  fed(): boolean;
  report(): Report;
}

/** A refused configuration is tried again, since what NGINX lacked may be there later. */
const RETRY_MS = 5_000;
/** How often NGINX is asked what it serves, and the certificate looked at. */
const LOOK_MS = 1_000;
/** From one look for Services that have no address to the next. */
const LOOK_UP_PAUSE_MS = 1_000;
/** Every so many of them looks for all Services. */
const LOOK_UPS_PER_ROUND = 5;
/** A line of the log names no more Services than this. */
const MAX_NAMES = 10;

/** Runs until the signal. */
export function startFeeder({ directory, tlsDirectory, lookUp, log, signal }: FeederOptions): Feeder {
  const addresses = createAddresses(lookUp);
  let wanted: string | undefined;
  let written: string | undefined;
  /** Whether NGINX was seen to serve what is written. */
  let confirmed = false;
  let serving: string | undefined;
  let refused: Report['refused'];
  /** Why NGINX did not start, when that was last looked at. */
  let suspected = '';
  /** The reason by port, of the wanted configuration. */
  let closed: Readonly<Record<string, string>> = {};
  let routes = 0;
  let unknown: readonly string[] = [];
  let busy = false;

  async function settle(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      let text = await wantedNow();
      for (; text !== undefined && text !== written; text = await wantedNow()) await serve(text);
      serving = await servedVersion(directory);
      if (text !== undefined) await judge(text);
    } finally {
      busy = false;
    }
  }

  async function serve(text: string): Promise<void> {
    const { outcome, reason } = await tryFeeding(text);
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
        if (port !== undefined) closed = { ...closed, [port]: reason };
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

  /** What is wanted, with the addresses and the certificate of now. */
  async function wantedNow(): Promise<string | undefined> {
    if (wanted === undefined) return undefined;
    const named = wanted;
    const resolved = await addresses.resolve(withoutPorts(named, Object.keys(closed)));
    const text = resolved.text === named ? named : withDigest(resolved.text, digestOf(resolved.text));
    routes = resolved.routes;
    tellUnknown(resolved.unknown, versionIn(text));
    const certificate = tlsDirectory === undefined ? undefined : await certificateIn(tlsDirectory);
    return certificate === undefined ? text : withDigest(text, certificate);
  }

  function tellUnknown(names: readonly string[], version: string): void {
    if (names.join() === unknown.join()) return;
    unknown = names;
    if (names.length === 0) return log('found', version, '');
    const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
    log(
      'unknown',
      version,
      `no address is found for ${names.slice(0, MAX_NAMES).join(', ')}${more}: these ports are closed`,
    );
  }

  async function tryFeeding(text: string): Promise<Verdict> {
    try {
      return await feed(directory, text, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { outcome: 'refused', reason: error instanceof Error ? error.message : String(error) };
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

  const look = setInterval(settleSoon, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(look), { once: true });

  async function keepAddresses(): Promise<void> {
    for (let round = 1; !signal.aborted; round++) {
      await addresses.refresh(round % LOOK_UPS_PER_ROUND === 0 ? 'all' : 'unknown');
      await pause(LOOK_UP_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  void keepAddresses();

  return {
    want(text) {
      if (text !== wanted) closed = {};
      wanted = text;
      settleSoon();
    },
    fed: () => written !== undefined,
    report: () => ({
      ...(serving === undefined ? {} : { serving: withoutDigests(serving) }),
      routes,
      ...(refused === undefined ? {} : { refused: { ...refused, version: withoutDigests(refused.version) } }),
      ...(Object.keys(closed).length === 0 ? {} : { closed }),
      ...(unknown.length === 0 ? {} : { unknown }),
    }),
  };
}
