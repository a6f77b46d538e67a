/** Keeps NGINX at the newest configuration that it accepts, one after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Addresses, createAddresses, type LookUp } from './service-addresses.ts';
import { withoutDigests } from './nginx.ts';
import { createServing, type Serving } from './served-configuration.ts';
import { createWanted, type Wanted } from './wanted-configuration.ts';

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

/** How often NGINX is asked what it serves, and the certificate looked at. */
const LOOK_MS = 1_000;
/** From one look for Services that have no address to the next. */
const LOOK_UP_PAUSE_MS = 1_000;
/** Every so many of them looks for all Services. */
const LOOK_UPS_PER_ROUND = 5;

/** Runs until the signal. */
export function startFeeder({ directory, tlsDirectory, lookUp, log, signal }: FeederOptions): Feeder {
  const addresses = createAddresses(lookUp);
  const wanted = createWanted({ addresses, tlsDirectory, log });
  const serving = createServing({ directory, wanted, log, signal });
  let busy = false;

  async function settle(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      await serving.settle();
    } finally {
      busy = false;
    }
  }

  function settleSoon(): void {
    settle().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  const look = setInterval(settleSoon, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(look), { once: true });
  void keepAddresses(addresses, signal);

  return {
    want(text) {
      wanted.want(text);
      settleSoon();
    },
    fed: serving.fed,
    report: () => reportOf(serving, wanted),
  };
}

function reportOf(serving: Serving, wanted: Wanted): Report {
  const [version, refused, closed, unknown] = [serving.version(), serving.refused(), wanted.closed(), wanted.unknown()];
  return {
    ...(version === undefined ? {} : { serving: withoutDigests(version) }),
    routes: wanted.routes(),
    ...(refused === undefined ? {} : { refused: { ...refused, version: withoutDigests(refused.version) } }),
    ...(Object.keys(closed).length === 0 ? {} : { closed }),
    ...(unknown.length === 0 ? {} : { unknown }),
  };
}

async function keepAddresses(addresses: Addresses, signal: AbortSignal): Promise<void> {
  for (let round = 1; !signal.aborted; round++) {
    await addresses.refresh(round % LOOK_UPS_PER_ROUND === 0 ? 'all' : 'unknown');
    await pause(LOOK_UP_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}
