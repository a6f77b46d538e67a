/** An HTTP server that does one thing: it turns requests into WebSockets, and answers all others in words. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from './log.ts';
import { refuseVisitor, type Visitors } from './request-origins.ts';
import type { RawSocket } from './web-socket.ts';

export interface UpgradeOptions {
  readonly visitors: Visitors;
  readonly log: Log;
  /** How long a peer may take for its request. */
  readonly requestMs: number;
}

/** @param serve reads the connection's request */
type Accept = (socket: Socket, serve: () => void) => void;
type Upgrade = (request: IncomingMessage, socket: RawSocket, head: Buffer) => void;

/** How exactly the limit on the time of a request is kept while nothing but half of one came. */
const CHECKS_PER_REQUEST = 10;

export function upgradeServer({ visitors, log, requestMs }: UpgradeOptions, accept: Accept, upgrade: Upgrade): Server {
  const server = createServer({
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: requestMs / CHECKS_PER_REQUEST,
  });
  acceptBy(server, accept);
  const refusal = ({ headers }: IncomingMessage): string | undefined => {
    const reason = refuseVisitor(headers, visitors);
    if (reason !== undefined) log.debug({ event: 'visitorRefused', reason });
    return reason;
  };
  server.on('request', (request, response) => {
    const reason = refusal(request);
    if (reason !== undefined) {
      response.writeHead(403, { connection: 'close', 'content-type': 'text/plain' });
      response.end(`${reason}\n`);
      return;
    }
    response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' });
    response.end('This port speaks the DPR protocol over WebSockets.\n');
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('upgrade', (request: IncomingMessage, socket: RawSocket, head: Buffer) => {
    socket.on('error', () => undefined); // ws closes it; it must not end the process
    const reason = refusal(request);
    if (reason !== undefined) turnAway(socket, '403 Forbidden', `${reason}\n`);
    else if (server.listening) upgrade(request, socket, head);
    else turnAway(socket, '503 Service Unavailable', '');
  });
  return server;
}

/** What Node does with a connection, it does once `accept` says so. */
function acceptBy(server: Server, accept: Accept): void {
  const serving = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    accept(socket, () => {
      for (const serve of serving) serve.call(server, socket);
    });
  });
}

/** Answers, and waits for no goodbye: such a peer may never close its side. */
function turnAway(socket: RawSocket, status: string, text: string): void {
  const head = [
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.end(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}
