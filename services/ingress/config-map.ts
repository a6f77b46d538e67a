/** The one ConfigMap of the ingress, watched through the API of Kubernetes, which tells of a change within a second. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';

/** How to reach the API as a pod's service account. */
export interface Account {
  readonly host: string;
  readonly port: string;
  readonly namespace: string;
  readonly ca: string;
  /** Read anew for each request: Kubernetes renews it. */
  token(): Promise<string>;
}

export interface WatchOptions {
  readonly account: Account;
  /** The ConfigMap's name. */
  readonly name: string;
  /** The key whose text is watched. */
  readonly key: string;
  readonly changed: (text: string) => void;
  readonly failed: (reason: string) => void;
  readonly signal: AbortSignal;
}

const ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A watch ends after this long and is begun again, so that one that is dead unnoticed does not last. */
const WATCH_SECONDS = 240;
const SILENCE_LIMIT_MS = (WATCH_SECONDS + 10) * 1_000;

/** @throws Error when this is not a pod that has a service account */
export async function podAccount(variables: Readonly<Record<string, string | undefined>>): Promise<Account> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = variables;
  if (host === undefined) throw new Error('KUBERNETES_SERVICE_HOST is not set: this program runs in a pod only');
  const read = (file: string) => readFile(path.join(ACCOUNT_DIRECTORY, file), 'utf8');
  return { host, port, namespace: await read('namespace'), ca: await read('ca.crt'), token: () => read('token') };
}

/** Tells the text as it is, and then each time that it changes, until the watch ends for whatever reason. */
export async function watchOnce(options: WatchOptions): Promise<void> {
  const { account, name, failed, signal } = options;
  const all = `/api/v1/namespaces/${account.namespace}/configmaps`;
  try {
    const now = await ask(account, `${all}/${name}`, signal);
    const { metadata, data } = JSON.parse(await textOf(now)) as ConfigMap;
    tell(options, data);
    const query = `watch=true&timeoutSeconds=${WATCH_SECONDS}&fieldSelector=metadata.name%3D${name}`;
    const events = await ask(account, `${all}?${query}&resourceVersion=${metadata.resourceVersion}`, signal);
    for await (const line of createInterface(events)) {
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === 'ERROR') throw new Error(`the API server says ${object.message ?? line}`);
      if (type !== 'DELETED') tell(options, object.data); // one that is deleted goes on serving
    }
  } catch (error) {
    if (!signal.aborted) failed(error instanceof Error ? error.message : String(error));
  }
}

type ConfigMap = { metadata: { resourceVersion: string }; data?: Record<string, string> };
type WatchEvent = { type: string; object: { data?: Record<string, string>; message?: string } };

function tell({ key, changed }: WatchOptions, data: ConfigMap['data']): void {
  const text = data?.[key];
  if (text !== undefined) changed(text);
}

/** @throws Error when the answer is not what was asked for */
async function ask(account: Account, resource: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { host, port, ca } = account;
  const headers = { authorization: `Bearer ${await account.token()}` };
  const asked = request({ host, port, ca, path: resource, headers, signal, timeout: SILENCE_LIMIT_MS });
  asked.on('timeout', () => asked.destroy(new Error('the API server is silent')));
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode === 200) return response;
  throw new Error(`the API server answers ${response.statusCode ?? 0}: ${(await textOf(response)).trim()}`);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
