/** What the pods of a deployed ingress tell of themselves. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { ingressAdminPort } from '../../infra/plan/ports.ts';
import { type Deployments, kubectl } from './deployments.ts';

/** What a pod answers at `/configuration`. */
export type Configuration = {
  readonly serving?: string;
  readonly routes: number;
  readonly refused?: { readonly version: string; readonly reason: string };
  readonly unknown?: readonly string[];
};

const POLL_MS = 50;

/** The name of the one pod that the ingress has; that it is being replaced is waited for. */
export async function ingressPod({ namespace }: Deployments, limitMs: number): Promise<string> {
  const words = ['get', 'pod', '-n', namespace, '-l', 'app.kubernetes.io/component=ingress', '-o', 'name'];
  return waitFor(limitMs, async () => {
    const [pod, another] = await kubectl(words);
    return pod === undefined || another !== undefined ? undefined : pod.replace('pod/', '');
  });
}

/** Waits until the pod serves as it should. @returns what it tells then */
export async function told(
  deployed: Deployments,
  limitMs: number,
  asItShould: (configuration: Configuration) => boolean,
): Promise<Configuration> {
  const pod = await ingressPod(deployed, limitMs);
  const place = `pods/${pod}:${ingressAdminPort(deployed)}/proxy/configuration`;
  let last = '';
  return waitFor(
    limitMs,
    async () => {
      // A pod that only starts does not answer yet.
      last = await kubectl(['get', '--raw', `/api/v1/namespaces/${deployed.namespace}/${place}`]).then(
        (lines) => lines.join(''),
        () => '{"routes":0}',
      );
      const configuration = JSON.parse(last) as Configuration;
      return asItShould(configuration) ? configuration : undefined;
    },
    () => `the ingress tells ${last}`,
  );
}

/** Waits until there is an answer. */
export async function waitFor<Answer>(
  limitMs: number,
  ask: () => Promise<Answer | undefined>,
  otherwise = () => 'it did not happen in time',
): Promise<Answer> {
  const late = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    assert.ok(performance.now() < late, otherwise());
    await pause(POLL_MS);
  }
}
