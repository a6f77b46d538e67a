/** Largest port number that there is. */
export const MAX_PORT = 65_535;
/** Where the project's own processes listen inside their containers, whatever their public port is. */
export const LISTEN_PORT = 6379;
/** The control port is the Finder's public port plus this. */
export const CONTROL_PORT_OFFSET = 10_000;
/** The admin port, with probes and metrics, is a process's public port plus this. */
export const ADMIN_PORT_OFFSET = 20_000;
/** Largest public port on one machine, so that the admin port is a port still. */
export const MAX_LOCAL_PORT = MAX_PORT - ADMIN_PORT_OFFSET;

/** What decides a worker's public port: its id and, where it has one, the port that its entry asks for. */
export type PortRequest = { readonly id: number; readonly port?: number | undefined };

/** A port and what it is for, in words that an administrator knows. */
export type PortClaim = { readonly port: number; readonly owner: string };

/** A worker's public port. It depends on nothing but the worker's own entry, so other entries can come and go. */
export function publicPort(basePort: number, worker: PortRequest): number {
  return worker.port ?? basePort + 1 + worker.id;
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
    ...publicClaims.map(({ port, owner }) => ({ port: port + ADMIN_PORT_OFFSET, owner: `${owner}'s admin port` })),
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
