/**
 * A client that has no business here: it connects where it can, and greets wrongly, by half or not at all, or greets and then holds
 * what others need. The port that it connects to must be rid of it in time.
 */
import { draftOf, encodeMessage, PROTOCOL_VERSION, type Message } from '../../services/protocol/index.ts';
import { CLOSE_TIMEOUT_MS } from '../../services/runtime/frame-socket.ts';
import { SILENT_INTERVALS } from '../../services/runtime/keep-alive.ts';
import { LISTENER_LIMITS } from '../../services/runtime/listener-limits.ts';
import type { MessageSocketUser } from '../../services/runtime/message-socket.ts';
import { hello } from '../runtime/hello.ts';
import { reachFinder } from './finder-actor.ts';
import { connectSim, type Acceptor, type SimSocket } from './network.ts';
import type { WorldOptions } from './options.ts';
import { HOSTILE_ORIGIN } from './ports.ts';
import { createProcess, type Process } from './scheduler.ts';
import { reachWorker } from './worker-actor.ts';
import type { World } from './world.ts';

/** Mean time between two connections, ms. */
const PACE_MS = 15;
/** A port that looks from time to time finds out this many looks later, at most. */
const LOOKS = 3;
const GARBAGE_BYTES = 20;
const PART_BYTES = 30;

interface Intrusion {
  /** What it does, once the socket is open. */
  readonly begin: (socket: SimSocket) => void;
  /** Within how many ms it must be over at the port, but for closing; undefined: it may stay. */
  readonly within: ((options: WorldOptions) => number) | undefined;
}

const INTRUSIONS: Readonly<Record<string, Intrusion>> = {
  'never greets': { begin: () => undefined, within: ({ helloMs }) => helloMs },
  'greets by half': { begin: (socket) => socket.sendPart(PART_BYTES), within: ({ helloMs }) => helloMs },
  'greets with what is no frame': {
    begin: (socket) => socket.sendGarbage(Buffer.alloc(GARBAGE_BYTES, 0xff)),
    within: ({ helloMs }) => helloMs,
  },
  'greets with another frame': {
    begin: (socket) => send(socket, { kind: 'refresh', worldLine: 1 }),
    within: ({ helloMs }) => helloMs,
  },
  'greets in another version': {
    begin: (socket) => send(socket, hello({ protocol: PROTOCOL_VERSION + 1 })),
    within: ({ helloMs }) => helloMs,
  },
  'greets in a role that is not let in': {
    begin: (socket) => send(socket, hello({ role: 'worker' })),
    within: ({ helloMs }) => helloMs,
  },
  'sends more than a greeting': {
    begin: (socket) => socket.sendPart(LISTENER_LIMITS.bytesBeforeHello),
    within: ({ helloMs }) => helloMs,
  },
  'does not finish a message': {
    begin(socket) {
      send(socket, hello());
      socket.sendPart(PART_BYTES);
    },
    within: ({ messageMs }) => messageMs + LOOKS * LISTENER_LIMITS.paceLookMs,
  },
  'falls silent': {
    begin(socket) {
      send(socket, hello());
      socket.stall(Number.MAX_SAFE_INTEGER);
    },
    within: ({ pingMs }) => (SILENT_INTERVALS + 2) * pingMs,
  },
  stays: { begin: (socket) => send(socket, hello()), within: undefined },
};

export function startIntruder(world: World, index: number): void {
  const process = createProcess(`${HOSTILE_ORIGIN} intruder ${index}`, world.scheduler);
  intrude(world, process);
}

function intrude(world: World, process: Process): void {
  const { scheduler, random, hosts } = world;
  scheduler.after(random.exponential(PACE_MS), process, () => {
    if (world.calm) return; // what stays, stays
    intrude(world, process);
    const id = random.pick([undefined, ...hosts.keys()]);
    const name = random.pick(Object.keys(INTRUSIONS));
    const find = (): Acceptor | undefined =>
      id === undefined ? reachFinder(world, process, 'client') : reachWorker(world, process, id);
    const socket = connectSim({ world, process, find, enter: (run) => run() });
    socket.attach({ ...DEAF, opened: () => begin(world, socket, name) });
  });
}

const nothing = (): void => undefined;
const DEAF: MessageSocketUser = {
  ...{ opened: nothing, message: nothing, received: nothing, pong: nothing, drained: nothing, failed: nothing },
  closed: nothing,
};

function begin(world: World, socket: SimSocket, name: string): void {
  const { begin, within } = INTRUSIONS[name] ?? { begin: nothing, within: undefined };
  world.reached(`an intruder ${name}`);
  begin(socket);
  const accepted = socket.link?.ends[1];
  if (accepted === undefined || within === undefined) return;
  const limitMs = within(world.options) + CLOSE_TIMEOUT_MS + LOOKS * world.networkDelay();
  world.scheduler.after(limitMs, accepted.process, () => {
    if (!accepted.isOver())
      world.checker.violated(12, `${accepted.process.name} has a peer after ${limitMs.toFixed(0)} ms that ${name}`);
  });
}

function send(socket: SimSocket, message: Message): void {
  socket.send(encodeMessage([draftOf(message)]));
}
