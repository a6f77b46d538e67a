/** The one ConfigMap of the ingress, watched through the API of Kubernetes, which tells of a change within a second. */
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { IncomingMessage } from 'node:http';

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
export async function watchOnce({ account, name, key, changed, failed, signal }: WatchOptions): Promise<void> {
  try {
    const query = `watch=true&timeoutSeconds=${WATCH_SECONDS}&fieldSelector=metadata.name%3D${name}`;
    const response = await ask(account, `/api/v1/namespaces/${account.namespace}/configmaps?${query}`, signal);
    if (response.statusCode !== 200) {
      failed(`the API server answers ${response.statusCode ?? 0}: ${await firstLine(response)}`);
      return;
    }
    for await (const line of createInterface(response)) {
      const text = textOf(line, key);
      if (text !== undefined) changed(text);
    }
  } catch (error) {
    if (!signal.aborted) failed(error instanceof Error ? error.message : String(error));
  }
}

async function ask(account: Account, resource: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { host, port, ca } = account;
  const headers = { authorization: `Bearer ${await account.token()}` };
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, ca, path: resource, headers, signal, timeout: SILENCE_LIMIT_MS });
    asked.on('response', resolve).on('error', reject);
    asked.on('timeout', () => asked.destroy(new Error('the API server is silent')));
    asked.end();
  });
}

async function firstLine(response: IncomingMessage): Promise<string> {
  for await (const line of createInterface(response)) {
    response.destroy();
    return line;
  }
  return '';
}

/** The text of an event that tells how the ConfigMap is now; one that is deleted goes on serving. */
function textOf(line: string, key: string): string | undefined {
  const { type, object } = JSON.parse(line) as { type: string; object: { data?: Record<string, string> } };
  return type === 'ADDED' || type === 'MODIFIED' ? object.data?.[key] : undefined;
}
