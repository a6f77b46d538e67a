/** Who may connect to a port, and who of those may stay once it has greeted: places are limited, at the port and in the process. */
import type { Duplex } from 'node:stream';
import { doorStop, tooMany } from './descriptors.ts';
import { refuse, type Doorkeeper, type Hello, type Refusal } from './greeting.ts';
import type { Log } from './log.ts';
import { CLIENTS_SHARE, createPlaces, noPlace, type Places } from './places.ts';

export interface Admission {
  /** A connection came. It is closed at once, or another one that has not greeted is, where there is no place for both. */
  accept(socket: Duplex): void;
  /** A peer greets. @returns why it may not come in; undefined: it is in */
  greet(socket: Duplex, hello: Hello): Refusal | undefined;
  /** A peer that was let in is gone. */
  left(hello: Hello): void;
  /** Peers that are in. */
  greeted(): number;
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
  /** At this port. */
  const connected = new Set<Duplex>();
  const newcomers = new Set<Duplex>();
  const isForOthers = options.roles.some((role) => role !== 'client');
  const maxClients = Math.floor(connections * (isForOthers ? CLIENTS_SHARE : 1));
  let greeted = 0;
  let clients = 0;

  function settled(socket: Duplex): void {
    newcomers.delete(socket);
    places.newcomers.delete(socket);
  }

  function gone(socket: Duplex): void {
    connected.delete(socket);
    settled(socket);
  }

  function noPlaceFor({ role }: Hello): Refusal | undefined {
    if (role !== 'client' || (clients < maxClients && places.clients < places.maxClients)) return undefined;
    const text = noPlace(clients < maxClients ? places.clients : clients);
    door.refused(text);
    return { code: 'notServing', text, detail: 0 };
  }

  function count({ role }: Hello, change: 1 | -1): void {
    greeted += change;
    if (role !== 'client') return;
    clients += change;
    places.clients += change;
  }

  return {
    accept(socket) {
      const isFull = connected.size >= connections;
      if (isFull || !door.hasRoom()) {
        door.refused(isFull ? `at most ${connections} connections are accepted at a port` : tooMany());
        const [oldest = socket] = isFull ? newcomers : places.newcomers;
        oldest.destroy();
        gone(oldest);
        if (oldest === socket) return;
      }
      for (const all of [connected, newcomers, places.newcomers]) all.add(socket);
      socket.on('close', () => gone(socket));
    },
    greet(socket, hello) {
      const refusal = refuse(options, hello) ?? noPlaceFor(hello);
      if (refusal === undefined) {
        settled(socket);
        count(hello, 1);
      } else {
        options.log.debug({ event: 'greetingRefused', role: hello.role, reason: refusal.text });
      }
      return refusal;
    },
    left: (hello) => count(hello, -1),
    greeted: () => greeted,
  };
}
