/** What one connection has in the batches of its port: what was collected, is in flight, and is answered. */
import { Arguments } from './arguments.ts';
import type { Continuation, ParkedCommands, WriteCommand } from './command-batch.ts';
import { CommandError } from './command-error.ts';
import type { DependencyToken } from './dependency-token.ts';
import { MAX_UNREAD_BYTES } from './limits.ts';
import type { PortBatches, PortUser } from './port-batches.ts';
import type { Protocol, ReplyWriter } from './reply-writer.ts';
import { RollbackNotice } from './rollback-notice.ts';
import type { Numbered } from './session-link.ts';

/** The connection. */
export interface BatchesUser {
  protocol(): Protocol;
  /** Replies that its client has not read. */
  unreadBytes(): number;
  /** What the reply writer holds is this connection's: send it. */
  send(): void;
  /** Commands that it collected have their replies, which are in the reply writer. */
  answered(): void;
  /** The reply to a command was begun, and cannot be completed. */
  cutOff(): void;
  /** What held it up may be over, or there is something to tell. */
  goOn(): void;
  /** Something that it did is undone. */
  rolledBack(): void;
  /** The core ended the session. */
  ended(): void;
}

export class ConnectionBatches implements PortUser {
  readonly rollback = new RollbackNotice();
  readonly #port: PortBatches;
  readonly #reply: ReplyWriter;
  readonly #user: BatchesUser;
  /** How often it entered batches that are not answered. */
  #pending = 0;
  #isSent = false;
  #isWaiting = false;
  #isUndone = false;
  /** It has commands executed now that stand between those of others. */
  #isAmongOthers = false;
  /** What is left to do of the command that was sent last. */
  #more: Continuation | undefined;
  /** What waits until its client has read more, in order. */
  readonly #parked: ParkedCommands[] = [];
  /** The first of what was parked is executed. */
  #isUnparking = false;
  #version = 0;

  constructor(port: PortBatches, reply: ReplyWriter, user: BatchesUser) {
    this.#port = port;
    this.#reply = reply;
    this.#user = user;
    port.join(this);
  }

  // What the connection does.

  /** No command of it waits for its reply. */
  get isIdle(): boolean {
    return this.#pending === 0 && this.#more === undefined && this.#parked.length === 0;
  }

  /** What comes next has to wait. */
  get isHeldUp(): boolean {
    return this.#isSent || this.#isWaiting || this.#more !== undefined || this.#parked.length > 0;
  }

  /** What its parked commands take. */
  get parkedBytes(): number {
    return this.#parked.reduce((sum, { operations }) => sum + operations.length, 0);
  }

  /** Monotonic time at which something of the port was sent last, ms. */
  get sentAt(): number {
    return this.#port.sentAt;
  }

  get isCommitted(): boolean {
    return this.#port.isCommitted(this.#version);
  }

  /** What it did last, and with it all that this depends on. */
  get token(): DependencyToken {
    return this.#port.tokenOf(this.#version);
  }

  /**
   * Let what is done from now on depend on a token, once all is clear.
   * @param write what executes first, and replies
   * @throws CommandError when it cannot be
   */
  see(token: DependencyToken, write: WriteCommand): void {
    const refusal = this.#port.see(token);
    if (refusal !== undefined) throw new CommandError(refusal);
    this.addAlone(write, NO_WORDS, false);
  }

