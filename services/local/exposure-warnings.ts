/** What is open on purpose, or open to chance, and that an administrator may not know of: one line each. */
import { readFileSync } from 'node:fs';
import { CONTROL_PORT_OFFSET, FIRST_EPHEMERAL_PORT, type LocalPlan } from '@dpr/infra/plan';
import { isLoopback } from '@dpr/runtime/loopback';

/** A warning where other machines are let in, and every program that reaches a public port may use it. */
export function openToOthers(host: string, { finder }: LocalPlan): string | undefined {
  if (isLoopback(host) || finder.environment.DPR_CLIENT_TOKEN !== undefined) return undefined;
  return (
    `--host ${host} lets other machines in, and every program that reaches port ${finder.ports.public} may use the workers: ` +
    `set dpr:clientToken in the config, or DPR_CLIENT_TOKEN`
  );
}

/** Ports, both ends included. */
export type PortRange = { readonly first: number; readonly last: number };

const PORT_RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';
/** Where the system does not tell: the widest that systems have by themselves. */
const USUAL_RANGE: PortRange = { first: FIRST_EPHEMERAL_PORT, last: 65_535 };

/** From which ports this machine takes those of outgoing connections. */
export function ephemeralPorts(file = PORT_RANGE_FILE): PortRange {
  try {
    const [first, last] = readFileSync(file, 'utf8').trim().split(/\s+/).map(Number);
    return Number.isInteger(first) && Number.isInteger(last) ? { first: first ?? 0, last: last ?? 0 } : USUAL_RANGE;
  } catch {
    return USUAL_RANGE;
  }
}

/** A warning where an outgoing connection may take a port while its process is down. */
export function portsAtRisk({ finder, workers }: LocalPlan, { first, last }: PortRange): string | undefined {
  const names = { public: '', control: ' (control)', admin: ' (admin)', resp: ' (RESP)' };
  const risky = [finder, ...workers].flatMap(({ ports }) =>
    Object.entries(ports)
      .filter(([, port]) => port >= first && port <= last)
      .map(([kind, port]) => `${port}${names[kind as keyof typeof names]}`),
  );
  const [one, ...others] = risky;
  if (one === undefined) return undefined;
  const ports = others.length === 0 ? `port ${one} lies` : `ports ${one} and ${others.length} more lie`;
  return (
    `${ports} in ${first} to ${last}, from which this machine takes ports for outgoing connections: one of those may ` +
    `keep a process from starting again; ${remedy(first)}`
  );
}

function remedy(first: number): string {
  const highest = first - CONTROL_PORT_OFFSET - 1;
  return highest > 0
    ? `set dpr:basePort, and every port of a worker, so that they and the control port (dpr:basePort + ${CONTROL_PORT_OFFSET}) are below ${first}`
    : `leave more ports below the range in net.ipv4.ip_local_port_range`;
}
