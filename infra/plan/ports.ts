/** Largest port number that there is. */
export const MAX_PORT = 65_535;
/** Where the project's own processes listen inside their containers, which does not depend on their public port. */
export const LISTEN_PORT = 6379;
/** The control port is the Finder's public port plus this. */
export const CONTROL_PORT_OFFSET = 10_000;
/** Largest base port on one machine, so that the control port is a port still. */
export const MAX_LOCAL_BASE_PORT = MAX_PORT - CONTROL_PORT_OFFSET;
/**
 * From here on systems take ports for outgoing connections by themselves (Linux to 60999, others from 49152 on). A process that
 * listens there may find its port taken when it is started again.
 */
export const FIRST_EPHEMERAL_PORT = 32_768;
const ADMIN_PORT_ABOVE = 20_000;
const ADMIN_PORT_BELOW = 11_000; // not what control ports are above: a worker there would get the Finder's port

/** Where a worker's process listens for Redis clients inside its container, by the port that it listens at for others. */
export function respListenPort(listenPort: number): number {
  return listenPort === MAX_PORT ? listenPort - 1 : listenPort + 1;
}

/** What decides a worker's public port: its id and, where it has one, the port that its entry asks for. */
export type PortRequest = { readonly id: number; readonly port?: number | undefined };

/**
 * The admin port, with probes and metrics, of a process by the port that it listens at for clients: 20000 above, or where that is
 * no longer below `FIRST_EPHEMERAL_PORT`, as many times 11000 below as it takes. It depends on nothing else, so other processes
 * can come and go.
 */
export function adminPort(port: number): number {
  if (port + ADMIN_PORT_ABOVE < FIRST_EPHEMERAL_PORT) return port + ADMIN_PORT_ABOVE;
  const steps = Math.max(1, Math.ceil((port - FIRST_EPHEMERAL_PORT + 1) / ADMIN_PORT_BELOW));
  return port - steps * ADMIN_PORT_BELOW;
}

/** The port for probes and for what is served, in the pods of the ingress; not a public port. */
export function ingressAdminPort({ basePort }: { readonly basePort: number }): number {
  return adminPort(basePort); // NGINX makes a connection for each of its clients', and takes ports for them
}

/** A port and what it is for, in words that an administrator knows. */
export type PortClaim = { readonly port: number; readonly owner: string };

/** A worker's public port. It depends on nothing but the worker's own entry, so other entries can come and go. */
export function publicPort(basePort: number, worker: PortRequest): number {
  return worker.port ?? basePort + 1 + worker.id;
}

/** What decides a worker's port for Redis clients. */
export type RespRequest = { readonly id: number; readonly resp: boolean };

/** A worker's port for Redis clients, which depends on nothing but its id; undefined: it has none. */
export function respPort(respBasePort: number | undefined, { id, resp }: RespRequest): number | undefined {
  return respBasePort === undefined || !resp ? undefined : respBasePort + id;
}

/** The ports that Redis clients reach. */
export function respClaims(respBasePort: number | undefined, workers: readonly RespRequest[]): PortClaim[] {
  return workers.flatMap((worker) => {
    const port = respPort(respBasePort, worker);
    return port === undefined ? [] : [{ port, owner: `worker ${worker.id}'s RESP port` }];
  });
}

/** The ports that clients reach, the Finder's first. */
export function publicClaims(basePort: number, workers: readonly PortRequest[]): PortClaim[] {
  return [
    { port: basePort, owner: 'the Finder' },
    ...workers.map((worker) => ({ port: publicPort(basePort, worker), owner: `worker ${worker.id}` })),
  ];
}

/** The further ports that processes take when they share one machine, by their public ones. */
export function localClaims(basePort: number, publicClaims: readonly PortClaim[]): PortClaim[] {
  return [
    { port: basePort + CONTROL_PORT_OFFSET, owner: "the Finder's control port" },
    ...publicClaims.map(({ port, owner }) => ({ port: adminPort(port), owner: `${owner}'s admin port` })),
  ];
}

/** Every claim of a port that an earlier one has already, with that one. */
export function collisions(claims: readonly PortClaim[]): { claim: PortClaim; earlier: PortClaim }[] {
  const owners = new Map<number, PortClaim>();
  return claims.flatMap((claim) => {
    const earlier = owners.get(claim.port);
    if (earlier === undefined) owners.set(claim.port, claim);
    return earlier === undefined ? [] : [{ claim, earlier }];
  });
}
