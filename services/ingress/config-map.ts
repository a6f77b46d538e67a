/** The one ConfigMap of the ingress, watched through the API of Kubernetes, which tells of a change within a second. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import path from 'node:path';
import { parseJson } from '@dpr/runtime/outside-data';
import * as z from 'zod/mini';

/** How to reach the API as a pod's service account. */
export interface Account {
  readonly host: string;
  readonly port: string;
  readonly namespace: string;
  /** Both are read anew for each request: Kubernetes renews the token, and its administrators the certificate authority. */
  ca(): Promise<string>;
  token(): Promise<string>;
}

export interface WatchOptions {
  readonly account: Account;
  /** The ConfigMap's name. */
  readonly name: string;
  /** The key whose text is watched. */
  readonly key: string;
  readonly changed: (text: string) => void;
  /** The watch is one that works: the API server answered. */
  readonly established: () => void;
  readonly failed: (reason: string) => void;
  readonly signal: AbortSignal;
  readonly limits?: WatchLimits;
}

export interface WatchLimits {
  /** How long the API server may take to answer, and to send the ConfigMap, ms. */
  readonly answerMs: number;
  /** The API server ends a watch after this long, s, and it is begun again. */
  readonly watchSeconds: number;
  /** How long after that it is taken for one that died in silence, ms. */
  readonly graceMs: number;
}

const ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A watch over which nothing comes looks the same whether nothing changes or the connection is dead, so none is long. */
export const WATCH_LIMITS: WatchLimits = { answerMs: 5_000, watchSeconds: 15, graceMs: 5_000 };
/** A ConfigMap has 1 MiB at most, which JSON writes as little more than that. */
export const MAX_LINE_BYTES = 4 * 2 ** 20;

/**
 * @param directory where Kubernetes mounts the account
 * @throws Error when this is not a pod that has a service account
 */
export async function podAccount(
  variables: Readonly<Record<string, string | undefined>>,
  directory = ACCOUNT_DIRECTORY,
): Promise<Account> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = variables;
  if (host === undefined) throw new Error('KUBERNETES_SERVICE_HOST is not set: this program runs in a pod only');
  const read = (file: string) => readFile(path.join(directory, file), 'utf8');
  const namespace = await read('namespace');
  return { host, port, namespace, ca: () => read('ca.crt'), token: () => read('token') };
}

/** Tells the text as it is, and then each time that it changes, until the watch ends for any reason. */
export async function watchOnce(options: WatchOptions): Promise<void> {
  const { account, name, established, failed, signal, limits = WATCH_LIMITS } = options;
  const { answerMs, watchSeconds, graceMs } = limits;
  const all = `/api/v1/namespaces/${account.namespace}/configmaps`;
  try {
    const now = await ask(account, `${all}/${name}`, signal, { answerMs, wholeMs: answerMs });
    const source = { what: `the ConfigMap ${name} of the API server`, remedy: REMEDY };
    const { metadata, data } = parseJson(CONFIG_MAP, await textOf(now), source);
    tell(options, data);
    const query = `watch=true&timeoutSeconds=${watchSeconds}&fieldSelector=metadata.name%3D${name}`;
    const since = `resourceVersion=${metadata.resourceVersion}`;
    const wholeMs = watchSeconds * 1_000 + graceMs;
    const events = await ask(account, `${all}?${query}&${since}`, signal, { answerMs, wholeMs });
    established();
    for await (const line of linesOf(events)) {
      const { type, object } = parseJson(WATCH_EVENT, line, { ...source, what: `a change of ${source.what}` });
      if (type === 'ERROR') throw new Error(`the API server says ${object.message ?? line}`);
      if (type !== 'DELETED') tell(options, object.data); // one that is deleted goes on serving
    }
  } catch (error) {
    if (!signal.aborted) failed(error instanceof Error ? error.message : String(error));
  }
}

const REMEDY = 'See that KUBERNETES_SERVICE_HOST leads to an API server of Kubernetes, 1.29 or later';
const DATA = z.optional(z.record(z.string(), z.string()));
const CONFIG_MAP = z.object({ metadata: z.object({ resourceVersion: z.string() }), data: DATA });
/** The object of an error is a status, with a message. */
const WATCH_EVENT = z.object({ type: z.string(), object: z.object({ data: DATA, message: z.optional(z.string()) }) });

/** How long until the answer begins, and until it has ended, ms. */
type AnswerLimits = { readonly answerMs: number; readonly wholeMs: number };

function tell({ key, changed }: WatchOptions, data: z.infer<typeof DATA>): void {
  const text = data?.[key];
  if (text !== undefined) changed(text);
}

/** @throws Error when the answer is not what was asked for */
async function ask(
  account: Account,
  resource: string,
  signal: AbortSignal,
  { answerMs, wholeMs }: AnswerLimits,
): Promise<IncomingMessage> {
  const { host, port } = account;
  const [ca, token] = await Promise.all([account.ca(), account.token()]);
  const headers = { authorization: `Bearer ${token}` };
  // No connection is used a second time, so none can be one that died meanwhile, or that trusts what is no longer trusted.
  const asked = request({ host, port, ca, path: resource, headers, signal, agent: false });
  asked.on('error', () => undefined); // the callers that wait for the answer, and read it, are told
  const silent = () => new Error('the API server is silent');
  const noAnswer = setTimeout(() => asked.destroy(silent()), answerMs);
  asked.end();
  const [response] = (await once(asked, 'response').finally(() => clearTimeout(noAnswer))) as [IncomingMessage];
  const noEnd = setTimeout(() => response.destroy(silent()), wholeMs);
  response.once('close', () => clearTimeout(noEnd));
  if (response.statusCode === 200) return response;
  throw new Error(`the API server answers ${response.statusCode ?? 0}: ${(await textOf(response)).trim()}`);
}

async function textOf(response: IncomingMessage): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const part of response) bytes = joined(bytes, part as Buffer);
  return bytes.toString('utf8');
}

/** Each line, as soon as it is complete. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const part of response) {
    rest = joined(rest, part as Buffer);
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      yield rest.toString('utf8', 0, end);
      rest = rest.subarray(end + 1);
    }
  }
}

/** @throws Error beyond what one answer, or one line of a watch, can need */
function joined(bytes: Buffer, part: Buffer): Buffer<ArrayBuffer> {
  const length = bytes.length + part.length;
  if (length > MAX_LINE_BYTES) throw new Error(`the API server sends more than ${MAX_LINE_BYTES} bytes at once`);
  return Buffer.concat([bytes, part], length);
}
