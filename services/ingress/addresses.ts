/**
 * Where the Services are that a configuration names. NGINX looks names up when it reads its configuration and never again, so one
 * that names Services goes on to where they were; with their addresses in it, it is another one as soon as one of them moved.
 */
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';

/** @returns the addresses that a name has; @throws Error when there are none */
export type LookUp = (name: string) => Promise<readonly string[]>;

export interface Addresses {
  /** The configuration with addresses instead of names. A name that is not found stays: NGINX refuses it in its own words. */
  resolve(text: string): Promise<string>;
  /** Looks up again what the last configuration names; `resolve` tells what came of it. */
  refresh(): Promise<void>;
}

const NAME = /(?<=proxy_pass )[^\s:;]+(?=:\d+;)/g;

export function createAddresses(lookUp: LookUp): Addresses {
  /** By name, of those that the last configuration has; undefined where nothing was found. */
  const known = new Map<string, string | undefined>();

  /** What is known stays while it is among the answers, or there are none: neither their order nor a silent DNS moves anything. */
  async function find(name: string): Promise<string | undefined> {
    const found = await lookUp(name).catch((): readonly string[] => []);
    const before = known.get(name);
    return before !== undefined && (found.length === 0 || found.includes(before)) ? before : found[0];
  }

  return {
    async resolve(text) {
      const names = new Set(text.match(NAME));
      for (const name of known.keys()) if (!names.has(name)) known.delete(name);
      for (const name of names) if (!known.has(name)) known.set(name, await find(name));
      return text.replace(NAME, (name) => {
        const address = known.get(name) ?? name;
        return isIPv6(address) ? `[${address}]` : address;
      });
    },
    async refresh() {
      for (const name of [...known.keys()]) {
        const address = await find(name);
        if (known.has(name)) known.set(name, address);
      }
    },
  };
}

/** As every program of the pod looks names up. */
export async function lookUpAll(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
