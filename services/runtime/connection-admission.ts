/**
 * Who may connect to a port, and who of those may stay once it has greeted: places are limited, at the port and in the process. Where
 * there is none left, the origin that has most of them gives way to others.
 */
import { tooMany, type DoorStop } from './descriptors.ts';
import { refuse, type Doorkeeper, type Hello, type Refusal } from './greeting.ts';
import type { Log } from './log.ts';
import {
  byOrigin,
  type ByOrigin,
  newcomerPlaces,
  CLIENTS_SHARE,
  clientPlaces,
  noPlace,
  type Newcomer,
  type PlacedClient,
  type Places,
} from './connection-places.ts';

export interface Admission {
  /** A connection came. It is closed at once, or another one that has not greeted is, where there is no place for both. */
  accept(newcomer: Newcomer, origin: string | undefined): void;
  /** The connection ended. */
  left(newcomer: Newcomer): void;
  /** It turned out to come from elsewhere. */
  comesFrom(newcomer: Newcomer, origin: string | undefined): void;
  /** Undefined: that is not known, or says nothing. */
  originOf(newcomer: Newcomer): string | undefined;
  /** A peer greets. @param giveWay closes it @returns its place, or why it may not come in */
  greet(newcomer: Newcomer, hello: Hello, giveWay: () => void): Place | Refusal;
  /** Peers that are in. */
  greeted(): number;
}

/** Of a peer that was let in. */
export interface Place {
  leave(): void;
}

export interface AdmissionOptions extends Doorkeeper {
  readonly log: Pick<Log, 'debug'>;
  /** Connections that the process may have. */
  readonly door: DoorStop;
  /** Shared with the process's other ports, if it has any. */
  readonly places: Places;
}

/** @param connections at the port, greeted or not */
export function createAdmission(options: AdmissionOptions, connections: number): Admission {
  const { door, places } = options;
  /** At this port, with where they come from. */
  const connected = new Map<Newcomer, string | undefined>();
  const newcomers = byOrigin<Newcomer>();
  const clients = byOrigin<PlacedClient>();
  const isForOthers = options.roles.some((role) => role !== 'client');
  const maxClients = clientPlaces(connections, isForOthers ? CLIENTS_SHARE : 1);
  let greeted = 0;

  function settled(newcomer: Newcomer): void {
    const origin = connected.get(newcomer);
    newcomers.delete(origin, newcomer);
    places.newcomers.delete(origin, newcomer);
  }

  function comes(newcomer: Newcomer, origin: string | undefined): void {
    connected.set(newcomer, origin);
    newcomers.add(origin, newcomer);
    places.newcomers.add(origin, newcomer);
  }

  function gone(newcomer: Newcomer): void {
    settled(newcomer);
    connected.delete(newcomer);
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
    accept(newcomer, origin) {
      const isFull = connected.size >= connections;
      if (isFull || !door.hasRoom()) {
        door.refused(isFull ? `at most ${connections} connections are accepted at a port` : tooMany());
        const [oldest = newcomer] = (isFull ? newcomers : places.newcomers).most();
        oldest.destroy();
        gone(oldest);
        if (oldest === newcomer) return;
      }
      comes(newcomer, origin);
    },
    left: gone,
    comesFrom(newcomer, origin) {
      if (!connected.has(newcomer) || connected.get(newcomer) === origin) return;
      settled(newcomer);
      comes(newcomer, origin);
    },
    originOf: (newcomer) => connected.get(newcomer),
    greet(newcomer, hello, giveWay) {
      const origin = connected.get(newcomer);
      const refusal =
        refuse(options, hello) ?? (hello.role === 'client' && !isPlace(origin) ? noPlaceFor(origin) : undefined);
      if (refusal !== undefined) {
        options.log.debug({ event: 'greetingRefused', role: hello.role, reason: refusal.text });
        return refusal;
      }
      settled(newcomer);
      return placeOf(hello, origin, giveWay);
    },
    greeted: () => greeted,
  };
}