  /**
   * Collect a command.
   * @returns false when it has to wait: there is no room for it, and `isHeldUp`
   * @throws CommandError
   */
  add(write: WriteCommand, words: Arguments): boolean {
    if (!this.#port.open.add(this, write, words)) {
      this.#flushAll();
      if (this.#port.isInFlight) return this.#wait();
      this.#port.open.add(this, write, words);
    }
    this.#port.open.endPart();
    if (this.#port.isFull) this.#flushAll();
    else this.#port.added();
    return true;
  }

  /** Have all that the port collected answered. @returns false when that takes longer, and `isHeldUp` */
  clear(): boolean {
    this.#flushAll();
    return !this.#port.isInFlight || this.#wait();
  }

  /**
   * Send a command in a batch for itself, once all is clear.
   * @param isWhole if it is refused, there is one reply, whatever parts it has
   * @param numbered where it has a number in another session than the port's
   * @throws CommandError
   */
  addAlone(write: WriteCommand, words: Arguments, isWhole: boolean, numbered?: Numbered): void {
    const { open } = this.#port;
    open.add(this, write, words);
    open.isWhole = isWhole;
    open.numbered = numbered;
    if (!isWhole) open.endPart();
    this.#flushAll();
  }

  /** The reply to the next command is an error. */
  fail(text: string): void {
    if (this.isIdle) {
      this.#reply.error(text);
      return;
    }
    this.#port.open.fail(this, text);
    this.#port.added();
  }

  /** @returns whether all that was collected is answered; if not, `isHeldUp` */
  flush(): boolean {
    if (this.#pending > 0) this.#flushAll();
    return this.isIdle || this.#wait();
  }

  /** Go on with a command that takes long, or with what was parked if its client has read enough. */
  goOnWithMore(): void {
    const more = this.#more;
    if (more !== undefined && this.clear()) {
      this.#more = undefined;
      this.addAlone((_words, batch) => more(batch), NO_WORDS, false);
    }
    while (this.#parked.length > 0 && this.unreadBytes <= MAX_UNREAD_BYTES && this.clear()) this.#unpark();
  }

  #unpark(): void {
    const parked = this.#parked.shift();
    if (parked === undefined) return;
    this.#isUnparking = true;
    this.addAlone((_words, batch) => batch.unpark(parked), NO_WORDS, false);
  }

  waitForCommit(): void {
    this.#port.waitForCommit(this);
  }

  waitNoMore(): void {
    this.#port.waitNoMore(this);
  }

  close(): void {
    this.#port.leave(this);
  }

  #flushAll(): void {
    // Replies of others are written where those of this connection may stand, and may be behind them.
    this.#isAmongOthers = this.#port.open.hasOthers(this);
    if (this.#isAmongOthers) this.#user.send();
    this.#port.flush();
    this.#isAmongOthers = false;
    this.#reply.protocol = this.#user.protocol();
  }

  #wait(): false {
    this.#isWaiting = true;
    this.#port.wait(this);
    return false;
  }

  // What the port tells.

  get protocol(): Protocol {
    return this.#user.protocol();
  }

  get unreadBytes(): number {
    return this.#user.unreadBytes();
  }

  get isParked(): boolean {
    return this.#parked.length > 0 && !this.#isUnparking;
  }

  get version(): number {
    return this.#version;
  }

  get isUndone(): boolean {
    return this.#isUndone;
  }

  entered(): void {
    this.#pending++;
  }

  sent(): void {
    this.#isSent = this.#pending > 0;
  }

  executed(version: number): void {
    this.#version = Math.max(version, this.#version); // an answer from memory is of an earlier one
  }

  parked(rest: ParkedCommands): void {
    if (this.#isUnparking) this.#parked.unshift(rest);
    else this.#parked.push(rest);
    this.answered(undefined);
    this.#port.wait(this);
  }

  answered(more: Continuation | undefined): void {
    this.#pending--;
    this.#isUnparking = false;
    this.#more = more;
    const wasSent = this.#isSent;
    this.#isSent = false;
    this.#user.answered();
    if (this.#isAmongOthers) this.#user.send();
    if (wasSent || more !== undefined) this.#port.wait(this);
  }

  answeredPartly(): void {
    this.#user.send();
  }

  cutOff(): void {
    this.#user.cutOff();
  }

  takeRollback(): string {
    this.#isUndone = false;
    return this.rollback.take();
  }

  rolledBack(worldLine: number, survived: number): void {
    this.rollback.add(worldLine, survived, this.#version);
    this.#version = 0;
    this.#isUndone = this.#pending > 0 || this.#parked.length > 0;
    this.#user.rolledBack();
  }

  goOn(): void {
    this.#isWaiting = false;
    this.#user.goOn();
  }

  ended(): void {
    this.#user.ended();
  }
}

const NO_WORDS = new Arguments();
