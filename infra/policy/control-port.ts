import { CONTROL_PORT_OFFSET, FINDER_NAME, LABEL, LISTEN_PORT } from '../plan/index.ts';
import { isKind, labelOf } from './pods.ts';
import type { Resource } from './rule.ts';

type ServiceSpec = {
  readonly type?: string;
  readonly externalIPs?: readonly string[];
  readonly ports?: readonly { readonly port: number; readonly targetPort?: number | string }[];
};
type Peer = { readonly podSelector?: object; readonly namespaceSelector?: object; readonly ipBlock?: object };
type PolicySpec = {
  readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly ingress?: readonly {
    readonly from?: readonly Peer[];
    readonly ports?: readonly { readonly port?: number | string }[];
  }[];
};

/** Where workers and administrators reach the Finder: by its name in the pod, and by its number. */
const CONTROL_PORTS: readonly unknown[] = ['control', LISTEN_PORT + CONTROL_PORT_OFFSET];

/** What opens the Finder's control port to more than pods of the cluster's namespace. */
export function openControl(resource: Resource): string[] {
  if (isKind(resource, 'core/v1:Service')) return byService(resource.props.spec as ServiceSpec);
  if (isKind(resource, 'networking.k8s.io/v1:NetworkPolicy')) return byPolicy(resource.props.spec as PolicySpec);
  return isKind(resource, 'core/v1:ConfigMap') && labelOf(resource, LABEL.component) === 'ingress'
    ? byIngress(resource)
    : [];
}

function byService({ type = 'ClusterIP', externalIPs = [], ports = [] }: ServiceSpec): string[] {
  if (type === 'ClusterIP' && externalIPs.length === 0) return [];
  const opened = ports.filter(({ port, targetPort }) => CONTROL_PORTS.includes(targetPort ?? port));
  return opened.map(({ port }) => `port ${port} leads from outside to the control port: remove it from the Service`);
}

function byPolicy({ podSelector, ingress = [] }: PolicySpec): string[] {
  if (podSelector?.matchLabels?.[LABEL.component] !== 'finder') return [];
  const concerning = ingress.filter(({ ports }) => ports?.some(({ port }) => CONTROL_PORTS.includes(port)) ?? true);
  const isOpen = ({ podSelector: pods, namespaceSelector, ipBlock }: Peer) =>
    pods === undefined || namespaceSelector !== undefined || ipBlock !== undefined;
  return concerning.some(({ from }) => from === undefined || from.length === 0 || from.some(isOpen))
    ? ['the control port is open to more than pods of the namespace: let it be reached by podSelector alone']
    : [];
}

function byIngress({ props }: Resource): string[] {
  const texts = Object.values((props.data ?? {}) as Readonly<Record<string, string>>);
  const route = new RegExp(`${FINDER_NAME}:${LISTEN_PORT + CONTROL_PORT_OFFSET}\\b`);
  return texts.some((text) => route.test(text))
    ? ['the ingress leads to the control port: let it lead to the public one']
    : [];
}
