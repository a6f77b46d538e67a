import { CustomResource } from '@pulumi/kubernetes/apiextensions/customResource.js';
import { Deployment } from '@pulumi/kubernetes/apps/v1/deployment.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { Service } from '@pulumi/kubernetes/core/v1/service.js';
import { ServiceAccount } from '@pulumi/kubernetes/core/v1/serviceAccount.js';
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/podDisruptionBudget.js';
import { Role } from '@pulumi/kubernetes/rbac/v1/role.js';
import { RoleBinding } from '@pulumi/kubernetes/rbac/v1/roleBinding.js';
import type { input } from '@pulumi/kubernetes/types/index.js';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  output,
  type Output,
} from '@pulumi/pulumi';
import {
  ACCOUNT_DIRECTORY,
  INGRESS_ADMIN_NAME,
  INGRESS_DIRECTORY,
  LEAVE_SECONDS,
  type PlannedIngress,
  type PlannedService,
  type ServiceFamilies,
  TLS_DIRECTORY,
} from '../plan/index.ts';
import { type ClusterContext, imageName } from './cluster-context.ts';
import { NGINX_USER, probes, resourcesOf, RESTRICTED_CONTAINER } from './pod-settings.ts';
import { type OwnPod, podTemplate } from './pod-template.ts';

export interface NginxIngressArgs extends ClusterContext {
  /** NGINX's configuration, the public ports and how they are offered. */
  readonly plan: PlannedIngress;
  /** The Services that the configuration names; the port of a name that is not found stays closed. */
  readonly services: readonly Service[];
}

/** Of a busy pod an answer may be late, and taken out of the Service it would leave its work to others that are as busy, or to none. */
const MISSED_ANSWERS = 3;
const FEEDER_RESOURCES = { cpu: { request: '10m', limit: '500m' }, memory: { request: '64Mi', limit: '128Mi' } };
const RUN = { name: 'run', mountPath: INGRESS_DIRECTORY };
const TLS = { name: 'tls', mountPath: TLS_DIRECTORY, readOnly: true };
const ACCOUNT = { name: 'account', mountPath: ACCOUNT_DIRECTORY, readOnly: true };
/** How long a token is good for. The kubelet renews it long before. */
const TOKEN_SECONDS = 3_600;

/**
 * One address for the Finder and every worker: plain NGINX that passes TCP streams on, by public port. A change of the port map
 * changes a ConfigMap and a Service and nothing else: a program beside NGINX watches the ConfigMap and has NGINX reload it, which
 * leaves every connection alone.
 */
export class NginxIngress extends ComponentResource {
  /** The address that clients reach; of NodePorts, a placeholder for any node. */
  public readonly address: Output<string>;

  constructor(name: string, args: NginxIngressArgs, options?: ComponentResourceOptions) {
    super('dpr:index:NginxIngress', name, {}, options);
    const { plan, namespace } = args;
    const own = { parent: this };
    const metadata = { name: plan.name, namespace, labels: plan.labels };

    const account = accountName(name, args, this);
    const rules = [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [plan.name], verbs: ['get', 'watch'] }];
    const role = new Role(`${name}-role`, { metadata, rules }, own);
    new RoleBinding(
      `${name}-role-binding`,
      {
        metadata,
        subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
      },
      own,
    );
    new ConfigMap(
      `${name}-configuration`,
      { metadata, data: { 'nginx.conf': plan.text } },
      { ...own, dependsOn: [...args.services] },
    );
    if (plan.certificate !== undefined) {
      const certificate = { ...plan.certificate, metadata: { ...plan.certificate.metadata, namespace } };
      new CustomResource(`${name}-certificate`, certificate, own);
    }
    new Deployment(`${name}-deployment`, { metadata, spec: deploymentSpec(args, account) }, own);
    new PodDisruptionBudget(
      `${name}-disruption-budget`,
      {
        metadata,
        spec: {
          maxUnavailable: 1,
          unhealthyPodEvictionPolicy: 'AlwaysAllow', // what does not serve holds up no drain
          selector: { matchLabels: plan.selector },
        },
      },
      own,
    );
    new Service(
      `${name}-admin-service`,
      {
        metadata: { ...metadata, name: INGRESS_ADMIN_NAME },
        spec: {
          ...args.serviceFamilies,
          clusterIP: 'None',
          publishNotReadyAddresses: true,
          selector: plan.selector,
          ports: [{ name: 'admin', port: plan.adminPort, targetPort: 'admin' }],
        },
      },
      own,
    );
    const services = plan.services.map((planned) => createService(name, planned, args, this));
    this.address = addressOf(plan, services);
    this.registerOutputs({ address: this.address });
  }
}

/** Of the account that may read the ConfigMap: one that exists, where the settings of its pods name it, or its own. */
function accountName(name: string, { plan, namespace }: NginxIngressArgs, parent: NginxIngress): Input<string> {
  const { account } = plan.pod;
  if (account !== undefined && account.annotations === undefined) return account.name;
  const annotations = account === undefined ? {} : { annotations: account.annotations };
  const metadata = { name: plan.name, namespace, labels: plan.labels, ...annotations };
  return new ServiceAccount(`${name}-account`, { metadata }, { parent }).metadata.name;
}

function deploymentSpec(args: NginxIngressArgs, serviceAccountName: Input<string>): input.apps.v1.DeploymentSpec {
  const { plan } = args;
  return {
    replicas: plan.replicas,
    selector: { matchLabels: plan.selector },
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: podTemplate(plan, ownPod(args, serviceAccountName), args),
  };
}

