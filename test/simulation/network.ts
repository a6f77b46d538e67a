/**
 * Simulated connections: each delivers in order, after a random delay, until it is cut. What is in flight then is lost from a
 * random point on, and each side hears of the end in its own time. What carries frames is above it, and is production's.
 */
import type { MessageSocket, MessageSocketUser } from '../../services/runtime/message-socket.ts';
import type { Process } from './scheduler.ts';
import { describeSent, noteFrames, type Sent } from './sent-messages.ts';
import type { World } from './world.ts';

/** The longest time in which a side does not notice that the other one has given the connection up. */
const RESET_UNNOTICED_MS = 400;
/** The status code of a WebSocket that ended without one. */
const ABNORMAL = 1006;
/** What comes before the first message: the request for a WebSocket, or the answer to it. */
const UPGRADE_BYTES = 200;
/** Around a message, and around what is none. */
const HEAD_BYTES = 6;

type State = 'connecting' | 'open' | 'closing' | 'closed';

/** One side of a connection, as the process that holds it has it. */
export interface SimSocket extends MessageSocket {
  readonly process: Process;
  /** Undefined until there is another side. */
  readonly link: Link | undefined;
  /** As the owner of an accepted connection ends it. */
  destroy(): void;
  isOver(): boolean;
  /** Call this at its end, before its user hears of that. */
  onEnd(run: () => void): void;
  /** Send the beginning of a message, and never the rest, unless more messages follow: then the first of them is it. */
  sendPart(bytes: number): void;
  /** Send what may be no message of the protocol. */
  sendGarbage(bytes: Buffer): void;
  /** Let it take a message in, as if it came now. */
  deliver(data: Buffer): void;
  /** Whatever its owner wants, nothing is read for a while. */
  stall(ms: number): void;
}

export interface Link {
  readonly ends: readonly [End, End];
  /** Towards side 0, which made the connection, and side 1. */
  readonly lanes: readonly [Direction, Direction];
  dead: boolean;
}

interface Direction {
  /** When the last message arrives: nothing overtakes. */
  lastAt: number;
  /** Sent and not arrived, in order. */
  readonly inFlight: Travelling[];
}

interface Travelling extends Sent {
  at: number;
  lost: boolean;
}

/** Both sides' systems and processes hold what was sent and not read; above `bufferBytes`, it is the sender's process that does. */
class End implements SimSocket {
  readonly world: World;
  readonly process: Process;
  readonly #enter: (run: () => void) => void;
  link: Link | undefined;
  side: 0 | 1 = 0;
  state: State = 'connecting';
  #user: MessageSocketUser | undefined;
  readonly died: () => void;
  /** Sent and not known to be read, as far as it is not lost; and all that was ever sent. */
  #unread = 0;
  #sent = 0;
  #received = 0;
  #finished = 0;
  #unfinished = 0;
  #isPaused = false;
  /** How many stalls have not ended. */
  #stalls = 0;
  /** What arrived meanwhile. */
  readonly #waiting: Travelling[] = [];
  #ended: () => void = () => undefined;

  constructor(world: World, process: Process, enter: (run: () => void) => void) {
    this.world = world;
    this.process = process;
    this.#enter = enter;
    this.died = () => {
      this.state = 'closed';
      if (this.link !== undefined) cut(world, this.link);
    };
    process.onDeath.add(this.died);
  }

  attach(user: MessageSocketUser): void {
    this.#user = user;
  }

  /** It has another side now; undefined: one that never says anything. */
  open(link: Link | undefined, side: 0 | 1): void {
    this.link = link;
    this.side = side;
    this.state = 'open';
    this.#received = UPGRADE_BYTES;
    this.#sent = UPGRADE_BYTES;
    if (side === 0) this.#enter(() => this.#user?.opened());
  }

  /** No process listens. */
  refused(): void {
    this.#end(Object.assign(new Error('no process listens'), { code: 'ECONNREFUSED' }), ABNORMAL);
  }

