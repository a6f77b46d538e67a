/** Who has a place where a process can have no more connections, or a port no more of them. */
import type { Duplex } from 'node:stream';
import { descriptorLimit, RESERVED_DESCRIPTORS } from './descriptors.ts';

/** Of the connections of a port or process at which workers and operators greet: clients get no more than this part. */
export const CLIENTS_SHARE = 3 / 4;

/** What the ports of one process share. */
export interface Places {
  /** Connections that have not greeted, the oldest first: they give way to new ones. */
  readonly newcomers: Set<Duplex>;
  /** Clients that have greeted. */
  clients: number;
  readonly maxClients: number;
}

/** @param clientsShare of the connections that the process may have */
export function createPlaces(clientsShare = 1, limit = descriptorLimit()): Places {
  return { newcomers: new Set(), clients: 0, maxClients: Math.floor((limit - RESERVED_DESCRIPTORS) * clientsShare) };
}

/** What a client is told that finds no place. */
export function noPlace(clients: number): string {
  return `${clients} clients are connected, which are as many as may be: the other connections are kept for workers and operators`;
}
