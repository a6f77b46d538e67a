import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js';
import { Secret } from '@pulumi/kubernetes/core/v1/secret.js';
import { Service } from '@pulumi/kubernetes/core/v1/service.js';
import { ServiceAccount } from '@pulumi/kubernetes/core/v1/serviceAccount.js';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/networkPolicy.js';
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/podDisruptionBudget.js';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  output,
  type Output,
  secret,
} from '@pulumi/pulumi';
import { parseConfig, type Settings } from '../config.ts';
import { monitoringResources } from '../monitoring/index.ts';
import {
  adminPort,
  type KubernetesPlan,
  labelsOf,
  LISTEN_PORT,
  planKubernetes,
  planNetworkPolicies,
  PODS_NAME,
  roleLabels,
  urlHost,
  volumeFacts,
  type VolumeRecord,
} from '../plan/index.ts';
import { ClientRun } from './client-run.ts';
import type { ClusterContext, TokenSecret } from './cluster-context.ts';
import { Console } from './console.ts';
import { Finder } from './finder.ts';
import { Membership } from './membership-job.ts';
import { Monitoring } from './monitoring.ts';
import { NginxIngress } from './nginx-ingress.ts';
import { Worker } from './worker.ts';

export interface DprClusterArgs {
  /**
   * Everything else, as under `dpr:` in a stack's file: `{ workers: [{ id: 0 }, { id: 1 }] }`. Known values only, because
   * a preview has to know which resources there will be.
   */
  readonly settings: Omit<Settings, 'controlToken' | 'clientToken'>;
  /** What administrators and workers show at the Finder's control port; kept as a secret. */
  readonly controlToken?: Input<string> | undefined;
  /** What clients show, where they have to; kept as a secret. */
  readonly clientToken?: Input<string> | undefined;
  /** The registry of the project's images, for `settings.images` that name none. */
  readonly registry?: Input<string> | undefined;
}

/** How one worker is reached from outside. */
export interface Endpoint {
  readonly id: number;
  readonly type: string;
  readonly url: string;
  /** For Redis clients, where it serves them. */
  readonly resp?: string;
}

/** A Finder, its workers, and the ingress in front of them, in a namespace of their own. */
export class DprCluster extends ComponentResource {
  /** What clients are given. */
  public readonly finderUrl: Output<string>;
  /** Every worker's URL. */
  public readonly endpoints: Output<Endpoint[]>;
  /** Public ports by the name of the process. */
  public readonly portMap: Output<Record<string, number>>;
  /** Of the namespace, where the cluster makes it: no other has the same. */
  public readonly namespaceUid: Output<string> | undefined;
  /** What every StatefulSet was made with and cannot change; `volumeProblems` compares it with the next plan. */
  public readonly volumes: Output<VolumeRecord>;

  /** @throws ConfigError when the settings cannot be used; it names every mistake */
  constructor(name: string, args: DprClusterArgs, options?: ComponentResourceOptions) {
    super('dpr:index:DprCluster', name, {}, options);
    const config = parseConfig(args.settings, 'kubernetes');
    const plan = planKubernetes(config);
    const own = { parent: this };
    const made = plan.createNamespace ? createNamespace(name, plan, this) : undefined;
    this.namespaceUid = made?.metadata.uid;
    const namespace = made?.metadata.name ?? plan.namespace;
    const accounts = createAccounts(name, plan, namespace, this);
    const context = { ...createContext(name, namespace, plan, args, this), accounts };
    createShared(name, context, plan, this);

    if (config.monitoring !== undefined) {
      const planned = monitoringResources({ ...config.monitoring, namespace: plan.namespace });
      new Monitoring(`${name}-monitoring`, { ...context, plan: planned }, own);
    }

    const finder = new Finder(`${name}-finder`, { ...context, plan: plan.finder }, own);
    const workers = plan.workers.map(
      (worker) => new Worker(`${name}-${worker.name}`, { ...context, plan: worker }, own),
    );
    const services = [finder, ...workers].map(({ service }) => service);
    const ingress = new NginxIngress(`${name}-ingress`, { ...context, plan: plan.ingress, services }, own);
    const membership = new Membership(
      `${name}-membership`,
      { ...context, plan: plan.membership, after: [finder, ...workers, ingress] },
      own,
    );
    if (plan.console !== undefined) new Console(`${name}-console`, { ...context, plan: plan.console }, own);
    if (plan.clientRun !== undefined) {
      new ClientRun(`${name}-client-run`, { ...context, plan: plan.clientRun, after: [membership] }, own);
    }

    const [scheme, respScheme] = plan.ingress.tlsSecretName === undefined ? ['ws', 'redis'] : ['wss', 'rediss'];
    const [finderRoute] = plan.ingress.routes;
    const host = ingress.address.apply(urlHost);
    this.finderUrl = interpolate`${scheme}://${host}:${finderRoute?.port ?? 0}`;
    this.endpoints = host.apply((address) =>
      plan.workers.map(({ id, type, publicPort, respPort }) => ({
        ...{ id, type, url: `${scheme}://${address}:${publicPort}` },
        ...(respPort === undefined ? {} : { resp: `${respScheme}://${address}:${respPort}` }),
      })),
    );
    this.portMap = output(Object.fromEntries(plan.ingress.routes.map(({ name: process, port }) => [process, port])));
    this.volumes = output(volumeFacts(plan));
    this.registerOutputs({
      finderUrl: this.finderUrl,
      endpoints: this.endpoints,
      portMap: this.portMap,
      volumes: this.volumes,
    });
  }
}