  isOpen(): boolean {
    return this.state === 'open';
  }

  isOver(): boolean {
    return this.state === 'closed';
  }

  onEnd(run: () => void): void {
    this.#ended = run;
  }

  send(message: Uint8Array): void {
    if (this.state !== 'open') return;
    const data = Buffer.from(message.buffer, message.byteOffset, message.length);
    this.world.mixBytes(data);
    noteFrames(this.world, data);
    this.#depart('message', data);
  }

  sendPart(bytes: number): void {
    if (this.state === 'open') this.#depart('part', Buffer.alloc(bytes));
  }

  sendGarbage(bytes: Buffer): void {
    if (this.state !== 'open') return;
    this.world.mixBytes(bytes);
    this.#depart('message', bytes);
  }

  /** A tick's messages leave at the same moment anyway. */
  cork(): void {
    // Nothing is held back.
  }

  uncork(): void {
    // Nothing was held back.
  }

  ping(data: Uint8Array = Buffer.alloc(0)): void {
    if (this.state !== 'open') return;
    this.world.mixBytes(data);
    this.#depart('ping', Buffer.from(data));
  }

  close(code: number): void {
    if (this.state !== 'open') return;
    this.world.reached(`closes with ${code}`);
    this.state = 'closing';
    const data = Buffer.alloc(2);
    data.writeUInt16BE(code);
    this.#depart('close', data);
  }

  terminate(): void {
    if (this.state === 'closed') return;
    const { world, link } = this;
    const wasOpen = this.state !== 'connecting';
    this.#shut();
    if (link !== undefined && !link.dead) {
      bury(world, link);
      loseUnsent(lane(link, this.side), this.unsentBytes());
      const at = Math.max(lane(link, this.side).lastAt, world.scheduler.now + world.networkDelay());
      hearOfEnd(other(link, this.side), at);
    }
    const error = wasOpen ? undefined : new Error('closed before it was open');
    world.scheduler.after(0, this.process, () => this.#enter(() => this.#tellEnd(error, ABNORMAL)));
  }

  destroy(): void {
    this.terminate();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#readOnSoon();
  }

  stall(ms: number): void {
    this.#stalls++;
    if (ms >= Number.MAX_SAFE_INTEGER) return; // for good
    this.world.scheduler.after(ms, this.process, () => {
      const sender = this.link && other(this.link, this.side);
      const before = sender?.unsentBytes() ?? 0;
      this.#stalls--;
      // There is room for what the sender has kept.
      if (sender !== undefined && before > 0 && sender.unsentBytes() === 0)
        this.world.scheduler.after(this.world.networkDelay(), sender.process, () => sender.#drains());
      this.#readOn();
    });
  }

  unsentBytes(): number {
    const peer = this.link && other(this.link, this.side);
    // The system of a peer that reads nothing is taken for full.
    const room = peer !== undefined && peer.#stalls > 0 ? 0 : this.world.options.bufferBytes;
    return Math.max(0, this.#unread - room);
  }

  sentBytes(): number {
    return this.#sent - this.unsentBytes();
  }

  receivedBytes(): number {
    return this.#received;
  }

  unfinishedBytes(): number {
    return this.#unfinished;
  }

  finishedMessages(): number {
    return this.#finished;
  }

  deliver(data: Buffer): void {
    this.#user?.message(data, true);
  }

  #depart(kind: Sent['kind'], data: Buffer): void {
    const { world, link, side, process } = this;
    const size = HEAD_BYTES + data.length;
    this.#unread += size;
    this.#sent += size;
    if (link === undefined) return;
    const way = lane(link, side);
    const target = other(link, side);
    const at = Math.max(way.lastAt, world.scheduler.now + world.networkDelay());
    const travelling: Travelling = { kind, data, size, at, lost: link.dead };
    way.lastAt = at;
    way.inFlight.push(travelling);
    noteOvertaking(world, target, at);
    const to = target.process.name;
    world.frame(process.name, to, () => `to ${to} at ${at.toFixed(3)}: ${describeSent(travelling)}`);
    world.scheduler.at(at, target.process, () => {
      if (way.inFlight[0] === travelling) way.inFlight.shift();
      target.#arrives(travelling);
    });
  }

  #arrives(travelling: Travelling): void {
    if (this.state === 'closed') return;
    if (travelling.lost) return this.world.reached(`${travelling.kind} lost`);
    if (this.#isDeaf() || this.#waiting.length > 0) this.#waiting.push(travelling);
    else this.#read(travelling);
  }

  #isDeaf(): boolean {
    return this.#isPaused || this.#stalls > 0;
  }

  #readOnSoon(): void {
    if (this.#waiting.length > 0) this.world.scheduler.after(0, this.process, () => this.#readOn());
  }

  /** It may be paused again by what it reads. */
  #readOn(): void {
    while (!this.#isDeaf() && this.state !== 'closed') {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#read(next);
    }
  }

