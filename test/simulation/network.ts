/**
 * Simulated connections: each delivers in order, after a random delay, until it is cut. What is in flight then is lost from a
 * random point on, and each side hears of the end in its own time. Every message is encoded and decoded by the real codec.
 */
import {
  decode,
  encodeMessage,
  MAX_FRAMES_IN_MESSAGE,
  type Draft,
  type Message,
} from '../../services/protocol/index.ts';
import type { Process } from './scheduler.ts';
import { inWords, type World } from './world.ts';

/** The longest time in which a side does not notice that the other one has given the connection up. */
const RESET_UNNOTICED_MS = 400;

/** One side of a connection, as the process that holds it sees it. */
export interface End {
  readonly process: Process;
  readonly link: Link;
  readonly side: 0 | 1;
  /** False once this side has closed it or heard of its end. */
  open: boolean;
  /** Its process died. */
  readonly died: () => void;
  /** What travelled together, in order. */
  onMessages: (messages: readonly Message[]) => void;
  /** The other side answered a ping, behind all that it had sent before. */
  onPong: (data: Buffer) => void;
  onClosed: () => void;
}

export interface Link {
  readonly ends: [End, End];
  /** Towards side 0 and side 1. */
  readonly lanes: [Direction, Direction];
  dead: boolean;
}

interface Direction {
  /** When the last message arrives: nothing overtakes. */
  lastAt: number;
  /** Sent and not arrived, in order. */
  readonly inFlight: Travelling[];
}

/** Frames that were sent at one moment travel together, as production sends those of a tick. */
interface Travelling {
  readonly messages: Message[];
  /** It is one of these instead, which the transport itself asks and answers. */
  readonly sign: Sign | undefined;
  /** Bytes. */
  size: number;
  readonly sentAt: number;
  readonly at: number;
  lost: boolean;
}

interface Sign {
  readonly kind: 'ping' | 'pong';
  readonly data: Buffer;
}

/** A frame's head, in which the sign is. */
const SIGN_HEAD_BYTES = 2;

/** Connect two processes; the second one's handlers are set by `accept`. */
export function connect(world: World, from: Process, to: Process, accept: (end: End) => void): End {
  const lanes: [Direction, Direction] = [
    { lastAt: 0, inFlight: [] },
    { lastAt: 0, inFlight: [] },
  ];
  const link = { lanes, dead: false } as unknown as { -readonly [K in keyof Link]: Link[K] };
  link.ends = [createEnd(world, link, from, 0), createEnd(world, link, to, 1)];
  world.links.add(link);
  accept(link.ends[1]);
  return link.ends[0];
}

function createEnd(world: World, link: Link, process: Process, side: 0 | 1): End {
  const handlers = { onMessages: nothing, onPong: nothing, onClosed: nothing };
  const end: End = { process, link, side, open: true, died, ...handlers };
  function died(): void {
    end.open = false;
    cut(world, link);
  }
  process.onDeath.add(died);
  return end;
}

function nothing(): void {
  // Until a process listens.
}

/** This side closed it or heard of its end. */
function shut(end: End): void {
  end.open = false;
  end.process.onDeath.delete(end.died);
}

const SENT = new Map<Message['kind'], string>();

/** What a run has reached by sending the message; the texts are made once. */
function sentText(message: Message): string {
  if (message.kind === 'error') return `refused: ${message.code}`;
  let text = SENT.get(message.kind);
  if (text === undefined) SENT.set(message.kind, (text = `sent ${message.kind}`));
  return text;
}

/** @returns what was sent; undefined if the connection is not open */
export function sendOn(world: World, end: End, draft: Draft): Message | undefined {
  if (!end.open) return undefined;
  const bytes = draft instanceof Uint8Array ? draft : encodeMessage([draft]);
  const message = decode(bytes);
  world.mixBytes(bytes);
  world.reached(sentText(message));
  const side = end.side === 0 ? 1 : 0;
  const target = end.link.ends[side];
  const lane = end.link.lanes[side];
  const last = lane.inFlight.at(-1);
  const joins = last?.sentAt === world.scheduler.now && last.sign === undefined && !isFull(last) && !last.lost;
  const travelling = joins ? last : depart(world, end.link, side);
  travelling.messages.push(message);
  travelling.size += bytes.length;
  const { at } = travelling;
  world.frame(
    end.process.name,
    target.process.name,
    () => `to ${target.process.name} at ${at.toFixed(3)}: ${describe(message)}`,
  );
  return message;
}

