/** Everything that one seed's actors share: time, chance, the network, the checker, and the story for people. */
import type { SimDisk } from '../runtime/storage/sim-disk.ts';
import type { Checker } from './checker/index.ts';
import type { Client } from './client-actor.ts';
import type { FinderHost } from './finder-actor.ts';
import type { Link } from './network.ts';
import type { WorldOptions } from './options.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { States } from './state-object.ts';
import type { WorkerHost } from './worker-host.ts';

/** An invariant of the protocol does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface World {
  readonly options: WorldOptions;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly links: Set<Link>;
  readonly checker: Checker;
  readonly states: States;
  readonly finder: FinderHost;
  readonly hosts: Map<number, WorkerHost>;
  /** Those that run: one that died has a successor in its place. */
  readonly clients: Client[];
  /** How many sessions clients have begun or are to begin, also those that died. */
  sessions: number;
  /** Faults have stopped: nothing is lost or delayed beyond the ordinary any more. */
  calm: boolean;
  /** A promise may have something to do before time goes on. */
  hasPromises: boolean;
  /** Pairs of process names that cannot reach each other, until when. */
  readonly partitions: { readonly name: string; readonly until: number }[];
  /** Everything takes longer on these. */
  readonly slowDisks: Set<SimDisk>;
  /** What puts disks right again. */
  readonly diskFaultEnds: Set<() => void>;
  networkDelay(): number;
  diskDelay(): number;
  /** What happened within a promise shows that the code is wrong. */
  fail(error: unknown): void;
  /** Something happened that a run must have seen. */
  reached(what: string): void;
  /** Take bytes into the trace's hash. */
  mixBytes(bytes: Uint8Array): void;
  /** One line of the story; told only when it is asked for. */
  note(actor: string, text: () => string, to?: string): void;
  /** The same for every frame, where these are asked for too. */
  frame(actor: string, to: string, text: () => string): void;
}

/** Is the process cut off from all others? */
export function isPartitioned(world: World, name: string): boolean {
  const { now } = world.scheduler;
  return world.partitions.some((partition) => partition.name === name && partition.until > now);
}

/** Named values in words, for the story. */
export function inWords(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map)
    return `[${[...(value as Map<unknown, unknown>)].map(([key, of]) => `${inWords(key)}:${inWords(of)}`).join(' ')}]`;
  if (Array.isArray(value)) return `[${value.map(inWords).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([key, of]) => `${key} ${inWords(of)}`)
      .join(', ');
  }
  // Ids of 128 bits are told apart by their beginnings.
  return typeof value === 'string' && /^[0-9a-f]{16,}$/.test(value) ? `${value.slice(0, 4)}…` : String(value);
}