  #read({ kind, data, size }: Travelling): void {
    const { link, world } = this;
    if (link === undefined) return;
    this.#received += size;
    other(link, this.side).#wasRead(size);
    switch (kind) {
      case 'ping':
        if (this.state !== 'open') return;
        world.mixBytes(data);
        return this.#depart('pong', data);
      case 'pong':
        return this.#user?.pong(data);
      case 'close':
        return this.#closedByPeer(data);
      case 'part':
        this.#unfinished += size;
        return this.#enter(() => this.#user?.received());
      case 'message':
        this.#finished++;
        this.#unfinished = 0;
        return this.#enter(() => {
          this.#user?.message(data, true);
          this.#user?.received();
        });
    }
  }

  #closedByPeer(code: Buffer): void {
    const { link } = this;
    if (this.state === 'open' && link !== undefined && !link.dead) this.#depart('close', code);
    if (link !== undefined) bury(this.world, link);
    this.#end(undefined, code.readUInt16BE());
  }

  /** The other side has read so much of what was sent. */
  #wasRead(size: number): void {
    if (this.unsentBytes() === 0) {
      this.#unread -= size;
      return;
    }
    const { world } = this;
    world.scheduler.after(world.networkDelay(), this.process, () => {
      const before = this.unsentBytes();
      this.#unread -= size;
      if (before > 0 && this.unsentBytes() === 0) this.#drains();
    });
  }

  #drains(): void {
    if (this.state !== 'closed') this.#enter(() => this.#user?.drained());
  }

  /** It hears of its end. */
  #end(error: Error | undefined, code: number): void {
    if (this.state === 'closed') return;
    this.#shut();
    this.#enter(() => this.#tellEnd(error, code));
  }

  #shut(): void {
    this.state = 'closed';
    this.#waiting.length = 0;
    this.process.onDeath.delete(this.died);
    this.#ended();
  }

  #tellEnd(error: Error | undefined, code: number): void {
    if (error !== undefined) this.#user?.failed(error);
    this.#user?.closed(code);
  }

  broke(): void {
    this.#end(undefined, ABNORMAL);
  }
}

/** A port that accepts connections. */
export interface Acceptor {
  readonly process: Process;
  /** Let something happen in the process. */
  readonly enter: (run: () => void) => void;
  accept(socket: SimSocket): void;
}

export interface Dialing {
  readonly world: World;
  readonly process: Process;
  /** The port at the address, when the connection is made; `deaf`: one that accepts and never answers. */
  readonly find: () => Acceptor | 'deaf' | undefined;
  /** Let something happen in the process. */
  readonly enter: (run: () => void) => void;
}

/** Connect to a port, which takes its time. */
export function connectSim({ world, process, find, enter }: Dialing): SimSocket {
  const socket = new End(world, process, enter);
  world.scheduler.after(world.networkDelay(), process, () => {
    if (socket.state !== 'connecting') return;
    const port = find();
    if (port === undefined) return socket.refused();
    if (port === 'deaf') {
      // Its system may answer the connection alone, or it the request for a WebSocket as well.
      if (world.random.chance(0.5)) socket.open(undefined, 0);
      return;
    }
    const accepted = new End(world, port.process, port.enter);
    const lanes = [emptyLane(), emptyLane()] as const;
    const link: Link = { ends: [socket, accepted], lanes, dead: false };
    world.links.add(link);
    accepted.open(link, 1);
    port.accept(accepted);
    socket.open(link, 0);
  });
  return socket;
}

