/**
 * Simulated connections: each delivers in order, after a random delay, until it is cut. What is in flight then is lost from a
 * random point on, and each side hears of the end in its own time. Every message is encoded and decoded by the real codec.
 */
import { decode, encode, type Message } from '../../services/protocol/index.ts';
import type { Process } from './scheduler.ts';
import { inWords, type World } from './world.ts';

/** One side of a connection, as the process that holds it sees it. */
export interface End {
  readonly process: Process;
  readonly link: Link;
  readonly side: 0 | 1;
  /** False once this side has closed it or heard of its end. */
  open: boolean;
  onMessage: (message: Message) => void;
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
  /** Nothing that would arrive at or after this moment does. */
  deadFrom: number;
}

/** Connect two processes; the second one's handlers are set by `accept`. */
export function connect(world: World, from: Process, to: Process, accept: (end: End) => void): End {
  const lanes: [Direction, Direction] = [
    { lastAt: 0, deadFrom: Infinity },
    { lastAt: 0, deadFrom: Infinity },
  ];
  const link = { lanes, dead: false } as unknown as { -readonly [K in keyof Link]: Link[K] };
  const end = (process: Process, side: 0 | 1): End => ({
    process,
    link,
    side,
    open: true,
    onMessage: () => undefined,
    onClosed: () => undefined,
  });
  link.ends = [end(from, 0), end(to, 1)];
  for (const one of link.ends) {
    one.process.onDeath.push(() => {
      if (!one.open) return;
      one.open = false;
      cut(world, link);
    });
  }
  world.links.add(link);
  accept(link.ends[1]);
  return link.ends[0];
}

export function sendOn(world: World, end: End, message: Message): void {
  if (!end.open) return;
  const bytes = encode(message);
  world.mixBytes(bytes);
  world.reached(`sent ${message.kind}`);
  const side = end.side === 0 ? 1 : 0;
  const target = end.link.ends[side];
  const lane = end.link.lanes[side];
  const at = Math.max(lane.lastAt, world.scheduler.now + world.networkDelay());
  lane.lastAt = at;
  world.frame(
    end.process.name,
    target.process.name,
    () => `to ${target.process.name} at ${at.toFixed(3)}: ${describe(message)}`,
  );
  world.scheduler.at(at, target.process, () => {
    if (!target.open) return;
    if (at >= lane.deadFrom) return world.reached('frame lost');
    target.onMessage(decode(bytes));
  });
}

/** Close this side now; the other hears of it after what was sent to it. */
export function closeEnd(world: World, end: End): void {
  if (!end.open) return;
  end.open = false;
  const { link } = end;
  link.dead = true;
  world.links.delete(link);
  const side = end.side === 0 ? 1 : 0;
  const lane = link.lanes[side];
  const at = Math.max(lane.lastAt, world.scheduler.now + world.networkDelay());
  lane.deadFrom = Math.min(lane.deadFrom, at);
  hearOfEnd(world, link.ends[side], at);
}

/** Cut the connection: the network failed, or one of the processes died. */
export function cut(world: World, link: Link): void {
  if (link.dead) return;
  link.dead = true;
  world.links.delete(link);
  const { random } = world;
  for (const side of [0, 1] as const) {
    const lane = link.lanes[side];
    const endsAt = world.scheduler.now + (random.chance(0.5) ? 0 : random.real(0, 4 * world.options.networkDelayMs));
    lane.deadFrom = Math.min(lane.deadFrom, endsAt);
    const halfOpen = random.chance(world.options.halfOpenChance);
    if (halfOpen) world.reached('half-open connection');
    const silence = halfOpen ? random.real(0, world.options.halfOpenMs) : world.networkDelay();
    hearOfEnd(world, link.ends[side], endsAt + silence);
  }
}

function hearOfEnd(world: World, end: End, at: number): void {
  world.scheduler.at(at, end.process, () => {
    if (!end.open) return;
    end.open = false;
    end.onClosed();
  });
}

/** Nothing arrives over this connection, in one direction, for a while. */
export function clog(world: World, link: Link, ms: number): void {
  const lane = link.lanes[world.random.int(0, 1) as 0 | 1];
  lane.lastAt = Math.max(lane.lastAt, world.scheduler.now + ms);
}

/** A frame in a line. */
function describe({ kind, ...values }: Message): string {
  return `${kind} ${inWords(values)}`;
}
