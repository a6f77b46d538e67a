/** One connection of a RESP port: commands come in, are executed in order, and replies go out in the same order. */
import type { Arguments } from './arguments.ts';
import type { DataCommand } from './command.ts';
import { CommandError } from './command-error.ts';
import { CommandParser, RespSyntaxError } from './command-parser.ts';
import { type AnyCommand, hasRightCount, isLocal } from './command-table.ts';
import { ConnectionBatches } from './connection-batches.ts';
import { ConnectionClient } from './connection-client.ts';
import type { ConnectionOptions, ConnectionParts } from './connection-parts.ts';
import { MAX_UNREAD_BYTES } from './limits.ts';
import type { ClientFacts, LocalCommand } from './local-command.ts';

/** Smaller parts of commands do not count in the budgets: pieces end within commands all the time. */
const SMALL_INPUT_BYTES = 16 * 1024;
/** Commands that are looked at before it is asked whether the turn is over. */
const COMMANDS_AT_ONCE = 64;
/** What browsers send to a port that they are led to: no command of Redis. */
const BROWSER_WORDS = ['POST', 'HOST:'];
/** What a proxy tells of the client, before it is known that it may. */
const PROXY_WORD = 'PROXY';
const MAX_SHOWN_NAME = 128;

const NO_TOKEN = 'NOAUTH Authentication required: AUTH with the client token of the cluster';

export class RespConnection {
  readonly #parts: ConnectionParts;
  readonly #options: ConnectionOptions;
  readonly #parser = new CommandParser();
  readonly #batches: ConnectionBatches;
  readonly #client: ConnectionClient;
  readonly #turn = { goOn: (): void => this.#turnBegins() };
  #activeAt: number;
  #commands = 0;
  #lastCommand = '';
  #isWorking = false;
  #isClosed = false;
  /** What came has to wait for the next turn of the event loop. */
  #isOutOfTurn = false;
  /** Nothing more is read; it is closed once all is answered, this error last. */
  #lastError: string | undefined;
  /** A command that came while the one before it has no answer. */
  #held: { readonly command: AnyCommand; readonly words: Arguments } | undefined;

  constructor(parts: ConnectionParts, options: ConnectionOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#activeAt = parts.host.now();
    this.#parser.isGuest = options.isGuest;
    const work = (): void => this.#work();
    const { reply, batches } = parts;
    this.#batches = new ConnectionBatches(batches, reply, {
      protocol: () => this.#client.protocol,
      unreadBytes: () => (this.#isClosed ? 0 : options.socket.unsentBytes()),
      send: () => this.#send(),
      answered: () => this.#answered(),
      cutOff: () => this.#cutOff(),
      goOn: work,
      rolledBack: () => this.#client.transaction.forgetWatched(),
      ended: () => this.#end(),
    });
    this.#client = new ConnectionClient(parts, options, this.#batches, {
      facts: () => ({ lastCommand: this.#lastCommand, activeAt: this.#activeAt, heldBytes: this.#heldBytes }),
      admitted: (isGuest) => (this.#parser.isGuest = isGuest),
      goOn: work,
    });
  }

  /** What came. The memory is the connection's until the next piece comes. */
  take(piece: Buffer): void {
    if (this.#isClosed || this.#client.hasQuit || this.#lastError !== undefined) return;
    this.#parser.push(piece);
    this.#work();
  }

  /** The system has taken over all that was written. */
  drained(): void {
    this.#options.unsent.set(0);
    this.#work();
  }

  /** The socket is closed. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close();
    this.#options.received.end();
    this.#options.unsent.end();
    this.#batches.close();
  }

  get facts(): ClientFacts {
    return this.#client.facts;
  }

  /** How far it is with what its client sends: commands looked at, and whether another one has begun. */
  get pace(): { readonly commands: number; readonly isReceiving: boolean; readonly unread: number } {
    const isReceiving = this.#parser.heldBytes > 0 && !this.#isHeldUp;
    return { commands: this.#commands, isReceiving, unread: this.#options.socket.unsentBytes() };
  }

  get #heldBytes(): number {
    return this.#parser.memoryBytes + this.#client.transaction.bytes + this.#batches.parkedBytes;
  }

  get #isHeldUp(): boolean {
    return (
      this.#batches.isHeldUp ||
      this.#isOutOfTurn ||
      this.#client.isWaiting ||
      this.#client.hasQuit ||
      this.#isClosed ||
      this.#options.socket.unsentBytes() > MAX_UNREAD_BYTES
    );
  }

