/** What a connection collects between MULTI and EXEC, and the keys that it watches. */
import type { Arguments } from './arguments.ts';
import type { DataCommand, Watching } from './command.ts';
import { CommandError } from './command-error.ts';
import type { CommandBatch } from './command-batch.ts';
import { type AnyCommand, isLocal } from './command-table.ts';
import type { LocalCommand } from './local-command.ts';
import { MAX_QUEUED_BYTES, MAX_QUEUED_COMMANDS, MAX_WATCHED_BYTES } from './limits.ts';

interface Queued {
  readonly command: AnyCommand;
  readonly words: Arguments;
}

export class Transaction {
  /** Between MULTI and EXEC. */
  isOpen = false;
  /** A command was refused: EXEC executes nothing. */
  isBroken = false;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  /** Keys, and what was told of each when it began to be watched. */
  readonly #watched = new Map<string, { readonly key: Buffer; readonly read: number }>();
  #watchedBytes = 0;

  get queued(): number {
    return this.isOpen ? this.#queue.length : -1;
  }

  get watched(): number {
    return this.#watched.size;
  }

  get bytes(): number {
    return this.#queuedBytes + this.#watchedBytes;
  }

  /** @throws CommandError when the queue would be too long */
  queue(command: AnyCommand, words: Arguments): void {
    const bytes = this.#queuedBytes + words.totalBytes();
    if (bytes > MAX_QUEUED_BYTES || this.#queue.length >= MAX_QUEUED_COMMANDS) {
      const text = `ERR a transaction may have ${MAX_QUEUED_COMMANDS} commands of ${MAX_QUEUED_BYTES} bytes`;
      throw new CommandError(text);
    }
    this.#queuedBytes = bytes;
    this.#queue.push({ command, words: words.copy() });
  }

  /** @throws CommandError when there are too many */
  checkWatch(words: Arguments): void {
    if (this.#watchedBytes + words.totalBytes() <= MAX_WATCHED_BYTES) return;
    throw new CommandError(`ERR a connection may watch keys of ${MAX_WATCHED_BYTES} bytes`);
  }

  /** A key that is watched already stays as it was then. */
  watch(key: Buffer, read: number): void {
    const name = key.toString('latin1');
    if (this.#watched.has(name)) return;
    this.#watched.set(name, { key: Buffer.from(key), read });
    this.#watchedBytes += key.length;
  }

  unwatch(): void {
    this.#watched.clear();
    this.#watchedBytes = 0;
  }

  /** Forget all of it. */
  end(): void {
    this.isOpen = this.isBroken = false;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.unwatch();
  }

  /**
   * Write all of it as one command of a batch of its own.
   * @param local makes the reply of a command that does not reach the core
   * @throws CommandError when it does not fit into a batch
   */
  write(batch: CommandBatch, watching: Watching, local: LocalReply): void {
    const commands = this.#queue.length;
    let watches = this.#watched.size;
    if (watches === 0) batch.literal(Buffer.from(`*${commands}\r\n`));
    for (const { key, read } of this.#watched.values()) {
      const isLast = --watches === 0;
      watching.expect(key, read, batch, (reply) => {
        if (!watching.isMet()) batch.tally++;
        if (!isLast) return;
        batch.isAbandoned = batch.tally > 0;
        if (batch.isAbandoned) reply.nullArray();
        else reply.array(commands);
      });
    }
    batch.endPart();
    for (const { command, words } of this.#queue) {
      if (isLocal(command)) batch.literal(local(command, words));
      else if (!isWritten(batch, command, words)) throw new CommandError(TOO_LARGE);
      batch.endPart();
    }
    if (!batch.fits) throw new CommandError(TOO_LARGE);
  }
}

type LocalReply = (command: LocalCommand, words: Arguments) => Buffer;

const TOO_LARGE = 'ERR the transaction is too large for one batch: nothing of it was executed';

/**
 * What is wrong with one command of a transaction is its own part of the reply, and the others are executed.
 * @returns false when there is no room for it
 */
function isWritten(batch: CommandBatch, command: DataCommand, words: Arguments): boolean {
  try {
    const write = command.writeWhole ?? command.write;
    return batch.add(undefined, write, words);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    batch.error(error.message);
    return true;
  }
}
