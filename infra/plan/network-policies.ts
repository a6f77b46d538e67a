import { roleLabels, type Role } from './names.ts';

type Peer = { podSelector?: object; namespaceSelector?: object };
type Rule = { from: Peer[]; ports: { protocol: 'TCP'; port: string }[] };

/** What may connect to the pods of a role; ports by the name that they have in the container. */
export type PlannedNetworkPolicy = {
  readonly name: string;
  readonly role: Role;
  readonly podSelector: { matchLabels: Readonly<Record<string, string>> };
  readonly ingress: Rule[];
};

type PolicyFacts = { readonly hasResp: boolean; readonly hasConsole?: boolean };

/** Label of pods that an administrator starts to work with `dpr`; they may reach the control port, token in hand. */
export const OPERATOR_LABEL = { 'dpr-cluster/operator': 'true' };

/**
 * The control port is for workers and for the membership Job alone; workers' ports are for the ingress. No pod is kept
 * from probes and metrics. The ingress is for all clients. The console is for none: `kubectl port-forward` comes from within its pod.
 *
 * @param hasResp workers serve Redis clients
 * @param hasConsole there is a console
 */
export function planNetworkPolicies({ hasResp, hasConsole = false }: PolicyFacts): PlannedNetworkPolicy[] {
  const operators = { podSelector: { matchLabels: OPERATOR_LABEL } };
  const admin = rule('admin', [{ namespaceSelector: {} }]);
  return [
    policy('finder', [
      rule('public', [from('ingress')]),
      rule('control', [from('worker'), from('membership'), operators]),
      admin,
    ]),
    policy('worker', [rule('public', [from('ingress')]), ...(hasResp ? [rule('resp', [from('ingress')])] : []), admin]),
    ...(hasConsole ? [policy('console', [])] : []),
  ];
}

function policy(role: Role, ingress: Rule[]): PlannedNetworkPolicy {
  return { name: `dpr-${role}`, role, podSelector: { matchLabels: roleLabels(role) }, ingress };
}

function rule(port: string, from: Peer[]): Rule {
  return { from, ports: [{ protocol: 'TCP', port }] };
}

function from(role: Role): Peer {
  return { podSelector: { matchLabels: roleLabels(role) } };
}
