/** What a session needs of its cluster. */
import type { Message } from '@dpr/protocol';
import type { Host } from '@dpr/runtime/host';
import type { LogEntry } from '../options.ts';
import type { Sending } from './retry-settings.ts';

/** A worker that is connected, as its greeting told. */
export interface OpenWorker {
  readonly generation: number;
  readonly type: string;
}

/** Nothing here calls the session back before it returns. */
export interface SessionHost {
  readonly host: Host;
  readonly sending: Sending;
  worldLine(): number;
  send(worker: number, message: Message): void;
  sendFinder(message: Message): void;
  /** A connection to this worker is wanted from now on; @returns it if there is one */
  connect(worker: number): OpenWorker | undefined;
  /** The membership may have changed. */
  fetchCluster(): void;
  /** Resolves once the membership was fetched anew, or will never be. */
  freshMembership(): Promise<void>;
  /** A worker's type, if it is a member. */
  memberType(worker: number): string | undefined;
  /** The last generation of a worker that is a member no more; undefined: it is one, or never was. */
  removedGeneration(worker: number): number | undefined;
  /** The members' ids, in words. */
  knownWorkers(): string;
  log(entry: LogEntry): void;
  /** Calls of this tick began: flush once it is over. Sessions of one tick do so together. */
  flushSoon(session: { flush(): void }): void;
  /** The session has ended. */
  forget(session: string): void;
}
