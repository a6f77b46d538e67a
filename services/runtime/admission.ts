/**
 * Who may connect to a port, and who of those may stay once it has greeted: places are limited, at the port and in the process. Where
 * there is none left, the origin that has most of them gives way to others.
 */
import type { Duplex } from 'node:stream';
import { doorStop, tooMany } from './descriptors.ts';
import { refuse, type Doorkeeper, type Hello, type Refusal } from './greeting.ts';
import type { Log } from './log.ts';
import {
  byOrigin,
  type ByOrigin,
  newcomerPlaces,
  CLIENTS_SHARE,
  clientPlaces,
  createPlaces,
  noPlace,
  type PlacedClient,
  type Places,
} from './connection-places.ts';

export interface Admission {
  /** A connection came. It is closed at once, or another one that has not greeted is, where there is no place for both. */
  accept(socket: Duplex, origin: string | undefined): void;
  /** It turned out to come from elsewhere. */
  comesFrom(socket: Duplex, origin: string | undefined): void;
  /** Undefined: that is not known, or says nothing. */
  originOf(socket: Duplex): string | undefined;
  /** A peer greets. @param giveWay closes it @returns its place, or why it may not come in */
  greet(socket: Duplex, hello: Hello, giveWay: () => void): Place | Refusal;
  /** Peers that are in. */
  greeted(): number;
}

/** Of a peer that was let in. */
export interface Place {
  leave(): void;
}

export interface AdmissionOptions extends Doorkeeper {
  readonly log: Log;
  /** Shared with the process's other ports, if it has any. */
  readonly places?: Places;
}

/** @param connections at the port, greeted or not */
export function createAdmission(options: AdmissionOptions, connections: number): Admission {
  const door = doorStop(options.log);
  const places = options.places ?? createPlaces();
  /** At this port, with where they come from. */
  const connected = new Map<Duplex, string | undefined>();
  const newcomers = byOrigin<Duplex>();
  const clients = byOrigin<PlacedClient>();
  const isForOthers = options.roles.some((role) => role !== 'client');
  const maxClients = clientPlaces(connections, isForOthers ? CLIENTS_SHARE : 1);
  let greeted = 0;

  function settled(socket: Duplex): void {
    const origin = connected.get(socket);
    newcomers.delete(origin, socket);
    places.newcomers.delete(origin, socket);
  }

  function comes(socket: Duplex, origin: string | undefined): void {
    connected.set(socket, origin);
    newcomers.add(origin, socket);
    places.newcomers.add(origin, socket);
  }

  function gone(socket: Duplex): void {
    settled(socket);
    connected.delete(socket);
  }

  /** Is there a place for a client of this origin, now or once one of another origin has given way? */
  function isPlace(origin: string | undefined): boolean {
    if (clients.count() >= maxClients && !isGivenPlace(clients, origin)) return false;
    const isFull = places.clients.count() >= places.maxClients || !door.hasRoom(newcomerPlaces(door.most));
    return !isFull || isGivenPlace(places.clients, origin);
  }

  function isGivenPlace(all: ByOrigin<PlacedClient>, origin: string | undefined): boolean {
    const greedy = all.most();
    // With one less, that origin still has no fewer than this one with one more.
    if (origin === undefined || greedy.size < all.countOf(origin) + 2) return false;
    const newest = [...greedy].at(-1);
    const taken = `${greedy.size} of ${all.count()} clients are connected from ${newest?.origin ?? 'unknown addresses'}`;
    newest?.giveWay();
    door.refused(`${taken}: the newest of them gave way to one from ${origin}`);
    return true;
  }

  function noPlaceFor(origin: string | undefined): Refusal {
    const all = clients.count() < maxClients ? places.clients : clients;
    const text = noPlace(all.count(), origin === undefined ? undefined : all.countOf(origin));
    door.refused(text);
    return { code: 'notServing', text, detail: 0 };
  }

  function placeOf({ role }: Hello, origin: string | undefined, giveWay: () => void): Place {
    greeted++;
    let isIn = true;
    const client: PlacedClient = {
      origin,
      giveWay() {
        leave();
        giveWay();
      },
    };
    const all = role === 'client' ? [clients, places.clients] : [];
    for (const one of all) one.add(origin, client);
    function leave(): void {
      if (!isIn) return;
      isIn = false;
      greeted--;
      for (const one of all) one.delete(origin, client);
    }
    return { leave };
  }

  return {
    accept(socket, origin) {
      const isFull = connected.size >= connections;
      if (isFull || !door.hasRoom()) {
        door.refused(isFull ? `at most ${connections} connections are accepted at a port` : tooMany());
        const [oldest = socket] = (isFull ? newcomers : places.newcomers).most();
        oldest.destroy();
        gone(oldest);
        if (oldest === socket) return;
      }
      comes(socket, origin);
      socket.on('close', () => gone(socket));
    },
    comesFrom(socket, origin) {
      if (!connected.has(socket) || connected.get(socket) === origin) return;
      settled(socket);
      comes(socket, origin);
    },
    originOf: (socket) => connected.get(socket),
    greet(socket, hello, giveWay) {
      const origin = connected.get(socket);
      const refusal =
        refuse(options, hello) ?? (hello.role === 'client' && !isPlace(origin) ? noPlaceFor(origin) : undefined);
      if (refusal !== undefined) {
        options.log.debug({ event: 'greetingRefused', role: hello.role, reason: refusal.text });
        return refusal;
      }
      settled(socket);
      return placeOf(hello, origin, giveWay);
    },
    greeted: () => greeted,
  };
}
