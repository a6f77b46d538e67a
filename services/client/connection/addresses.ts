/** Addresses of Finder and workers, from what people write and what the Finder tells. */
import { MAX_TOKEN_BYTES, type Member } from '@dpr/protocol';

/** The Finder's public port, where an address does not name one. */
export const DEFAULT_PORT = 6379;

/**
 * The address as a URL with its port.
 * @throws TypeError when it is none of `ws://` or `wss://`
 */
export function parseAddress(address: string): URL {
  const problem = (why: string): TypeError =>
    new TypeError(`'${address}' ${why}: write it like ws://host:${DEFAULT_PORT}, or wss:// for TLS`);
  if (!URL.canParse(address)) throw problem('is not an address');
  const url = new URL(address);
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw problem('is not the address of a cluster');
  if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw problem('has more than scheme, host and port');
  }
  // A URL drops the port that is its scheme's default, so whether one was named shows only in the text.
  const named = /:\d+\/?$/.test(address.trim());
  if (!named) url.port = String(DEFAULT_PORT);
  return url;
}

/** The same scheme, and the same host unless another one is given, at another port. */
export function siblingAddress(finder: URL, host: string, port: number): string {
  const url = new URL(finder);
  if (host !== '') url.hostname = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  url.port = String(port);
  return addressText(url);
}

/** A URL of a cluster as people write it: without the path. */
export function addressText(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/** Where a worker is reached by someone who reached the Finder at `finder`. */
export function workerAddress(finder: URL, { host, port }: Pick<Member, 'host' | 'port'>): string {
  return siblingAddress(finder, host, port);
}

/** @throws RangeError when the token cannot be sent */
export function checkToken(token: string): string {
  if (Buffer.byteLength(token) > MAX_TOKEN_BYTES) throw new RangeError(`a token has at most ${MAX_TOKEN_BYTES} bytes`);
  return token;
}
