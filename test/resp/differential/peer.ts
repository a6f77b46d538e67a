/** A connection to a server: commands go out, and their replies come back as bytes. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCommand } from '../stage.ts';
import { replyEnd } from './reply.ts';

/** A command, its name first. */
export type Words = readonly (string | Buffer)[];

const PUSH = 62;
const MOST_SHOWN = 500;
/** Some networks have a gateway that accepts connections for any address that has gone, and answers by HTTP. */
const HTTP = 'HTTP/';

interface Waiting {
  readonly count: number;
  readonly resolve: (replies: Buffer[]) => void;
  readonly reject: (error: Error) => void;
}

export interface PeerOptions {
  readonly host?: string;
  /** Is told each push. */
  readonly pushed?: (push: Buffer) => void;
}

export class Peer {
  readonly name: string;
  readonly #socket: Socket;
  readonly #pushed: (push: Buffer) => void;
  #input: Buffer = Buffer.alloc(0);
  #replies: Buffer[] = [];
  #waiting: Waiting | undefined;
  #ended: Error | undefined;
  #hasAnswered = false;

  private constructor(name: string, socket: Socket, pushed: (push: Buffer) => void) {
    this.name = name;
    this.#socket = socket;
    this.#pushed = pushed;
    socket.on('data', (piece) => this.#take(piece));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`${name} closed the connection`)));
  }

  static async connect(name: string, port: number, options: PeerOptions = {}): Promise<Peer> {
    const { host = '127.0.0.1', pushed = () => undefined } = options;
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    return new Peer(name, socket, pushed);
  }

  /** Send commands at once. @returns their replies; rejects when the connection breaks */
  async ask(commands: readonly Words[]): Promise<Buffer[]> {
    if (commands.length === 0) return [];
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#waiting !== undefined) throw new Error(`${this.name} has not answered yet`);
    const replies = new Promise<Buffer[]>((resolve, reject) => {
      this.#waiting = { count: commands.length, resolve, reject };
    });
    this.#socket.write(Buffer.concat(commands.map((words) => encodeCommand(words))));
    return replies;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(piece: Buffer): void {
    if (!this.#hasAnswered && piece.toString('latin1', 0, HTTP.length) === HTTP) {
      this.#socket.destroy();
      return this.#fail(new Error(`where ${this.name} was, something else answers`));
    }
    this.#hasAnswered = true;
    this.#input = this.#input.length === 0 ? piece : Buffer.concat([this.#input, piece]);
    let at = 0;
    for (let end = replyEnd(this.#input, at); end !== undefined; end = replyEnd(this.#input, at)) {
      const reply = Buffer.from(this.#input.subarray(at, end));
      if (this.#input[at] === PUSH) this.#pushed(reply);
      else this.#replies.push(reply);
      at = end;
    }
    this.#input = this.#input.subarray(at);
    const waiting = this.#waiting;
    const due = waiting?.count ?? 0;
    const unasked = this.#replies[due];
    if (unasked !== undefined) {
      const text = Buffer.concat(this.#replies).toString('latin1', 0, MOST_SHOWN);
      throw new Error(`${this.name} answered what was not asked: ${text}`);
    }
    if (waiting === undefined || this.#replies.length < due) return;
    this.#waiting = undefined;
    waiting.resolve(this.#replies.splice(0));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
