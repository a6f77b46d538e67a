/** Transactions of one connection: commands that are executed as one batch, if the keys that it watches are as they were. */
import type { Arguments } from './arguments.ts';
import type { CommandBatch } from './command-batch.ts';
import { CommandError } from './command-error.ts';
import type { AnyCommand } from './command-table.ts';
import type { ConnectionBatches } from './connection-batches.ts';
import type { ConnectionParts } from './connection-parts.ts';
import type { CommandClient, LocalCommand, Transactional } from './local-command.ts';
import { Transaction } from './transaction.ts';

export class ConnectionTransaction implements Transactional {
  readonly #parts: Pick<ConnectionParts, 'reply' | 'type'>;
  readonly #batches: ConnectionBatches;
  readonly #client: CommandClient;
  readonly #transaction = new Transaction();
  #isExecuting = false;

  constructor(parts: Pick<ConnectionParts, 'reply' | 'type'>, batches: ConnectionBatches, client: CommandClient) {
    this.#parts = parts;
    this.#batches = batches;
    this.#client = client;
  }

  get isOpen(): boolean {
    return this.#transaction.isOpen;
  }

  /** A command between MULTI and EXEC is executed: it waits for nothing. */
  get isExecuting(): boolean {
    return this.#isExecuting;
  }

  get queued(): number {
    return this.#transaction.queued;
  }

  get watched(): number {
    return this.#transaction.watched;
  }

  get bytes(): number {
    return this.#transaction.bytes;
  }

  begin(): void {
    if (this.#transaction.isOpen) throw new CommandError('ERR MULTI calls can not be nested');
    this.#transaction.isOpen = true;
    this.#parts.reply.ok();
  }

  /** @throws CommandError when the queue would be too long */
  queue(command: AnyCommand, words: Arguments): void {
    this.#transaction.queue(command, words);
    this.#parts.reply.simple('QUEUED');
  }

  /** What came is no command that it could execute: if it is open, it will not be executed. */
  refused(): void {
    this.#transaction.isBroken ||= this.#transaction.isOpen;
  }

  discard(): void {
    if (!this.#transaction.isOpen) throw new CommandError('ERR DISCARD without MULTI');
    this.#transaction.end();
    this.#parts.reply.ok();
  }

  execute(words: Arguments): void {
    const transaction = this.#transaction;
    if (!transaction.isOpen) throw new CommandError('ERR EXEC without MULTI');
    try {
      if (this.#batches.rollback.isUntold) throw new CommandError(this.#batches.rollback.take());
      if (transaction.isBroken) {
        throw new CommandError('EXECABORT Transaction discarded because of previous errors.');
      }
      this.#batches.addAlone(this.#write, words, true);
    } finally {
      transaction.end();
    }
  }

  watch(words: Arguments): void {
    const transaction = this.#transaction;
    if (transaction.isOpen) throw new CommandError('ERR WATCH inside MULTI is not allowed');
    transaction.checkWatch(words);
    this.#batches.addAlone(this.#writeLooks, words, false);
  }

  unwatch(): void {
    this.forgetWatched();
    this.#parts.reply.ok();
  }

  /** What was read of the keys never happened. */
  forgetWatched(): void {
    this.#transaction.unwatch();
  }

  end(): void {
    this.#transaction.end();
  }

  readonly #write = (_words: Arguments, batch: CommandBatch): void => {
    this.#transaction.write(batch, this.#parts.type.watching, (command, words) => this.#replyOf(command, words));
  };

  readonly #writeLooks = (words: Arguments, batch: CommandBatch): void => {
    const { watching } = this.#parts.type;
    const last = words.count - 1;
    for (let index = 1; index <= last; index++) {
      const key = Buffer.from(words.slice(index));
      watching.look(words, index, batch, (reply) => {
        this.#transaction.watch(key, watching.read());
        if (index === last) reply.ok();
      });
    }
  };

  /** The reply of a command that does not reach the core, as a part of another one. */
  #replyOf(command: LocalCommand, words: Arguments): Buffer {
    const { reply } = this.#parts;
    const before = reply.bytes;
    this.#isExecuting = true;
    try {
      command.run(words, this.#client);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      reply.error(error.message);
    }
    this.#isExecuting = false;
    return reply.cut(before);
  }
}
