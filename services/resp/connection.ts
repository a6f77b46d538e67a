/** One connection of a RESP port: commands come in, travel to the core in batches, and replies go out in the same order. */
import type { Arguments } from './arguments.ts';
import { BatchRun } from './batch-run.ts';
import type { DataCommand } from './command.ts';
import { CommandBatch } from './command-batch.ts';
import { CommandError } from './command-error.ts';
import { CommandParser, RespSyntaxError } from './command-parser.ts';
import { type AnyCommand, type CommandTable, hasRightCount, isLocal } from './command-table.ts';
import { CommitWait } from './commit-wait.ts';
import type { ConnectionOptions, ConnectionParts } from './connection-parts.ts';
import { MAX_UNREAD_BYTES } from './limits.ts';
import type { ClientFacts, CommandClient, LocalCommand, ServerFacts, Transactional } from './local-command.ts';
import type { Protocol, ReplyWriter } from './reply-writer.ts';
import { type Rollback, SessionLink } from './session-link.ts';
import { Transaction } from './transaction.ts';

/** Smaller parts of commands do not count in the budgets: pieces end within commands all the time. */
const SMALL_INPUT_BYTES = 16 * 1024;
/** What browsers send to a port that they are led to: no command of Redis. */
const BROWSER_WORDS = ['POST', 'HOST:'];
/** What a proxy tells of the client, before it is known that it may. */
const PROXY_WORD = 'PROXY';

const NO_TOKEN = 'NOAUTH Authentication required: AUTH with the client token of the cluster';

export class RespConnection implements CommandClient {
  readonly #parts: ConnectionParts;
  readonly #options: ConnectionOptions;
  readonly #parser = new CommandParser();
  readonly #link: SessionLink;
  readonly #connectedAt: number;
  readonly #transaction = new Transaction();
  readonly #run: BatchRun;
  #activeAt: number;
  #commands = 0;
  #protocol: Protocol = 2;
  #name = '';
  #library = '';
  #libraryVersion = '';
  #lastCommand = '';
  #isGuest: boolean;
  #isWorking = false;
  #isClosed = false;
  /** Nothing more is read; it is closed once all is answered, this error last. */
  #lastError: string | undefined;
  #isEnding = false;
  /** The batch was sent, or goes on later. */
  #isInFlight = false;
  #results: Uint8Array | undefined;
  #refusal: string | undefined;
  #isUndone = false;
  /** What is to be told of a rollback by the next command, and by a push. */
  #untold: Rollback | undefined;
  #toPush: Rollback | undefined;
  readonly #wait: CommitWait;
  /** A command between MULTI and EXEC is executed, which waits for nothing. */
  #isInTransaction = false;
  /** A command that came while the batch before it has no answer. */
  #held: { readonly command: AnyCommand; readonly words: Arguments } | undefined;

  constructor(parts: ConnectionParts, options: ConnectionOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#connectedAt = this.#activeAt = parts.host.now();
    this.#isGuest = this.#parser.isGuest = options.isGuest;
    this.#wait = new CommitWait(parts.host);
    this.#run = new BatchRun(new CommandBatch(), parts.type.results);
    this.#link = new SessionLink(parts.host, parts.owner, options.number, options.origin, {
      answered: (results) => (this.#results = results),
      refused: (error) => (this.#refusal = error),
      rolledBack: (rollback) => this.#rolledBack(rollback),
      progressed: () => this.#work(),
      ended: () => this.#end(),
    });
  }

