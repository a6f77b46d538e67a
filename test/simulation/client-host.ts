/** The host of a client's process: what is special about the connections of clients, and what a checker sees of them. */
import { MAX_UNSENT_BYTES, MIN_PAUSE_MS, STABLE_CONNECTION_MS } from '../../services/client/limits.ts';
import { decode, type Batch, type Draft, type Message, type Reply } from '../../services/protocol/index.ts';
import { dialSocket } from '../../services/runtime/dial-socket.ts';
import type { DialedSocket, DialOptions, SocketUser } from '../../services/runtime/dialed-socket.ts';
import { reachFinder } from './finder-actor.ts';
import { createSimHost, type SimHost } from './host.ts';
import { connectSim, type SimSocket } from './network.ts';
import type { Port } from './ports.ts';
import { CLOCK_STEP_MS, type Process } from './scheduler.ts';
import { reachWorker } from './worker-actor.ts';
import type { World } from './world.ts';

/** Who watches what enters the client and what leaves it. */
export interface Observer {
  /** A message is about to be taken in. */
  begins(): void;
  /** It was, but for what promises have still to do. */
  happened(): void;
  /** @param isLate it may have been made earlier, and have waited until there was room to send it */
  sent(worker: number, batch: Batch, isLate: boolean): void;
  /** A reply is taken in. */
  replied(from: ClientSocket, reply: Reply): void;
}

export interface ClientHost extends SimHost {
  readonly socketsOpen: () => number;
  /** Batches have had to wait for room in a socket: when they were made does not show. */
  readonly hasPiled: () => boolean;
  /** Greeted connections to workers. */
  readonly toWorkers: () => ClientSocket[];
  /** The greeted connection to this worker. */
  readonly socketTo: (worker: number) => ClientSocket | undefined;
}

/** A socket that the client dialled. */
export interface ClientSocket {
  /** Undefined: the Finder. */
  readonly worker: number | undefined;
  /** As the greeting told; 0 before it. */
  generation: number;
  /** The client itself closes it. */
  isLeft: boolean;
  /** The connection. */
  readonly socket: () => SimSocket;
}

/** The Finder's public port; a worker's is that many above the next one as its id says. */
const FINDER_PORT = 6379;
const FIRST_WORKER_PORT = 6380;
export const FINDER_ADDRESS = `ws://finder:${FINDER_PORT}`;

export function createClientHost(world: World, process: Process, observer: Observer): ClientHost {
  const sockets = new Set<ClientSocket>();
  const finder: Dialing['finder'] = { brokeAt: undefined };
  const pile: Dialing['pile'] = { wasFull: false };
  const host: SimHost = createSimHost(world, process, {
    wall: () => world.scheduler.now,
    slept: () => (finder.brokeAt = undefined),
    dial: (options, user) => dial({ world, process, observer, host, sockets, finder, pile }, options, user),
  });
  return {
    ...host,
    socketsOpen: () => sockets.size,
    hasPiled: () => pile.wasFull,
    toWorkers: () => [...sockets].filter(isGreeted),
    socketTo: (worker) => [...sockets].find((one) => one.worker === worker && isGreeted(one)),
  };
}

function isGreeted({ generation, isLeft }: ClientSocket): boolean {
  return generation > 0 && !isLeft;
}

interface Dialing {
  readonly world: World;
  readonly process: Process;
  readonly observer: Observer;
  readonly host: SimHost;
  readonly sockets: Set<ClientSocket>;
  /** When a connection to the Finder broke that had lasted: it is to be made again at once. */
  readonly finder: { brokeAt: number | undefined };
  /** Whether batches of this client have ever had to wait for room in a socket. */
  readonly pile: { wasFull: boolean };
}

/** Batches here are small: as if each byte that piles up were so many. */
const PILED_BYTES = 4_096;