function emptyLane(): Direction {
  return { lastAt: 0, inFlight: [] };
}

/** Towards the other side. */
function lane(link: Link, from: 0 | 1): Direction {
  return link.lanes[from === 0 ? 1 : 0];
}

function other(link: Link, side: 0 | 1): End {
  return link.ends[side === 0 ? 1 : 0];
}

/** What is sent from now on is lost. */
function bury(world: World, link: Link): void {
  link.dead = true;
  world.links.delete(link);
}

/** A process that closes at once takes with it what its system has not taken over. */
function loseUnsent({ inFlight }: Direction, unsent: number): void {
  let left = unsent;
  for (let at = inFlight.length - 1; at >= 0 && left > 0; at--) {
    const travelling = inFlight[at];
    if (travelling === undefined) return;
    travelling.lost = true;
    left -= travelling.size;
  }
}

function noteOvertaking(world: World, { process, link }: End, at: number): void {
  const { latest } = process;
  if (latest.at <= at) {
    latest.at = at;
    latest.over = link;
  } else if (latest.over !== link) world.reached('overtaken on another connection');
}

/** Cut the connection: the network failed, or one of the processes died. */
export function cut(world: World, link: Link): void {
  if (link.dead) return;
  bury(world, link);
  const { random } = world;
  for (const side of [0, 1] as const) {
    const endsAt = cutStream(world, link.lanes[side]);
    const halfOpen = random.chance(world.options.halfOpenChance);
    if (halfOpen) world.reached('half-open connection');
    const silence = halfOpen ? random.real(0, world.options.halfOpenMs) : world.networkDelay();
    hearOfEnd(link.ends[side], endsAt + silence);
  }
}

/** The stream ends at any of the bytes in flight: whole messages before it still arrive. @returns when that is over */
function cutStream(world: World, lane: Direction): number {
  const { now } = world.scheduler;
  const flying = lane.inFlight.filter(({ lost }) => !lost);
  const bytes = flying.reduce((sum, { size }) => sum + size, 0);
  let left = world.random.chance(0.5) || bytes === 0 ? 0 : world.random.int(0, bytes - 1);
  let endsAt = now;
  for (const message of flying) {
    if (message.size <= left) endsAt = message.at;
    else {
      message.lost = true;
      // A part of a message is nothing: the transport tells of a broken connection.
      if (left > 0) world.reached('message cut in the middle');
    }
    left = Math.max(0, left - message.size);
  }
  return Math.max(now, endsAt);
}

/** The side that made the connection finds it broken and makes another, while the other side still believes in this one. */
export function reset(world: World, link: Link, loses: 'some' | 'nothing' = 'some'): void {
  if (link.dead) return;
  bury(world, link);
  if (loses === 'some') for (const lane of link.lanes) cutStream(world, lane);
  hearOfEnd(link.ends[0], world.scheduler.now);
  hearOfEnd(link.ends[1], world.scheduler.now + world.random.real(0, RESET_UNNOTICED_MS));
}

function hearOfEnd(end: End, at: number): void {
  end.world.scheduler.at(at, end.process, () => end.broke());
}

/** Is a message on its way to this side? */
export function isTold(link: Link, towards: 0 | 1): boolean {
  return link.lanes[towards].inFlight.some(({ kind }) => kind === 'message');
}

/** Nothing that is sent from now on arrives over this connection at this side for a while. */
export function clog(world: World, link: Link, towards: 0 | 1, ms: number): void {
  const lane = link.lanes[towards];
  lane.lastAt = Math.max(lane.lastAt, world.scheduler.now + ms);
}
