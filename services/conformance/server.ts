/** One server of a scenario: greets clients as it is told, and hands on their frames. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  decodeMessage,
  draftOf,
  encodeMessage,
  FrameError,
  MAX_FRAME_BYTES,
  type Message,
  type MessageOf,
} from '@dpr/protocol';
import { WebSocketServer, type WebSocket } from 'ws';
import { Failure } from './failure.ts';

/** The server's end of one connection, greeted. */
export interface Peer {
  readonly number: number;
  /** Send frames, in one message. */
  send(...messages: readonly Message[]): void;
  /** Send bytes that need not be a frame. */
  sendBytes(bytes: Uint8Array): void;
  /** The client answers a ping. */
  ping(): Promise<void>;
  /** The connection ends. */
  ended(): Promise<void>;
  /** End the connection: with a status code, or without a word. */
  close(code?: number): void;
  isOpen(): boolean;
}

export interface ServerOwner {
  /** What to answer a greeting with. */
  answer(hello: MessageOf<'hello'>): Message;
  /** It was answered with `welcome`. */
  opened(peer: Peer): void;
  frame(peer: Peer, message: Message): void;
  /** The client does what the protocol forbids. */
  violation(text: string): void;
}

export interface GameServer {
  readonly port: number;
  /** Connections that came, greeted or not. */
  connections(): number;
  close(): Promise<void>;
}

let lastPeer = 0;

/** @param patienceMs how long a client may take to answer a ping, or to close a connection */
export async function openServer(name: string, patienceMs: number, owner: ServerOwner): Promise<GameServer> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES });
  let connections = 0;
  sockets.on('connection', (ws) => {
    connections++;
    attend(name, ws, patienceMs, owner);
  });
  await listen(http);
  return {
    port: (http.address() as AddressInfo).port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const ws of sockets.clients) ws.terminate();
        sockets.close();
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function listen(http: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(0, '127.0.0.1', resolve);
  });
}

function attend(name: string, ws: WebSocket, patienceMs: number, owner: ServerOwner): void {
  let peer: Peer | undefined;
  ws.on('error', () => undefined); // the end of the connection follows
  ws.on('message', (data, isBinary) => {
    for (const message of read(data as Buffer, isBinary)) {
      if (ws.readyState !== ws.OPEN) return;
      if (peer !== undefined) owner.frame(peer, message);
      else greet(message);
    }
  });

  function read(data: Buffer, isBinary: boolean): readonly Message[] {
    if (!isBinary) {
      owner.violation(`it sends ${name} a text message`);
      return [];
    }
    try {
      return decodeMessage(data);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      owner.violation(`it sends ${name} what is no frame: ${error.message} (${data.toString('hex').slice(0, 200)})`);
      return [];
    }
  }

  function greet(message: Message): void {
    if (message.kind !== 'hello') {
      owner.violation(`its first frame to ${name} is '${message.kind}', not 'hello'`);
      return ws.terminate();
    }
    const answer = owner.answer(message);
    ws.send(encodeMessage([draftOf(answer)]));
    if (answer.kind !== 'welcome') return ws.close(1008);
    peer = peerOf(name, ws, patienceMs);
    owner.opened(peer);
  }
}

function peerOf(name: string, ws: WebSocket, patienceMs: number): Peer {
  /** @throws Failure when the event does not come in time */
  const happens = (event: 'pong' | 'close', otherwise: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Failure(`the client ${otherwise} within ${patienceMs} ms`)), patienceMs);
      ws.once(event, () => {
        clearTimeout(late);
        resolve();
      });
    });
  return {
    number: ++lastPeer,
    send: (...messages) => ws.send(encodeMessage(messages.map(draftOf))),
    sendBytes: (bytes) => ws.send(bytes),
    ping() {
      ws.ping();
      return happens('pong', `does not answer a ping of ${name}`);
    },
    ended: () =>
      ws.readyState === ws.CLOSED
        ? Promise.resolve()
        : happens('close', `does not end its connection to ${name}, as it should,`),
    close: (code) => (code === undefined ? ws.terminate() : ws.close(code)),
    isOpen: () => ws.readyState === ws.OPEN,
  };
}