function ownPod(args: NginxIngressArgs, serviceAccountName: Input<string>): OwnPod {
  const { tlsSecretName } = args.plan;
  return {
    user: NGINX_USER,
    serviceAccountName,
    spec: { shareProcessNamespace: true }, // the feeder signals NGINX
    initContainers: [feeder(args)],
    containers: [nginx(args)],
    volumes: [
      { name: RUN.name, emptyDir: { medium: 'Memory' } },
      { name: ACCOUNT.name, projected: { sources: accountSources() } },
      ...(tlsSecretName === undefined ? [] : [{ name: TLS.name, secret: { secretName: tlsSecretName } }]),
    ],
  };
}

/** Watches the ConfigMap and the certificate, and feeds NGINX with them. It starts first, and runs as long as NGINX does. */
function feeder(args: NginxIngressArgs): input.core.v1.Container {
  const { plan } = args;
  const { startupProbe, readinessProbe, livenessProbe } = probes(MISSED_ANSWERS);
  return {
    ...RESTRICTED_CONTAINER,
    name: 'feeder',
    image: imageName(plan.images.feeder, args),
    restartPolicy: 'Always',
    env: [
      { name: 'DPR_ADMIN_PORT', value: String(plan.adminPort) },
      { name: 'DPR_CONFIG_MAP', value: plan.name },
      ...(plan.adminHost === undefined ? [] : [{ name: 'DPR_HOST', value: plan.adminHost }]),
      { name: 'DPR_NGINX_DIRECTORY', value: INGRESS_DIRECTORY },
      ...(plan.tlsSecretName === undefined ? [] : [{ name: 'DPR_TLS_DIRECTORY', value: TLS_DIRECTORY }]),
    ],
    ports: [{ name: 'admin', containerPort: plan.adminPort }],
    startupProbe: startupProbe ?? {},
    readinessProbe: readinessProbe ?? {},
    livenessProbe: livenessProbe ?? {},
    resources: resourcesOf(FEEDER_RESOURCES),
    volumeMounts: [...mountsOf(plan), ACCOUNT],
  };
}

/** Its public ports are not listed: a port more must not replace the pod. */
function nginx(args: NginxIngressArgs): input.core.v1.Container {
  const { plan } = args;
  const id = `${INGRESS_DIRECTORY}/nginx.pid`;
  const errors = `${INGRESS_DIRECTORY}/errors.log`;
  const configuration = `-c ${INGRESS_DIRECTORY}/nginx.conf`;
  // What the container that was here before left is not true of this one. A configuration that will not do is tried every second,
  // where Kubernetes would wait for minutes to start the container again; the feeder reads why, and tells it.
  const start = [
    `rm -f ${INGRESS_DIRECTORY}/*.sock ${id}`,
    `until : >${errors} && nginx -t -q -e ${errors} ${configuration} 2>/dev/null; do sleep 1; done`,
    `exec nginx -e stderr ${configuration} -g 'daemon off;'`,
  ].join('; ');
  // First no new connections, by the Service and then by NGINX itself; then those that there are may end.
  const drain = `sleep ${LEAVE_SECONDS}; kill -QUIT $(cat ${id}); while [ -s ${id} ]; do sleep 1; done`;
  return {
    ...RESTRICTED_CONTAINER,
    name: 'nginx',
    image: imageName(plan.images.nginx, args),
    command: ['/bin/sh', '-c', start],
    lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', drain] } } },
    resources: resourcesOf(plan.resources),
    volumeMounts: mountsOf(plan),
  };
}

/** What Kubernetes would mount into every container of the pod, NGINX too. */
function accountSources(): input.core.v1.VolumeProjection[] {
  const namespace = { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } };
  return [
    { serviceAccountToken: { path: 'token', expirationSeconds: TOKEN_SECONDS } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [namespace] } },
  ];
}

function mountsOf({ tlsSecretName }: PlannedIngress): input.core.v1.VolumeMount[] {
  return tlsSecretName === undefined ? [RUN] : [RUN, TLS];
}

/** The one that there always is has the component's name alone. */
function createService(
  name: string,
  planned: PlannedService,
  { namespace, plan, serviceFamilies }: NginxIngressArgs,
  parent: NginxIngress,
): Service {
  const own = planned.name === plan.name ? name : `${name}${planned.name.slice(plan.name.length)}`;
  const metadata = { name: planned.name, namespace, labels: plan.labels, annotations: { ...planned.annotations } };
  return new Service(`${own}-service`, { metadata, spec: serviceSpec(plan, planned, serviceFamilies) }, { parent });
}

function serviceSpec(
  { selector }: PlannedIngress,
  { type, isLocal, ports, sourceRanges, address }: PlannedService,
  families: ServiceFamilies,
): input.core.v1.ServiceSpec {
  return {
    type,
    ...families,
    ...(isLocal ? { externalTrafficPolicy: 'Local' } : {}),
    ...(sourceRanges.length === 0 ? {} : { loadBalancerSourceRanges: [...sourceRanges] }),
    ...(address === undefined ? {} : { loadBalancerIP: address }),
    selector,
    // Clients are told public ports, so a node has to offer these very ports.
    ports: ports.map((offered) => (type === 'NodePort' ? { ...offered, nodePort: offered.port } : offered)),
  };
}

function addressOf({ address, services }: PlannedIngress, made: readonly Service[]): Output<string> {
  const [{ type } = { type: undefined }] = services;
  const [service] = made;
  if (address !== undefined) return output(address);
  if (service === undefined || type === 'NodePort') return output('<node>');
  const inside = interpolate`${service.metadata.name}.${service.metadata.namespace}.svc`;
  return type === 'ClusterIP' ? inside : service.status.apply(firstAddress);
}

type ServiceStatus = { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };

/** Nothing of a status has to be there. */
function firstAddress(status?: ServiceStatus): string {
  const first = status?.loadBalancer?.ingress?.[0];
  return first?.ip ?? first?.hostname ?? '<pending>';
}
