/**
 * Where the Services are that a configuration names. NGINX looks names up when it reads its configuration and never again, so one
 * that names Services goes on to where they were; with their addresses in it, it is another one as soon as one of them moved. And
 * NGINX refuses the whole of a configuration for one name that it does not find; here, only the route to that name is left out.
 */
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** @returns the addresses that a name has; @throws Error when there are none */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** A configuration as NGINX can serve it now. */
export interface Resolved {
  /** With addresses instead of names, and without the routes to names that have none. */
  readonly text: string;
  /** How many routes it has. */
  readonly routes: number;
  /** The names that have no address, whose ports are therefore closed. */
  readonly unknown: readonly string[];
}

export interface Addresses {
  /** Names that are new are looked up first, but DNS that is silent holds nothing up for longer than `PATIENCE_MS`. */
  resolve(text: string): Promise<Resolved>;
  /** Looks up again what the last configuration names; `resolve` tells what came of it. */
  refresh(which: 'all' | 'unknown'): Promise<void>;
}

/** How long `resolve` waits for names that it sees for the first time. */
export const PATIENCE_MS = 2_000;
/** Node looks names up with the four threads that read files too, and DNS that is silent holds each of them for half a minute. */
export const LOOK_UPS_AT_ONCE = 2;
const ROUTE = /[ \t]*server \{[^{}]*\bproxy_pass ([^\s:;{}]+):\d+;[^{}]*\}\n?/g;

/** @param patienceMs for tests, which do not wait as long */
export function createAddresses(lookUp: LookUp, patienceMs = PATIENCE_MS): Addresses {
  /** By name, of those that the last configuration has; undefined where nothing was found. */
  const known = new Map<string, string | undefined>();
  const inTurn = limited(LOOK_UPS_AT_ONCE);
  /** Look-ups that have not ended, by name: one that takes long is not begun a second time. */
  const asked = new Map<string, Promise<void>>();

  function find(name: string): Promise<void> {
    const running = asked.get(name);
    if (running !== undefined) return running;
    const begun = inTurn(async () => {
      const found = await lookUp(name).catch((): readonly string[] => []);
      if (known.has(name)) known.set(name, chosen(known.get(name), found));
    }).finally(() => asked.delete(name));
    asked.set(name, begun);
    return begun;
  }

  return {
    async resolve(text) {
      const names = new Set(Array.from(text.matchAll(ROUTE), ([, name = '']) => name));
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
      const added = [...names].filter((name) => !known.has(name));
      for (const name of added) known.set(name, undefined);
      if (added.length > 0) await withinMs(patienceMs, Promise.all(added.map(find)));
      return resolved(text, known);
    },
    async refresh(which) {
      const names = [...known].flatMap(([name, address]) => (which === 'all' || address === undefined ? [name] : []));
      await Promise.all(names.map(find));
    },
  };
}

/** What is known stays while it is among the answers, or there are none: neither their order nor a silent DNS moves anything. */
function chosen(before: string | undefined, found: readonly string[]): string | undefined {
  return before !== undefined && (found.length === 0 || found.includes(before)) ? before : found[0];
}

function resolved(text: string, known: ReadonlyMap<string, string | undefined>): Resolved {
  const unknown = new Set<string>();
  let routes = 0;
  const served = text.replace(ROUTE, (route, name: string) => {
    const address = known.get(name);
    if (address === undefined) {
      unknown.add(name);
      return '';
    }
    routes += 1;
    return route.replace(`proxy_pass ${name}:`, `proxy_pass ${isIPv6(address) ? `[${address}]` : address}:`);
  });
  return { text: served, routes, unknown: [...unknown] };
}

/** @returns what runs tasks, so many at a time and the others in turn */
function limited(most: number): (task: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running === most) await new Promise<void>((turn) => waiting.push(turn));
    else running += 1;
    try {
      await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next(); // which takes this one's place
    }
  };
}

/** Waits for the work, and no longer than this. */
async function withinMs(limitMs: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const late = pause(limitMs, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([work, late]);
  done.abort();
}

/** As every program of the pod looks names up. */
export async function lookUpAll(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