  /** What came. The memory is the connection's until the next piece comes. */
  take(piece: Buffer): void {
    if (this.#isClosed || this.#isEnding || this.#lastError !== undefined) return;
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
    this.#wait.end();
    this.#options.received.end();
    this.#options.unsent.end();
    this.#link.close();
  }

  /** How far it is with what its client sends: commands looked at, and whether another one has begun. */
  get pace(): { readonly commands: number; readonly isReceiving: boolean; readonly unread: number } {
    const isReceiving = this.#parser.heldBytes > 0 && !this.#isHeldUp;
    return { commands: this.#commands, isReceiving, unread: this.#options.socket.unsentBytes() };
  }

  // What its commands see.

  get reply(): ReplyWriter {
    return this.#parts.reply;
  }

  get isGuest(): boolean {
    return this.#isGuest;
  }

  get isCommitted(): boolean {
    return this.#link.isCommitted;
  }

  get server(): ServerFacts {
    return this.#parts.server;
  }

  get table(): CommandTable {
    return this.#parts.table;
  }

  get facts(): ClientFacts {
    const { number, socket } = this.#options;
    return {
      id: number,
      address: socket.address,
      localAddress: socket.localAddress,
      connectedAt: this.#connectedAt,
      activeAt: this.#activeAt,
      name: this.#name,
      library: this.#library,
      libraryVersion: this.#libraryVersion,
      protocol: this.#protocol,
      lastCommand: this.#lastCommand,
      queued: this.#transaction.queued,
      watched: this.#transaction.watched,
      heldBytes: this.#parser.memoryBytes + this.#transaction.bytes,
      unreadBytes: socket.unsentBytes(),
    };
  }

  authenticate(token: string): string | undefined {
    const refusal = this.#isGuest || this.server.asksForToken ? this.#options.greet(token) : undefined;
    if (refusal === undefined) this.#isGuest = this.#parser.isGuest = false;
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
    this.#isEnding = true;
  }

  reset(): void {
    this.#transaction.end();
    this.#name = '';
    this.#isGuest = this.#parser.isGuest = this.server.asksForToken;
    this.setProtocol(2);
  }

  waitForCommit(ms: number, answer: (isCommitted: boolean) => void): void {
    if (this.#link.isCommitted || this.#isInTransaction) return answer(this.#link.isCommitted);
    this.#wait.begin(ms, answer, () => this.#work());
    this.#link.hurry();
  }

  readonly transaction: Transactional = {
    begin: () => {
      if (this.#transaction.isOpen) throw new CommandError('ERR MULTI calls can not be nested');
      this.#transaction.isOpen = true;
      this.reply.ok();
    },
    discard: () => {
      if (!this.#transaction.isOpen) throw new CommandError('ERR DISCARD without MULTI');
      this.#transaction.end();
      this.reply.ok();
    },
    execute: () => this.#executeTransaction(),
    watch: (words) => this.#watch(words),
    unwatch: () => {
      this.#transaction.unwatch();
      this.reply.ok();
    },
  };

  // How it goes on.

  get #isHeldUp(): boolean {
    return (
      this.#isInFlight ||
      this.#wait.isOn ||
      this.#isEnding ||
      this.#isClosed ||
      this.#options.socket.unsentBytes() > MAX_UNREAD_BYTES
    );
  }

  /** Go as far as possible, and write what that gives, all at once. */
  #work(): void {
    if (this.#isWorking || this.#isClosed) return;
    this.#isWorking = true;
    this.reply.protocol = this.#protocol;
    this.#goOnWithBatch();
    this.#goOnWaiting();
    this.#takeCommands();
    if (this.#lastError !== undefined && !this.#isInFlight && !this.#wait.isOn) {
      this.reply.error(this.#lastError);
      this.#isEnding = true;
    }
    this.#push();
    this.#writeOut();
    this.#isWorking = false;
  }

  #writeOut(): void {
    const { socket, received, unsent } = this.#options;
    if (this.reply.bytes > 0) {
      socket.write(this.reply.take());
      unsent.set(socket.unsentBytes());
    }
    if (this.#isClosed) return;
    if (this.#isEnding && !this.#isInFlight) return this.#end();
    const held = this.#parser.memoryBytes + this.#transaction.bytes;
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
      while (!this.#isHeldUp && this.#lastError === undefined && this.#parser.next()) {
        this.#commands++;
        this.#parts.counted();
        this.#look(this.#parser.found);
      }
    } catch (error) {
      if (!(error instanceof RespSyntaxError)) throw error;
      this.#lastError = `ERR ${error.message}`;
    }
    if (!this.#isHeldUp) this.#flush();
  }

  #takeHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#isHeldUp) return;
    this.#held = undefined;
    this.#execute(held.command, held.words);
  }

  /** Is it a command, and may it be one now? */
  #look(words: Arguments): void {
    const command = this.table.find(words);
    if (command === undefined) return this.#unknown(words);
    this.#lastCommand = command.name;
    if (!hasRightCount(command, words.count)) {
      return this.#refuse(`ERR wrong number of arguments for '${command.name}' command`);
    }
    if (this.#isGuest && !(isLocal(command) && command.isForGuests === true)) {
      return this.#refuse(NO_TOKEN);
    }
    if (this.#transaction.isOpen && !(isLocal(command) && command.isImmediate === true)) {
      return this.#queue(command, words);
    }
    this.#execute(command, words);
  }

  #unknown(words: Arguments): void {
    const name = words.text(0);
    const upper = name.toUpperCase();
    if (upper === PROXY_WORD && this.#commands === 1) return;
    if (BROWSER_WORDS.includes(upper)) return this.#cutOff();
    if (this.#isGuest) return this.#refuse(NO_TOKEN);
    const advice = this.#parts.type.advice(name.toLowerCase());
    const shown = name.slice(0, MAX_SHOWN_NAME).replace(/[^\x20-\x7e]/g, '?');
    this.#refuse(`ERR unknown command '${shown}'${advice === undefined ? '' : `: ${advice}`}`);
  }

  #queue(command: AnyCommand, words: Arguments): void {
    try {
      this.#transaction.queue(command, words);
      this.reply.simple('QUEUED');
    } catch (error) {
      this.#transaction.isBroken = true;
      this.#failWith(error);
    }
  }

  #execute(command: AnyCommand, words: Arguments): void {
    if (isLocal(command)) this.#executeLocal(command, words);
    else this.#executeData(command, words);
  }

  #executeLocal(command: LocalCommand, words: Arguments): void {
    this.#flush();
    if (this.#isHeldUp) return this.#hold(command, words);
    if (command.tellsRollback === true && this.#tellRollback()) return;
    try {
      command.run(words, this);
    } catch (error) {
      this.#failWith(error);
    }
  }

  #executeData(command: DataCommand, words: Arguments): void {
    if (command.isAside !== true && this.#untold !== undefined) {
      this.#flush();
      if (this.#isHeldUp) return this.#hold(command, words);
      if (this.#tellRollback()) return;
    }
    const { batch } = this.#run;
    try {
      if (!batch.add(() => command.write(words, batch))) {
        this.#flush();
        if (this.#isHeldUp) return this.#hold(command, words);
        batch.add(() => command.write(words, batch));
      }
      batch.endPart();
    } catch (error) {
      this.#failWith(error);
    }
    if (command.endsBatch === true) this.#flush();
  }

  #hold(command: AnyCommand, words: Arguments): void {
    this.#held = { command, words: words.copy() };
  }

  /** The next command is none, or may not be one now: a transaction that it was to be a part of is not executed either. */
  #refuse(text: string): void {
    this.#transaction.isBroken ||= this.#transaction.isOpen;
    this.#fail(text);
  }

  /** The reply to the next command is this error. */
  #fail(text: string): void {
    const { batch } = this.#run;
    if (batch.isEmpty) return this.reply.error(text);
    batch.error(text);
    batch.endPart();
  }

  #failWith(error: unknown): void {
    if (!(error instanceof CommandError)) throw error;
    this.#fail(error.message);
  }

  // Batches.

  #flush(): void {
    const { batch } = this.#run;
    if (batch.isEmpty || this.#isInFlight) return;
    this.#activeAt = this.#parts.host.now();
    this.#run.begin();
    if (batch.operations === 0) {
      this.#run.takeLiterals(this.reply);
      batch.clear();
      return;
    }
    this.#isInFlight = true;
    this.#submit();
    this.#goOnWithBatch();
  }

  #submit(): void {
    if (this.#isClosed) return;
    this.#results = this.#refusal = undefined;
    this.#isUndone = false;
    const wasWorking = this.#isWorking;
    this.#isWorking = true; // what comes at once is looked at by the caller
    this.#link.submit(this.#run.operations, this.#run.operationsLeft);
    this.#isWorking = wasWorking;
  }

  #goOnWithBatch(): void {
    while (this.#isInFlight && !this.#isClosed && this.#hasOutcome) {
      this.#takeOutcome();
      if (this.#run.isDone) this.#endBatch();
      else this.#submit();
    }
  }

  get #hasOutcome(): boolean {
    return this.#results !== undefined || this.#refusal !== undefined || this.#isUndone;
  }

  #takeOutcome(): void {
    const [results, refusal] = [this.#results, this.#refusal];
    this.#results = this.#refusal = undefined;
    if (results !== undefined) return this.#run.take(results, this.reply);
    if (!this.#run.isBetweenParts) return this.#cutOff();
    if (refusal !== undefined) return this.#run.refuse(refusal, this.reply);
    this.#isUndone = false;
    this.#run.refuseNext(this.#rollbackText(), this.reply);
  }

  #endBatch(): void {
    const { batch } = this.#run;
    const { more } = batch;
    batch.clear();
    if (more === undefined) {
      this.#isInFlight = false;
      return;
    }
    // Others have their turn between the parts of what takes long.
    this.#parts.host.setImmediate(() => {
      if (this.#isClosed) return;
      more(batch);
      batch.endPart();
      this.#run.begin();
      this.#submit();
      this.#work();
    });
  }