function isFull({ messages }: Travelling): boolean {
  return messages.length >= MAX_FRAMES_IN_MESSAGE;
}

/** Ask the other side for a sign: it comes behind what was sent to it, and its answer behind what it had sent by then. */
export function ping(world: World, end: End, data: Buffer): void {
  if (end.open) sendSign(world, end, { kind: 'ping', data });
}

function sendSign(world: World, end: End, sign: Sign): void {
  const side = end.side === 0 ? 1 : 0;
  world.mixBytes(sign.data);
  const travelling = depart(world, end.link, side, sign);
  travelling.size = SIGN_HEAD_BYTES + sign.data.length;
  const to = end.link.ends[side].process.name;
  world.frame(end.process.name, to, () => `to ${to} at ${travelling.at.toFixed(3)}: ${sign.kind}`);
}

/** A message towards a side sets out, empty as yet, or a sign. */
function depart(world: World, link: Link, side: 0 | 1, sign?: Sign): Travelling {
  const lane = link.lanes[side];
  const target = link.ends[side];
  const sentAt = world.scheduler.now;
  const at = Math.max(lane.lastAt, sentAt + world.networkDelay());
  const travelling: Travelling = { messages: [], sign, size: 0, sentAt, at, lost: link.dead };
  lane.lastAt = at;
  lane.inFlight.push(travelling);
  noteOvertaking(world, target, at);
  world.scheduler.at(at, target.process, () => {
    if (lane.inFlight[0] === travelling) lane.inFlight.shift();
    if (!target.open) return;
    if (travelling.lost) return world.reached(sign === undefined ? 'message lost' : `${sign.kind} lost`);
    if (sign?.kind === 'ping') return sendSign(world, target, { kind: 'pong', data: sign.data });
    if (sign !== undefined) return target.onPong(sign.data);
    if (travelling.messages.length > 1) world.reached('several frames in a message');
    target.onMessages(travelling.messages);
  });
  return travelling;
}

function noteOvertaking(world: World, { process, link }: End, at: number): void {
  const { latest } = process;
  if (latest.at <= at) {
    latest.at = at;
    latest.over = link;
  } else if (latest.over !== link) world.reached('overtaken on another connection');
}

/** Close this side now; the other hears of it after what was sent to it, and answers. */
export function closeEnd(world: World, end: End): void {
  if (!end.open) return;
  shut(end);
  const { link } = end;
  link.dead = true;
  world.links.delete(link);
  const side = end.side === 0 ? 1 : 0;
  const lane = link.lanes[side];
  const at = Math.max(lane.lastAt, world.scheduler.now + world.networkDelay());
  hearOfEnd(world, link.ends[side], at);
  world.scheduler.at(at + world.networkDelay(), end.process, () => end.onClosed());
}

/** Cut the connection: the network failed, or one of the processes died. */
export function cut(world: World, link: Link): void {
  if (link.dead) return;
  link.dead = true;
  world.links.delete(link);
  const { random } = world;
  for (const side of [0, 1] as const) {
    const endsAt = cutStream(world, link.lanes[side]);
    const halfOpen = random.chance(world.options.halfOpenChance);
    if (halfOpen) world.reached('half-open connection');
    const silence = halfOpen ? random.real(0, world.options.halfOpenMs) : world.networkDelay();
    hearOfEnd(world, link.ends[side], endsAt + silence);
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
  link.dead = true;
  world.links.delete(link);
  if (loses === 'some') for (const lane of link.lanes) cutStream(world, lane);
  hearOfEnd(world, link.ends[0], world.scheduler.now);
  hearOfEnd(world, link.ends[1], world.scheduler.now + world.random.real(0, RESET_UNNOTICED_MS));
}

function hearOfEnd(world: World, end: End, at: number): void {
  world.scheduler.at(at, end.process, () => {
    if (!end.open) return;
    shut(end);
    end.onClosed();
  });
}

/** Is something on its way to this side, which is no sign? */
export function isTold(link: Link, towards: 0 | 1): boolean {
  return link.lanes[towards].inFlight.some(({ sign }) => sign === undefined);
}

/** Nothing that is sent from now on arrives over this connection at this side for a while. */
export function clog(world: World, link: Link, towards: 0 | 1, ms: number): void {
  const lane = link.lanes[towards];
  lane.lastAt = Math.max(lane.lastAt, world.scheduler.now + ms);
}

/** A frame in a line. */
function describe({ kind, ...values }: Message): string {
  return `${kind} ${inWords(values)}`;
}
