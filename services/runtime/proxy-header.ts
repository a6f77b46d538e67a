/**
 * The header of the PROXY protocol, version 1: the line that a proxy writes before anything else on a connection that it passes on, and
 * that names the client. (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt)
 */
import { isIPv4, isIPv6, type Socket } from 'node:net';

/** A header is no longer than this, its line end included. */
export const MAX_PROXY_HEADER_BYTES = 107;

export type ProxyHeader =
  /** The bytes may be the beginning of one. */
  | { readonly kind: 'incomplete' }
  /** The connection has none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** @property client undefined: the proxy does not know it */
  | { readonly kind: 'header'; readonly client: string | undefined; readonly bytes: number };

const BEGINNING = 'PROXY ';
const LINE_END = '\r\n';
const UNKNOWN = /^PROXY UNKNOWN(?: .*)?$/;
const KNOWN = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/;
const MAX_PORT = 65_535;

/** What the first bytes of a connection say. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, MAX_PROXY_HEADER_BYTES);
  if (!text.startsWith(BEGINNING)) return { kind: BEGINNING.startsWith(text) ? 'incomplete' : 'none' };
  const end = text.indexOf(LINE_END);
  if (end < 0) {
    if (bytes.length < MAX_PROXY_HEADER_BYTES) return { kind: 'incomplete' };
    return { kind: 'malformed', reason: `its line has no end within ${MAX_PROXY_HEADER_BYTES} bytes` };
  }
  const line = text.slice(0, end);
  const header = { kind: 'header', bytes: end + LINE_END.length } as const;
  if (UNKNOWN.test(line)) return { ...header, client: undefined };
  const [, family, client = '', server = '', ...ports] = KNOWN.exec(line) ?? [];
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  const isRight = isAddress(client) && isAddress(server) && ports.every((port) => Number(port) <= MAX_PORT);
  return isRight ? { ...header, client } : { kind: 'malformed', reason: 'its line is not that of a client' };
}

/**
 * Read a connection's header, if it has one. What follows the header, or the beginning of a connection without one, stays to be read.
 * @param done called once, unless the connection ends before
 */
export function readProxyHeader(
  socket: Socket,
  done: (header: Exclude<ProxyHeader, { kind: 'incomplete' }>) => void,
): void {
  let bytes = Buffer.alloc(0);
  function read(): void {
    for (let chunk = next(); chunk !== null; chunk = next()) {
      bytes = Buffer.concat([bytes, chunk]);
      const header = parseProxyHeader(bytes);
      if (header.kind === 'incomplete') continue;
      socket.off('readable', read);
      const rest = header.kind === 'header' ? bytes.subarray(header.bytes) : bytes;
      if (rest.length > 0) socket.unshift(rest);
      return done(header);
    }
  }
  const next = (): Buffer | null => socket.read() as Buffer | null;
  socket.on('readable', read);
}
