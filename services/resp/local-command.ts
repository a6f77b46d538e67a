/** Commands that are about the connection and not about keys: nothing of them reaches the core. */
import type { WorkerStatus } from '@dpr/core';
import type { Arguments } from './arguments.ts';
import type { CommandFacts, MemoryFacts } from './command.ts';
import type { DependencyToken } from './dependency-token.ts';
import type { Protocol, ReplyWriter } from './reply-writer.ts';
import type { Numbered } from './session-link.ts';

/** What is told of a connection. */
export interface ClientFacts {
  readonly id: number;
  /** As `host:port`, of both ends. */
  readonly address: string;
  readonly localAddress: string;
  /** Monotonic time at which it connected, and of its last command; ms. */
  readonly connectedAt: number;
  readonly activeAt: number;
  readonly name: string;
  readonly library: string;
  readonly libraryVersion: string;
  readonly protocol: Protocol;
  readonly lastCommand: string;
  /** Commands that wait for EXEC; -1: none may. */
  readonly queued: number;
  readonly watched: number;
  /** Bytes of commands that are not complete, and of replies that were not read. */
  readonly heldBytes: number;
  readonly unreadBytes: number;
}

/** What all connections of a port share. */
export interface ServerFacts {
  readonly status: () => WorkerStatus;
  readonly memory: () => MemoryFacts;
  readonly clients: () => Iterable<ClientFacts>;
  /** Monotonic time, and that of day, ms. */
  readonly now: () => number;
  readonly wall: () => number;
  readonly startedAt: number;
  readonly port: number;
  readonly commands: () => number;
  readonly asksForToken: boolean;
}

/** All commands, of either kind. */
export interface CommandList {
  readonly all: readonly CommandFacts[];
  named(name: string): CommandFacts | undefined;
}

/** A connection as its commands see it. */
export interface CommandClient {
  readonly reply: ReplyWriter;
  /** It has not shown the token that is asked for. */
  readonly isGuest: boolean;
  readonly facts: ClientFacts;
  readonly server: ServerFacts;
  readonly table: CommandList;
  /** @returns why not */
  authenticate(token: string): string | undefined;
  setProtocol(protocol: Protocol): void;
  setName(name: string): void;
  setLibrary(which: 'library' | 'libraryVersion', value: string): void;
  /** Close it, after what was written. */
  quit(): void;
  /** Back to what it was when it connected. */
  reset(): void;
  readonly transaction: Transactional;
  /** Whether no failure takes anything back that was done here. */
  readonly isCommitted: boolean;
  /** Wait until what was done here is committed, or so many ms; 0: for ever. */
  waitForCommit(ms: number, answer: (isCommitted: boolean) => void): void;
  /** What this connection did, read and saw. @throws CommandError in a transaction */
  token(): DependencyToken;
  /** Let what is done here from now on depend on this, and reply. @throws CommandError when that cannot be */
  see(token: DependencyToken): void;
  /** Execute the command that begins in word `NUMBERED_COMMAND`, once. @throws CommandError when it cannot be */
  executeNumbered(numbered: Numbered, words: Arguments): void;
}

export interface Transactional {
  begin(): void;
  execute(words: Arguments): void;
  discard(): void;
  watch(words: Arguments): void;
  unwatch(): void;
}

export interface LocalCommand extends CommandFacts {
  readonly run: (words: Arguments, client: CommandClient) => void;
  /** Also for who has not shown the token that is asked for. */
  readonly isForGuests?: boolean;
  /** Between MULTI and EXEC it is executed at once. */
  readonly isImmediate?: boolean;
  /** It sends a batch. */
  readonly isAlone?: boolean;
  /** It has to do with what was executed here, so it tells of a rollback. */
  readonly tellsRollback?: boolean;
}
