/** The host of a client's process: what is special about the connections of clients, and what a checker sees of them. */
import { MAX_UNSENT_BYTES, MIN_PAUSE_MS, STABLE_CONNECTION_MS } from '../../services/client/limits.ts';
import {
  decode,
  draftBytes,
  encodeMessage,
  type Batch,
  type Draft,
  type Message,
  type Reply,
} from '../../services/protocol/index.ts';
import type { DialedSocket, SocketUser } from '../../services/runtime/dial-socket.ts';
import { dialSim } from './dialing.ts';
import { reachFinder } from './finder-actor.ts';
import { createSimHost, type SimHost } from './host.ts';
import { CLOCK_STEP_MS, type Process } from './scheduler.ts';
import type { Port } from './sockets.ts';
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
  /** The peer reads nothing for so long: what is sent piles up. */
  readonly stall: (ms: number) => void;
  /** Deliver these messages to the client: the network or a fault does. */
  readonly take: (messages: readonly Message[]) => void;
}

/** The Finder's public port; a worker's is that many above the next one as its id says. */
const FINDER_PORT = 6379;
const FIRST_WORKER_PORT = 6380;
export const FINDER_ADDRESS = `ws://finder:${FINDER_PORT}`;

export function createClientHost(world: World, process: Process, observer: Observer): ClientHost {
  const sockets = new Set<ClientSocket>();
  const finder: Dialing['finder'] = { brokeAt: undefined };
  const pile: Dialing['pile'] = { wasFull: false };
  const host = createSimHost(world, process, {
    wall: () => world.scheduler.now,
    slept: () => (finder.brokeAt = undefined),
    dial: ({ address }, user) =>
      dial({ world, process, observer, enter: host.enter, sockets, finder, pile }, address, user),
  });
  return {
    ...host,
    socketsOpen: () => sockets.size,
    hasPiled: () => pile.wasFull,
    toWorkers: () => [...sockets].filter(({ generation }) => generation > 0),
    socketTo: (worker) => [...sockets].find((one) => one.worker === worker && one.generation > 0),
  };
}

interface Dialing {
  readonly world: World;
  readonly process: Process;
  readonly observer: Observer;
  readonly enter: (run: () => void) => void;
  readonly sockets: Set<ClientSocket>;
  /** When a connection to the Finder broke that had lasted: it is to be made again at once. */
  readonly finder: { brokeAt: number | undefined };
  /** Whether batches of this client have ever had to wait for room in a socket. */
  readonly pile: { wasFull: boolean };
}

/** Batches here are small: as if each byte that piles up were so many. */
const PILED_BYTES = 4_096;

function dial(dialing: Dialing, address: string, user: SocketUser): DialedSocket {
  const { world, process, observer, enter, sockets, finder, pile } = dialing;
  const { scheduler } = world;
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const worker = port === FINDER_PORT ? undefined : port - FIRST_WORKER_PORT;
  const isDeaf = !world.calm && world.random.chance(world.options.deafChance);
  let greetedAt = Infinity;
  /** The client itself closes it. */
  let isLeft = false;
  /** What piled up while the peer does not read; undefined: it reads. */
  let piled: Draft[] | undefined;

  const client: ClientSocket = {
    worker,
    generation: 0,
    stall(ms) {
      if (piled !== undefined) return;
      piled = [];
      scheduler.after(ms, process, () =>
        enter(() => {
          readAll();
          if (sockets.has(client)) user.drained?.();
        }),
      );
    },
    take(messages) {
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
    },
  };
  sockets.add(client);

  function readAll(): void {
    const drafts = piled ?? [];
    piled = undefined;
    for (const draft of drafts) socket.send(draft);
  }

  function find(): Port | 'deaf' | undefined {
    if (!isDeaf) return portOf(world, process, worker);
    world.reached('a connection is accepted and never answered');
    return 'deaf';
  }

  if (worker === undefined) checkPause(dialing);
  const socket = dialSim(
    { world, process, find, enter },
    {
      opened: () => user.opened(),
      frames: client.take,
      closed(reason, code) {
        sockets.delete(client);
        const lasted = scheduler.now - greetedAt >= STABLE_CONNECTION_MS;
        if (worker === undefined && !isLeft && lasted) finder.brokeAt = scheduler.now;
        user.closed(reason, code);
      },
    },
  );
  return {
    ...socket,
    send(draft) {
      // What is sent on a connection that is gone counts as sent all the same: the session believes so.
      const sent = piled === undefined ? socket.send(draft) : undefined;
      const message = sent ?? decode(encodeMessage([draft]));
      const { kind } = message;
      if (worker !== undefined && kind === 'batch') observer.sent(worker, message, pile.wasFull);
      if (greetedAt === Infinity && kind !== 'hello')
        world.checker.violated(13, `${process.name} sends '${kind}' unasked`);
      piled?.push(draft);
    },
    close(code) {
      readAll();
      leave();
      socket.close(code);
    },
    giveUp(reason) {
      leave();
      socket.giveUp(reason);
    },
    unsentBytes() {
      if (piled === undefined) return 0;
      const bytes = piled.reduce((sum, draft) => sum + draftBytes(draft), 0) * PILED_BYTES;
      if (bytes >= MAX_UNSENT_BYTES) {
        pile.wasFull = true;
        world.reached('batches wait for a peer that does not read');
      }
      return bytes;
    },
  };

  function leave(): void {
    isLeft = true;
    sockets.delete(client);
  }
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
