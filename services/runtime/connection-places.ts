/** Who has a place where a process can have no more connections, or a port no more of them. */
import { descriptorLimit, RESERVED_DESCRIPTORS } from './descriptors.ts';

/** Of the connections of a port or process at which workers and operators greet: clients get no more than this part. */
export const CLIENTS_SHARE = 3 / 4;
/** Of the places of clients, what is left to connections that have not greeted: where a client comes from may only be known then. */
const NEWCOMERS_SHARE = 1 / 32;

/** What has a place, in the order in which they came, by origin. An origin that is not known is one too. */
export interface ByOrigin<Holder> {
  add(origin: string | undefined, holder: Holder): void;
  delete(origin: string | undefined, holder: Holder): void;
  count(): number;
  /** How many an origin has. */
  countOf(origin: string | undefined): number;
  /** The holders of the origin that has most. */
  most(): ReadonlySet<Holder>;
}

export function byOrigin<Holder>(): ByOrigin<Holder> {
  const holders = new Map<string | undefined, Set<Holder>>();
  let count = 0;
  return {
    add(origin, holder) {
      const own = holders.get(origin) ?? new Set();
      if (own.has(holder)) return;
      holders.set(origin, own.add(holder));
      count++;
    },
    delete(origin, holder) {
      const own = holders.get(origin);
      if (!own?.delete(holder)) return;
      if (own.size === 0) holders.delete(origin);
      count--;
    },
    count: () => count,
    countOf: (origin) => holders.get(origin)?.size ?? 0,
    most() {
      let most: ReadonlySet<Holder> = new Set();
      for (const own of holders.values()) if (own.size > most.size) most = own;
      return most;
    },
  };
}

/** A connection that has not greeted. */
export interface Newcomer {
  /** Close it at once. */
  destroy(): void;
}

/** A client that has greeted. */
export interface PlacedClient {
  readonly origin: string | undefined;
  /** Leave the place at once to a client of another origin. */
  readonly giveWay: () => void;
}

/** What the ports of one process share. */
export interface Places {
  /** Connections that have not greeted: the oldest one of the origin that has most of them gives way to a new one. */
  readonly newcomers: ByOrigin<Newcomer>;
  /** Clients that have greeted. */
  readonly clients: ByOrigin<PlacedClient>;
  readonly maxClients: number;
}

/** @param clientsShare of the connections that the process may have */
export function createPlaces(clientsShare = 1, limit = descriptorLimit()): Places {
  return {
    newcomers: byOrigin(),
    clients: byOrigin(),
    maxClients: clientPlaces(limit - RESERVED_DESCRIPTORS, clientsShare),
  };
}

/** @returns how many of these connections may be clients that have greeted */
export function clientPlaces(connections: number, clientsShare: number): number {
  const places = Math.floor(connections * clientsShare);
  return clientsShare < 1 ? places : places - newcomerPlaces(places);
}

/** @returns how many of these connections are left to those that have not greeted */
export function newcomerPlaces(connections: number): number {
  return Math.floor(connections * NEWCOMERS_SHARE);
}

/** What a client is told that finds no place. */
export function noPlace(clients: number, own: number | undefined): string {
  const ofThese = own === undefined ? '' : `, ${own} of them from this address`;
  return `${clients} clients are connected${ofThese}, which are as many as may be: the other connections are kept for others`;
}
