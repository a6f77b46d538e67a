/** A connection as its commands see it: who its client says it is, what it may do, and what it waits for. */
import type { Arguments } from './arguments.ts';
import { CommandError } from './command-error.ts';
import { hasRightCount, isLocal } from './command-table.ts';
import { CommitWait } from './commit-wait.ts';
import type { ConnectionBatches } from './connection-batches.ts';
import type { ConnectionOptions, ConnectionParts } from './connection-parts.ts';
import { ConnectionTransaction } from './connection-transaction.ts';
import type { DependencyToken } from './dependency-token.ts';
import { NUMBERED_COMMAND } from './exactly-once.ts';
import { MAX_NAME_BYTES } from './limits.ts';
import type { ClientFacts, CommandClient, CommandList, ServerFacts } from './local-command.ts';
import type { Protocol, ReplyWriter } from './reply-writer.ts';
import type { Numbered } from './session-link.ts';

/** What is known of the connection itself. */
export interface ConnectionFacts {
  readonly lastCommand: string;
  readonly activeAt: number;
  readonly heldBytes: number;
}

export interface ClientUser {
  readonly facts: () => ConnectionFacts;
  /** The client showed the token that is asked for, or is one that did not again. */
  readonly admitted: (isGuest: boolean) => void;
  /** Go on: the time to wait is over. */
  readonly goOn: () => void;
}

export class ConnectionClient implements CommandClient {
  readonly transaction: ConnectionTransaction;
  readonly #parts: ConnectionParts;
  readonly #options: ConnectionOptions;
  readonly #batches: ConnectionBatches;
  readonly #user: ClientUser;
  readonly #wait: CommitWait;
  readonly #connectedAt: number;
  #protocol: Protocol = 2;
  #name = '';
  #library = '';
  #libraryVersion = '';
  #isGuest: boolean;
  #hasQuit = false;

  constructor(parts: ConnectionParts, options: ConnectionOptions, batches: ConnectionBatches, user: ClientUser) {
    this.#parts = parts;
    this.#options = options;
    this.#batches = batches;
    this.#user = user;
    this.#isGuest = options.isGuest;
    this.#connectedAt = parts.host.now();
    this.#wait = new CommitWait(parts.host);
    this.transaction = new ConnectionTransaction(parts, batches, this);
  }

  get reply(): ReplyWriter {
    return this.#parts.reply;
  }

  get protocol(): Protocol {
    return this.#protocol;
  }

  get isGuest(): boolean {
    return this.#isGuest;
  }

  /** It is to be closed, after what was written. */
  get hasQuit(): boolean {
    return this.#hasQuit;
  }

  /** A command waits for a commit. */
  get isWaiting(): boolean {
    return this.#wait.isOn;
  }

  get isCommitted(): boolean {
    return this.#batches.isCommitted;
  }

  get server(): ServerFacts {
    return this.#parts.server;
  }

  get table(): CommandList {
    return this.#parts.table;
  }

  get facts(): ClientFacts {
    const { number, socket } = this.#options;
    return {
      ...this.#user.facts(),
      id: number,
      address: socket.address,
      localAddress: socket.localAddress,
      connectedAt: this.#connectedAt,
      name: this.#name,
      library: this.#library,
      libraryVersion: this.#libraryVersion,
      protocol: this.#protocol,
      queued: this.transaction.queued,
      watched: this.transaction.watched,
      unreadBytes: socket.unsentBytes(),
    };
  }

  authenticate(token: string): string | undefined {
    const refusal = this.#isGuest || this.server.asksForToken ? this.#options.greet(token) : undefined;
    if (refusal === undefined) this.#admit(false);
    return refusal;
  }

  setProtocol(protocol: Protocol): void {
    this.#protocol = this.reply.protocol = protocol;
  }

  setName(name: string): void {
    this.#name = name;
  }

  setLibrary(which: 'library' | 'libraryVersion', value: string): void {
    if (which === 'library') this.#library = value;
    else this.#libraryVersion = value;
  }

  quit(): void {
    this.#hasQuit = true;
  }

  reset(): void {
    this.transaction.end();
    this.#name = '';
    this.#admit(this.server.asksForToken);
    this.setProtocol(2);
  }

  waitForCommit(ms: number, answer: (isCommitted: boolean) => void): void {
    if (this.isCommitted || this.transaction.isExecuting) return answer(this.isCommitted);
    this.#wait.begin(ms, answer, this.#user.goOn);
    this.#batches.waitForCommit();
  }

  token(): DependencyToken {
    this.#refuseInTransaction();
    return this.#batches.token;
  }

  see(token: DependencyToken): void {
    this.#refuseInTransaction();
    // Something has to execute that depends on it: the least that every worker type has.
    this.#batches.see(token, (_words, batch) => this.#parts.type.info(batch, (reply) => reply.ok()));
  }

  executeNumbered(numbered: Numbered, words: Arguments): void {
    this.#refuseInTransaction();
    const inner = words.from(NUMBERED_COMMAND);
    const command = this.#parts.table.find(inner);
    if (command === undefined || isLocal(command) || command.isAlone === true || !hasRightCount(command, inner.count)) {
      const name = inner.text(0).slice(0, MAX_NAME_BYTES);
      throw new CommandError(
        `ERR DPR.SESSION executes complete commands on keys, and '${name}' is none or goes on for long`,
      );
    }
    this.#batches.addAlone(command.write, inner, false, numbered);
  }

  /** The version of a transaction is not known before all of it was executed. */
  #refuseInTransaction(): void {
    if (this.transaction.isExecuting) throw new CommandError('ERR commands of DPR are not for transactions');
  }

  /** Answer the command that waits for a commit, if it is time to. @returns false: a rollback is to be told in its place */
  goOnWaiting(): boolean {
    if (!this.#wait.isOn) return true;
    const isUndone = this.#batches.rollback.isUntold;
    if (isUndone) this.#wait.end();
    else this.#wait.goOn(this.isCommitted);
    if (!this.isWaiting) this.#batches.waitNoMore();
    return !isUndone;
  }

  /** The connection is closed. */
  close(): void {
    this.#wait.end();
  }

  #admit(isGuest: boolean): void {
    this.#isGuest = isGuest;
    this.#user.admitted(isGuest);
  }
}
