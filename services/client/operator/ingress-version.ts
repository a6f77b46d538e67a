/** What the pods of an ingress serve, as each of them tells. */
import { lookup } from 'node:dns/promises';
import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import { checkData, type Schema } from '@dpr/runtime/outside-data';
import * as z from 'zod/mini';
import { EnsureError } from './ensure.ts';

/** What a pod answers at `/configuration`. */
interface Answer {
  /** The version that NGINX serves. */
  readonly serving?: string;
  /** The one that it refused last, and its reason. */
  readonly refused?: { readonly version: string; readonly reason: string };
  /** Ports that NGINX may not open, and why. */
  readonly closed?: Readonly<Record<string, string>>;
  /** Services that have no address, whose ports are closed. */
  readonly unknown?: readonly string[];
  /** Why it does not hear of changes. */
  readonly watchFailed?: string;
}

const ANSWER: Schema<Answer> = z.object({
  serving: z.exactOptional(z.string()),
  refused: z.exactOptional(z.object({ version: z.string(), reason: z.string() })),
  closed: z.exactOptional(z.record(z.string(), z.string())),
  unknown: z.exactOptional(z.array(z.string())),
  watchFailed: z.exactOptional(z.string()),
});

const TIMEOUT_MS = 2_000;
/** A reason names no more Services than this. */
const MAX_NAMES = 10;

/**
 * @param address host and port; the host's name has an address for every pod
 * @returns why not all of them serve this version yet, or undefined
 * @throws EnsureError when NGINX refused it
 */
export async function ingressBehind(address: string, version: string): Promise<string | undefined> {
  const [host = '', port = ''] = address.split(':');
  try {
    const pods = await lookup(host, { all: true });
    const behind = await Promise.all(
      pods.map((pod) => podBehind(`http://${bracketed(pod)}:${port}/configuration`, version)),
    );
    return behind.find((reason) => reason !== undefined);
  } catch (error) {
    if (error instanceof EnsureError) throw error;
    return `the ingress does not tell what it serves: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function podBehind(url: string, version: string): Promise<string | undefined> {
  const source = { what: `the answer of ${url}`, remedy: 'See that the image of the ingress is of this version' };
  const { serving, refused, closed = {}, unknown = [], watchFailed } = checkData(ANSWER, await read(url), source);
  if (serving === version) {
    const [unopened] = Object.values(closed);
    if (unopened !== undefined)
      throw new EnsureError(`NGINX serves the ingress without a port that it may not open: ${unopened}`);
    const names = unknown.slice(0, MAX_NAMES).join(', ');
    return unknown.length === 0 ? undefined : `the ingress finds no address for ${names}`;
  }
  if (refused?.version === version) {
    throw new EnsureError(`NGINX refuses the ingress's new configuration, and serves the old one: ${refused.reason}`);
  }
  const why = watchFailed === undefined ? '' : `: ${watchFailed}`;
  return `the ingress serves configuration ${serving ?? 'none'}, not yet ${version}${why}`;
}

/** Not by `fetch`, which refuses ports that browsers avoid: an ingress of base port 17000 tells this at 6000. */
function read(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      json(response).then(resolve, reject);
    });
    request.on('error', reject);
  });
}

function bracketed({ address, family }: { address: string; family: number }): string {
  return family === 6 ? `[${address}]` : address;
}
