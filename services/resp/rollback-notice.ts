/** What a connection lost in rollbacks, until its client was told. */
import type { Protocol, ReplyWriter } from './reply-writer.ts';

interface Rollback {
  readonly worldLine: number;
  /** The last version that is left of what the connection did. */
  readonly survived: number;
  /** The last version of what it had done. */
  readonly done: number;
}

export class RollbackNotice {
  /** Is told by the next command, and by a push. */
  #untold: Rollback | undefined;
  #toPush: Rollback | undefined;

  get isUntold(): boolean {
    return this.#untold !== undefined;
  }

  /** @param done the last version of what the connection did */
  add(worldLine: number, survived: number, done: number): void {
    this.#untold = this.#toPush = { worldLine, survived, done };
  }

  /** The error that tells it, once. */
  take(): string {
    const text = this.#untold === undefined ? '' : textOf(this.#untold);
    this.#untold = undefined;
    return `ROLLBACK ${text}`;
  }

  /** Tell it between replies, if the protocol can. */
  push(reply: ReplyWriter, protocol: Protocol): void {
    const rollback = this.#toPush;
    if (rollback === undefined) return;
    this.#toPush = undefined;
    if (protocol !== 3) return;
    reply.push(3);
    reply.bulk('rollback');
    reply.integer(rollback.worldLine);
    reply.bulk(textOf(rollback));
  }
}

function textOf({ worldLine, survived, done }: Rollback): string {
  return (
    `world-line ${worldLine}: a failure took back what this connection did after version ${survived}, up to version ${done}; ` +
    'this command was not executed, and the connection goes on'
  );
}