  /** Go as far as possible, and send what that gives, all at once. */
  #work(): void {
    if (this.#isWorking || this.#isClosed) return;
    this.#isWorking = true;
    this.#parts.reply.protocol = this.#client.protocol;
    this.#batches.goOnWithMore();
    if (!this.#client.goOnWaiting()) this.#tellRollback();
    this.#takeCommands();
    if (this.#lastError !== undefined && !this.#client.isWaiting && this.#batches.flush())
      this.#endWith(this.#lastError);
    this.#isWorking = false;
    this.#send();
    this.#goOnReading();
  }

  #endWith(error: string): void {
    if (this.#client.hasQuit) return;
    this.#parts.reply.error(error);
    this.#client.quit();
  }

  #turnBegins(): void {
    this.#isOutOfTurn = false;
    this.#work();
  }

  /** What was collected has its replies: they are in the reply writer, behind what this connection has written there. */
  #answered(): void {
    this.#activeAt = this.#batches.sentAt;
    if (!this.#isWorking) this.#send();
  }

  #send(): void {
    const { reply } = this.#parts;
    if (this.#batches.isIdle) this.#batches.rollback.push(reply, this.#client.protocol);
    if (reply.bytes === 0) return;
    const bytes = reply.take();
    if (this.#isClosed) return;
    const { socket, unsent } = this.#options;
    socket.write(bytes);
    unsent.set(socket.unsentBytes());
  }

  #goOnReading(): void {
    if (this.#isClosed) return;
    if (this.#client.hasQuit && this.#batches.isIdle) return this.#end();
    const { socket, received } = this.#options;
    const held = this.#heldBytes;
    received.set(held > SMALL_INPUT_BYTES ? held : 0);
    if (this.#isHeldUp) socket.pause();
    else socket.resume();
  }

  #end(): void {
    this.#options.socket.end();
    this.closed();
  }

  /** What was begun cannot be answered as a whole. */
  #cutOff(): void {
    this.#options.socket.destroy();
    this.closed();
  }

  #takeCommands(): void {
    try {
      this.#takeHeld();
      for (let left = 0; !this.#isHeldUp && this.#lastError === undefined && !this.#isTurnOver(left); left--) {
        if (left === 0) left = COMMANDS_AT_ONCE;
        if (!this.#parser.next()) return;
        this.#commands++;
        this.#parts.counted();
        this.#look(this.#parser.found);
      }
    } catch (error) {
      if (!(error instanceof RespSyntaxError)) throw error;
      this.#lastError = `ERR ${error.message}`;
    }
  }

  /** @param left commands that may be looked at without asking */
  #isTurnOver(left: number): boolean {
    const { turns } = this.#parts;
    if (left > 0 || this.#parser.heldBytes === 0 || !turns.isOver()) return false;
    this.#isOutOfTurn = true;
    turns.wait(this.#turn);
    return true;
  }

  #takeHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#isHeldUp) return;
    this.#held = undefined;
    this.#execute(held.command, held.words);
  }

  /** Is it a command, and may it be one now? */
  #look(words: Arguments): void {
    const command = this.#parts.table.find(words);
    if (command === undefined) return this.#unknown(words);
    this.#lastCommand = command.name;
    if (!hasRightCount(command, words.count)) return this.#refuseCount(command);
    if (this.#client.isGuest && !(isLocal(command) && command.isForGuests === true)) {
      return this.#refuse(NO_TOKEN);
    }
    if (this.#client.transaction.isOpen && !(isLocal(command) && command.isImmediate === true)) {
      return this.#queue(command, words);
    }
    this.#execute(command, words);
  }

  #refuseCount({ name }: AnyCommand): void {
    const text = `wrong number of arguments for '${name}' command`;
    if (name !== 'exec') return this.#refuse(`ERR ${text}`);
    this.#client.transaction.end();
    this.#batches.fail(`EXECABORT Transaction discarded because of: ${text}`);
  }

  #unknown(words: Arguments): void {
    const name = words.text(0);
    const upper = name.toUpperCase();
    if (upper === PROXY_WORD && this.#commands === 1) return;
    if (BROWSER_WORDS.includes(upper)) return this.#cutOff();
    if (this.#client.isGuest) return this.#refuse(NO_TOKEN);
    const advice = this.#parts.type.advice(name.toLowerCase());
    const shown = name.slice(0, MAX_SHOWN_NAME).replace(/[^\x20-\x7e]/g, '?');
    this.#refuse(`ERR unknown command '${shown}'${advice === undefined ? '' : `: ${advice}`}`);
  }

  /** The next command is none, or may not be one now: a transaction that it was to be a part of is not executed either. */
  #refuse(text: string): void {
    this.#client.transaction.refused();
    this.#batches.fail(text);
  }

  #queue(command: AnyCommand, words: Arguments): void {
    try {
      this.#client.transaction.queue(command, words);
    } catch (error) {
      this.#client.transaction.refused();
      this.#failWith(error);
    }
  }

  #execute(command: AnyCommand, words: Arguments): void {
    try {
      const isDone = isLocal(command) ? this.#executeLocal(command, words) : this.#executeData(command, words);
      if (!isDone) this.#held = { command, words: words.copy() };
    } catch (error) {
      this.#failWith(error);
    }
  }

  /** @returns false: it has to wait */
  #executeLocal(command: LocalCommand, words: Arguments): boolean {
    if (!(command.isAlone === true ? this.#batches.clear() : this.#batches.flush())) return false;
    if (command.tellsRollback !== true || !this.#tellRollback()) command.run(words, this.#client);
    return true;
  }

  /** @returns false: it has to wait */
  #executeData(command: DataCommand, words: Arguments): boolean {
    if (command.isAside !== true && this.#batches.rollback.isUntold) {
      if (!this.#batches.flush()) return false;
      if (this.#tellRollback()) return true;
    }
    if (command.isAlone !== true) return this.#batches.add(command.write, words);
    if (!this.#batches.clear()) return false;
    this.#batches.addAlone(command.write, words, false);
    return true;
  }

  #failWith(error: unknown): void {
    if (!(error instanceof CommandError)) throw error;
    this.#batches.fail(error.message);
  }

  /** @returns whether there was something to tell: the command is not executed */
  #tellRollback(): boolean {
    const { rollback } = this.#batches;
    if (!rollback.isUntold) return false;
    this.#batches.fail(rollback.take());
    return true;
  }
}
