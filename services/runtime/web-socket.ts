/** WebSockets as the sockets of messages that peers and dialers use. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { MAX_FRAME_BYTES } from '@dpr/protocol';
import { WebSocket } from 'ws';
import type { MessageSocket, MessageSocketUser } from './message-socket.ts';
import { messageMeter, type MessageMeter } from './unfinished-message.ts';

/** `net.Socket` and `tls.TLSSocket` count bytes; the type of an upgraded socket does not say so. */
export interface RawSocket extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * The mask of a client's messages: zero, which costs neither side anything. Masks keep scripts that a browser runs for strangers
 * from writing to a proxy what it takes for a request of its own; these clients are programs, which could write that anyway.
 */
export function noMask(mask: Buffer): void {
  mask.fill(0);
}

const SEND_OPTIONS = { binary: true, compress: false, fin: true } as const;

/** One that a server accepted: what its peer has not finished to send is counted. */
export function acceptedSocket(ws: WebSocket, raw: RawSocket): MessageSocket {
  return new WebSocketMessages(ws, raw, messageMeter());
}

/** @param ca PEM certificates to trust instead of the well-known ones, for `wss://` */
export function connectWebSocket(address: string, ca: string | undefined): MessageSocket {
  const trust = ca === undefined ? {} : { ca };
  const limits = { maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false };
  const ws = new WebSocket(address, { ...limits, ...trust, generateMask: noMask });
  return new WebSocketMessages(ws, undefined, undefined);
}

/** A class, since a server has thousands. */
class WebSocketMessages implements MessageSocket {
  readonly #ws: WebSocket;
  /** Undefined until it has opened. */
  #raw: RawSocket | undefined;
  readonly #meter: MessageMeter | undefined;

  constructor(ws: WebSocket, raw: RawSocket | undefined, meter: MessageMeter | undefined) {
    this.#ws = ws;
    this.#raw = raw;
    this.#meter = meter;
  }

  attach(user: MessageSocketUser): void {
    const ws = this.#ws;
    ws.on('message', (data, isBinary) => user.message(data as Buffer, isBinary));
    ws.on('pong', (data) => user.pong(data));
    ws.on('error', (error) => user.failed(error));
    ws.on('close', (code) => user.closed(code));
    if (this.#raw !== undefined) return this.#attachRaw(this.#raw, user);
    ws.on('upgrade', ({ socket }) => {
      this.#raw = socket;
      this.#attachRaw(socket, user);
    });
    ws.on('open', () => user.opened());
    ws.on('unexpected-response', (_request, response) => {
      answerOf(response, (reason) => {
        user.failed(reason);
        ws.terminate();
      });
    });
  }

  #attachRaw(raw: RawSocket, user: MessageSocketUser): void {
    raw.on('drain', () => user.drained());
    const meter = this.#meter;
    if (meter === undefined) return;
    // The library listens first: when this is told, the messages that the chunk completed have been.
    raw.on('data', (chunk: Buffer) => {
      meter.take(chunk);
      user.received();
    });
  }

  isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  send(message: Uint8Array): void {
    this.#ws.send(message, SEND_OPTIONS);
  }

  cork(): void {
    this.#raw?.cork();
  }

  uncork(): void {
    this.#raw?.uncork();
  }

  ping(data?: Uint8Array): void {
    this.#ws.ping(data);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  unsentBytes(): number {
    return this.#raw?.writableLength ?? 0;
  }

  sentBytes(): number {
    return (this.#raw?.bytesWritten ?? 0) - this.unsentBytes();
  }

  receivedBytes(): number {
    return this.#raw?.bytesRead ?? 0;
  }

  unfinishedBytes(): number {
    return this.#meter?.unfinished() ?? 0;
  }

  finishedMessages(): number {
    return this.#meter?.finished() ?? 0;
  }
}

/** How much of an answer that is no WebSocket is told on. */
const MAX_ANSWER_BYTES = 1_024;

/** Tells in whose words, and with which code, a server answered the request for a WebSocket otherwise. */
function answerOf(response: IncomingMessage, tell: (reason: Error) => void): void {
  const { statusCode = 0 } = response;
  let text = '';
  const done = (): void => {
    const words = text.trim() === '' ? '' : `: ${text.trim()}`;
    tell(Object.assign(new Error(`it answers with HTTP status ${statusCode}${words}`), { code: `HTTP_${statusCode}` }));
  };
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text = (text + part).slice(0, MAX_ANSWER_BYTES);
    if (text.length === MAX_ANSWER_BYTES) done();
  });
  response.on('end', done).on('error', done);
}