function dial(dialing: Dialing, options: DialOptions, user: SocketUser): DialedSocket {
  const { world, process, observer, host, sockets, finder, pile } = dialing;
  const { scheduler } = world;
  const port = Number(options.address.slice(options.address.lastIndexOf(':') + 1));
  const worker = port === FINDER_PORT ? undefined : port - FIRST_WORKER_PORT;
  const isDeaf = !world.calm && world.random.chance(world.options.deafChance);
  let greetedAt = Infinity;

  function take(messages: readonly Message[]): void {
    const [first] = messages;
    if (first?.kind === 'welcome') {
      greetedAt = scheduler.now;
      client.generation = first.worker?.generation ?? 0;
    }
    const { sure, later } = takenFirst(worker === undefined ? [] : messages);
    observer.begins();
    for (const reply of sure) observer.replied(client, reply);
    user.frames(messages);
    for (const reply of later) observer.replied(client, reply);
    observer.happened();
  }

  function find(): Port | 'deaf' | undefined {
    if (!isDeaf) return portOf(world, process, worker);
    world.reached('a connection is accepted and never answered');
    return 'deaf';
  }

  if (worker === undefined) checkPause(dialing);
  const simulated = connectSim({ world, process, find, enter: host.enter });
  const client: ClientSocket = { worker, generation: 0, isLeft: false, socket: () => simulated };
  sockets.add(client);
  const socket = dialSocket(host, () => simulated, options, {
    opened: () => user.opened(),
    frames: take,
    drained: () => user.drained?.(),
    closed(reason, code) {
      sockets.delete(client);
      const lasted = scheduler.now - greetedAt >= STABLE_CONNECTION_MS;
      if (worker === undefined && !client.isLeft && lasted) finder.brokeAt = scheduler.now;
      user.closed(reason, code);
    },
  });
  return {
    ...socket,
    send(draft) {
      const isBatch = !(draft instanceof Uint8Array) && draft.kind === 'batch';
      // What is sent on a connection that is gone counts as sent all the same: the session believes so.
      if (worker !== undefined && isBatch) observer.sent(worker, draft, pile.wasFull);
      if (greetedAt === Infinity && (isBatch || kindOf(draft) !== 'hello'))
        world.checker.violated(13, `${process.name} sends '${kindOf(draft)}' unasked`);
      socket.send(draft);
    },
    close(code) {
      client.isLeft = true;
      socket.close(code);
    },
    giveUp(reason) {
      client.isLeft = true;
      socket.giveUp(reason);
    },
    unsentBytes() {
      const bytes = simulated.unsentBytes() * PILED_BYTES;
      if (bytes >= MAX_UNSENT_BYTES) {
        pile.wasFull = true;
        world.reached('batches wait for a peer that does not read');
      }
      return bytes;
    },
  };
}

function kindOf(draft: Draft): Message['kind'] {
  return draft instanceof Uint8Array ? decode(draft).kind : draft.kind;
}

/** The pause before the first attempt at a Finder that was there a moment ago. */
function checkPause({ world, process, finder }: Dialing): void {
  const { brokeAt } = finder;
  finder.brokeAt = undefined;
  if (brokeAt === undefined) return;
  const pauseMs = world.scheduler.now - brokeAt;
  if (pauseMs <= MIN_PAUSE_MS + CLOCK_STEP_MS) return;
  world.checker.violated(12, `${process.name} waits ${pauseMs} ms before it connects to the Finder again`);
}

/**
 * Of the replies in a message, those that their sessions take in before they send anything because of it: each session's first ones in a
 * row, as long as nothing came before that is for every session.
 */
function takenFirst(messages: readonly Message[]): { sure: Reply[]; later: Reply[] } {
  const sure: Reply[] = [];
  const later: Reply[] = [];
  const met = new Set<string>();
  let last = '';
  let isAlone = true;
  for (const message of messages) {
    if (message.kind !== 'reply') {
      isAlone = false;
      continue;
    }
    const { session } = message;
    if (isAlone && (session === last || !met.has(session))) sure.push(message);
    else later.push(message);
    met.add(session);
    last = session;
  }
  return { sure, later };
}

function portOf(world: World, from: Process, worker: number | undefined): Port | undefined {
  return worker === undefined ? reachFinder(world, from, 'client') : reachWorker(world, from, worker);
}
