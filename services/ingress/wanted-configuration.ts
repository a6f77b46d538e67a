/** The configuration that NGINX should serve: what was asked for last, with the addresses and the certificate of now. */
import type { Addresses } from './service-addresses.ts';
import { certificateIn, digestOf, versionIn, withDigest, withoutPorts } from './nginx.ts';

export interface WantedOptions {
  readonly addresses: Addresses;
  /** Where the certificate is, if NGINX has one: the kubelet renews it there. */
  readonly tlsDirectory: string | undefined;
  /** Told of Services that have no address, and once all have one again. */
  readonly log: (event: 'unknown' | 'found', version: string, reason: string) => void;
}

export interface Wanted {
  /** This from now on. */
  want(text: string): void;
  /** As it is to be served now; undefined before there is one. */
  now(): Promise<string | undefined>;
  /** NGINX may not open this port of it, for this reason. */
  close(port: string, reason: string): void;
  /** Why ports of it are closed. */
  closed(): Readonly<Record<string, string>>;
  /** How many of its ports led somewhere when that was last looked at. */
  routes(): number;
  /** Names of Services that had no address then. */
  unknown(): readonly string[];
}

/** A line of the log names no more Services than this. */
const MAX_NAMES = 10;

export function createWanted({ addresses, tlsDirectory, log }: WantedOptions): Wanted {
  let wanted: string | undefined;
  let closed: Readonly<Record<string, string>> = {};
  let routes = 0;
  let unknown: readonly string[] = [];

  function logUnknown(names: readonly string[], version: string): void {
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

  return {
    want(text) {
      if (text !== wanted) closed = {};
      wanted = text;
    },
    async now() {
      if (wanted === undefined) return undefined;
      const named = wanted;
      const resolved = await addresses.resolve(withoutPorts(named, Object.keys(closed)));
      const text = resolved.text === named ? named : withDigest(resolved.text, digestOf(resolved.text));
      routes = resolved.routes;
      logUnknown(resolved.unknown, versionIn(text));
      const certificate = tlsDirectory === undefined ? undefined : await certificateIn(tlsDirectory);
      return certificate === undefined ? text : withDigest(text, certificate);
    },
    close(port, reason) {
      closed = { ...closed, [port]: reason };
    },
    closed: () => closed,
    routes: () => routes,
    unknown: () => unknown,
  };
}
