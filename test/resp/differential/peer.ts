/** A connection to a server: commands go out, and their replies come back as bytes. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCommand } from '../stage.ts';
import { replyEnd } from './reply.ts';

/** A command, its name first. */
export type Words = readonly (string | Buffer)[];

const PUSH = 62;

interface Waiting {
  readonly count: number;
  readonly resolve: (replies: Buffer[]) => void;
  readonly reject: (error: Error) => void;
}

export class Peer {
  readonly name: string;
  readonly #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  #replies: Buffer[] = [];
  #waiting: Waiting | undefined;

  private constructor(name: string, socket: Socket) {
    this.name = name;
    this.#socket = socket;
    socket.on('data', (piece) => this.#take(piece));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`${name} closed the connection`)));
  }

  static async connect(name: string, port: number): Promise<Peer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Peer(name, socket);
  }

  /** Send commands at once. @returns their replies; pushes are left out */
  async ask(commands: readonly Words[]): Promise<Buffer[]> {
    if (commands.length === 0) return [];
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
    this.#input = this.#input.length === 0 ? piece : Buffer.concat([this.#input, piece]);
    let at = 0;
    for (let end = replyEnd(this.#input, at); end !== undefined; end = replyEnd(this.#input, at)) {
      if (this.#input[at] !== PUSH) this.#replies.push(Buffer.from(this.#input.subarray(at, end)));
      at = end;
    }
    this.#input = this.#input.subarray(at);
    const waiting = this.#waiting;
    if (waiting === undefined || this.#replies.length < waiting.count) return;
    this.#waiting = undefined;
    waiting.resolve(this.#replies.splice(0));
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