function createContext(
  name: string,
  namespace: Input<string>,
  { serviceFamilies }: KubernetesPlan,
  { controlToken, clientToken, registry }: DprClusterArgs,
  parent: DprCluster,
): ClusterContext {
  const given = { DPR_CONTROL_TOKEN: controlToken, DPR_CLIENT_TOKEN: clientToken };
  const tokens = Object.entries(given).flatMap(([variable, token]): [string, Input<string>][] =>
    token === undefined ? [] : [[variable, token]],
  );
  const context = { namespace, serviceFamilies, registry };
  if (tokens.length === 0) return context;
  return { ...context, tokens: createTokens(name, tokens, namespace, parent) };
}

/** It stays where volumes stay, since it would take them with it. */
function createNamespace(name: string, { namespace, keepVolumes }: KubernetesPlan, parent: DprCluster): Namespace {
  const labels = { 'app.kubernetes.io/part-of': 'dpr-cluster', 'pod-security.kubernetes.io/enforce': 'restricted' };
  return new Namespace(
    `${name}-namespace`,
    { metadata: { name: namespace, labels } },
    { parent, retainOnDelete: keepVolumes },
  );
}

function createAccounts(
  name: string,
  { serviceAccounts }: KubernetesPlan,
  namespace: Input<string>,
  parent: DprCluster,
): ClusterContext['accounts'] {
  const made = serviceAccounts.map(({ name: account, labels, annotations }): [string, Output<string>] => {
    const metadata = { name: account, namespace, labels, annotations };
    return [account, new ServiceAccount(`${name}-${account}-account`, { metadata }, { parent }).metadata.name];
  });
  return Object.fromEntries(made);
}

/** Named by Pulumi: other tokens are another Secret, so that every process starts again with them. */
function createTokens(
  name: string,
  tokens: readonly [variable: string, token: Input<string>][],
  namespace: Input<string>,
  parent: DprCluster,
): TokenSecret {
  const stringData = Object.fromEntries(tokens.map(([variable, token]) => [variable, secret(token)]));
  const made = new Secret(
    `${name}-tokens`,
    { metadata: { namespace, labels: { 'app.kubernetes.io/part-of': 'dpr-cluster' } }, immutable: true, stringData },
    { parent },
  );
  return { name: made.metadata.name, variables: tokens.map(([variable]) => variable) };
}

/** What there is once for all processes: DNS names of pods, network policies, and how many workers may move at once. */
function createShared(
  name: string,
  { namespace, serviceFamilies }: ClusterContext,
  { workers, console }: KubernetesPlan,
  parent: DprCluster,
): void {
  const hasResp = workers.some(({ respPort }) => respPort !== undefined);
  const partOf = { 'app.kubernetes.io/part-of': 'dpr-cluster' };
  new Service(
    `${name}-pods`,
    {
      metadata: { name: PODS_NAME, namespace, labels: partOf },
      spec: {
        ...serviceFamilies,
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: partOf,
        ports: [{ name: 'admin', port: adminPort(LISTEN_PORT), targetPort: 'admin' }],
      },
    },
    { parent },
  );
  for (const { role, name: policy, podSelector, ingress } of planNetworkPolicies({
    hasResp,
    hasConsole: console !== undefined,
  })) {
    new NetworkPolicy(
      `${name}-${role}-policy`,
      {
        metadata: { name: policy, namespace, labels: labelsOf(role, policy) },
        spec: { podSelector, policyTypes: ['Ingress'], ingress },
      },
      { parent },
    );
  }
  new PodDisruptionBudget(
    `${name}-worker-disruption-budget`,
    {
      metadata: { name: 'dpr-workers', namespace, labels: labelsOf('worker', 'dpr-workers') },
      spec: {
        maxUnavailable: 1, // a drain moves one worker at a time, as a clean restart
        unhealthyPodEvictionPolicy: 'AlwaysAllow', // and is not held up by one that does not serve anyway
        selector: { matchLabels: roleLabels('worker') },
      },
    },
    { parent },
  );
}