  // Transactions.

  #executeTransaction(): void {
    const transaction = this.#transaction;
    if (!transaction.isOpen) throw new CommandError('ERR EXEC without MULTI');
    const { batch } = this.#run;
    try {
      if (this.#tellRollback()) return;
      if (transaction.isBroken) {
        throw new CommandError('EXECABORT Transaction discarded because of previous errors.');
      }
      batch.add(() =>
        transaction.write(batch, this.#parts.type.watching, (command, words) => this.#replyOf(command, words)),
      );
      batch.isWhole = true;
    } catch (error) {
      batch.clear();
      throw error;
    } finally {
      transaction.end();
    }
    this.#flush();
  }

  /** The reply of a command that does not reach the core, as a part of another one. */
  #replyOf(command: LocalCommand, words: Arguments): Buffer {
    const before = this.reply.bytes;
    this.#isInTransaction = true;
    try {
      command.run(words, this);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.reply.error(error.message);
    }
    this.#isInTransaction = false;
    return this.reply.cut(before);
  }

  #watch(words: Arguments): void {
    const transaction = this.#transaction;
    if (transaction.isOpen) throw new CommandError('ERR WATCH inside MULTI is not allowed');
    transaction.checkWatch(words);
    const { watching } = this.#parts.type;
    const { batch } = this.#run;
    const last = words.count - 1;
    batch.add(() => {
      for (let index = 1; index <= last; index++) {
        const key = Buffer.from(words.slice(index));
        watching.look(words, index, batch, (reply) => {
          transaction.watch(key, watching.read());
          if (index === last) reply.ok();
        });
      }
    });
    batch.endPart();
    this.#flush();
  }

  // Commits and rollbacks.

  #goOnWaiting(): void {
    if (!this.#wait.isOn) return;
    if (this.#untold === undefined) return this.#wait.goOn(this.#link.isCommitted);
    this.#wait.end();
    this.#tellRollback();
  }

  #rolledBack(rollback: Rollback): void {
    this.#untold = this.#toPush = rollback;
    this.#transaction.unwatch();
    this.#isUndone = this.#isInFlight && this.#results === undefined;
  }

  /** @returns whether there was something to tell: the command is not executed */
  #tellRollback(): boolean {
    if (this.#untold === undefined) return false;
    this.#fail(this.#rollbackText());
    return true;
  }

  #rollbackText(): string {
    const text = this.#untold === undefined ? '' : textOf(this.#untold);
    this.#untold = undefined;
    return `ROLLBACK ${text}`;
  }

  #push(): void {
    const rollback = this.#toPush;
    if (rollback === undefined || (this.#isInFlight && !this.#run.isBetweenParts)) return;
    this.#toPush = undefined;
    if (this.#protocol !== 3) return;
    this.reply.push(3);
    this.reply.bulk('rollback');
    this.reply.integer(rollback.worldLine);
    this.reply.bulk(textOf(rollback));
  }
}

const MAX_SHOWN_NAME = 128;

function textOf({ worldLine, survived, done }: Rollback): string {
  return (
    `world-line ${worldLine}: a failure took back what this connection did after version ${survived}, up to version ${done}; ` +
    'this command was not executed, and the connection goes on'
  );
}
