/** Files and sockets that a process may have open: clients get none of the last ones, which probes and files need. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { EXIT, ProcessError } from './exit-codes.ts';
import type { Log } from './log.ts';

/** Clients' connections leave this many: for probes and scrapes, the volume's files, the Finder and the state object's own. */
export const RESERVED_DESCRIPTORS = 96;
/** A process that may have no more than this many serves hardly any client: it does not start. */
export const MIN_DESCRIPTORS = 160;
/** What probes keep in hand, for when everything else is taken all the same. */
const IN_HAND = 4;
/** How often it is looked whether that must be given up, or can be taken back. */
const LOOK_EVERY_MS = 250;
/** While connections are refused, it is told so often. */
const TELL_EVERY_MS = 60_000;

const SCARCE: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE']);

/** How many descriptors this process may have open; Infinity where the system does not say. */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity; // another system, or none are left
  }
}

/** @throws ProcessError */
export function checkDescriptors(limit = descriptorLimit()): void {
  if (limit >= MIN_DESCRIPTORS) return;
  const text = `this process may have only ${limit} files and connections open, and needs ${MIN_DESCRIPTORS} at least`;
  throw new ProcessError(`${text}; raise the limit (ulimit -n)`, EXIT.config);
}

/** A new descriptor is the lowest number that is free, so that it tells how many there are. Undefined: none is free. */
function open(): number | undefined {
  try {
    return openSync(devNull, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && SCARCE.has(String(error.code))) return undefined;
    throw error;
  }
}

export interface DoorStop {
  /** Is there room for the connection that was just accepted, and for so many more? */
  hasRoom(more?: number): boolean;
  /** For so many connections there is room, less what the process has open beside. */
  readonly most: number;
  /** One was refused. */
  refused(why: string): void;
}

/** For a port of clients: whether connections leave enough descriptors, and a word about those that do not. */
export function doorStop(log: Pick<Log, 'warn'>, limit = descriptorLimit()): DoorStop {
  let count = 0;
  let toldAt = -Infinity;
  return {
    hasRoom(more = 0) {
      const free = open();
      if (free !== undefined) closeSync(free);
      return free !== undefined && free + more < limit - RESERVED_DESCRIPTORS;
    },
    most: limit - RESERVED_DESCRIPTORS,
    refused(why) {
      count++;
      const now = performance.now();
      if (now < toldAt + TELL_EVERY_MS) return;
      log.warn({ event: 'connectionsRefused', count, reason: why });
      toldAt = now;
      count = 0;
    },
  };
}

/** What the port of clients says where it is the process that has too many. */
export function tooMany(limit = descriptorLimit()): string {
  return (
    `the process may have ${limit} files and connections open, and the last ${RESERVED_DESCRIPTORS} are kept for its files and probes: ` +
    'raise the limit (ulimit -n), or connect fewer clients'
  );
}

/**
 * Keeps descriptors in hand for a port that must always answer. The system drops what it cannot accept without a word, so they are
 * given up as soon as there are no others, and taken back when there are.
 * @returns what ends that
 */
export function keepInHand(): () => void {
  const held: number[] = [];
  const look = (): void => {
    const free = open();
    if (free === undefined) return held.splice(0).forEach((one) => closeSync(one));
    if (held.length < IN_HAND) held.push(free);
    else closeSync(free);
  };
  for (let one = 0; one < IN_HAND; one++) look();
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    held.splice(0).forEach((one) => closeSync(one));
  };
}
