/** A connection that is made again whenever it breaks. */
import type { Message, MessageOf } from '@dpr/protocol';
import type { Host } from '@dpr/runtime/host';
import { reconnection } from '@dpr/runtime/reconnection';
import { openConnection, type Connection, type Greeting, type Timing } from './connection.ts';
import {
  ClusterMismatchError,
  NotFinderError,
  UnauthorizedError,
  VersionMismatchError,
  type DprError,
} from '../errors.ts';
import { MAX_PAUSE_MS, MIN_PAUSE_MS, PAUSE_SHARE_OF_OUTAGE, STABLE_CONNECTION_MS } from '../limits.ts';

export interface LinkOptions {
  readonly host: Host;
  readonly address: string;
  readonly ca: string | undefined;
  readonly timing: Timing;
  /** Asked anew for each attempt. */
  greeting(): Greeting;
}

/** Who uses the link. Its functions are never called within one of the link's. */
export interface LinkOwner {
  /** Greeted. An error refuses the peer: the connection is closed, and another attempt follows. */
  opened(welcome: MessageOf<'welcome'>): DprError | undefined;
  /** What one message carried, in order. */
  frames(messages: readonly Message[]): void;
  /** The system took over everything that had piled up. */
  drained?(): void;
  /** An attempt failed, or the connection broke; another attempt follows unless the link is closed now. */
  down(error: DprError): void;
}

export interface Link {
  /** Whether the peer is connected and greeted. */
  isOpen(): boolean;
  /** Send a frame; dropped while there is no connection. */
  send(message: Message): void;
  /** Bytes that were sent and that the system has not taken over yet. */
  unsentBytes(): number;
  close(): void;
}

const FINAL = [UnauthorizedError, VersionMismatchError, ClusterMismatchError, NotFinderError];

/** Will trying again with the same address and token fail in the same way? */
export function isFinal(error: DprError): boolean {
  return FINAL.some((kind) => error instanceof kind);
}

/** What an attempt fails with when the network or the peer refuses it; without an answer it fails otherwise. */
const DEFINITE_CODES = ['ECONNREFUSED', 'ENOTFOUND', 'HTTP_403'];

/** Did the network or the peer refuse the connection, so that only a change there can help? */
export function isDefinite({ cause }: DprError): boolean {
  return cause instanceof Error && 'code' in cause && DEFINITE_CODES.includes(String(cause.code));
}

/** Why the peer that answered cannot be the Finder. */
export function checkFinder(address: string, { worker }: MessageOf<'welcome'>): NotFinderError | undefined {
  if (worker === undefined) return undefined;
  return new NotFinderError(
    `${address} is worker ${worker.id}: give the address of the Finder, which tells the workers'`,
  );
}

export const LINK_TIMES = {
  pauseShareOfOutage: PAUSE_SHARE_OF_OUTAGE,
  minPauseMs: MIN_PAUSE_MS,
  maxPauseMs: MAX_PAUSE_MS,
  stableMs: STABLE_CONNECTION_MS,
};

export function openLink(options: LinkOptions, owner: LinkOwner): Link {
  const { host } = options;
  let connection: Connection | undefined;
  let open = false;
  const attempts = reconnection(host, LINK_TIMES, attempt);

  function attempt(): void {
    const { address, ca, timing } = options;
    const owned = {
      opened,
      frames: (messages: readonly Message[]) => owner.frames(messages),
      drained: () => owner.drained?.(),
      closed,
    };
    connection = openConnection({ host, address, ca, timing, greeting: options.greeting() }, owned);
  }

  function opened(welcome: MessageOf<'welcome'>): void {
    open = true;
    attempts.opened();
    const refused = owner.opened(welcome);
    if (refused === undefined) return;
    connection?.close();
    closed(refused);
  }

  function closed(error: DprError): void {
    open = false;
    connection = undefined;
    attempts.broke();
    owner.down(error);
  }

  attempt();
  return {
    isOpen: () => open,
    send(message) {
      if (open) connection?.send(message);
    },
    unsentBytes: () => connection?.unsentBytes() ?? 0,
    close() {
      attempts.stop();
      connection?.close();
      connection = undefined;
      open = false;
    },
  };
}
