/** The bare transport: WebSockets that send back what they get, and nothing else. Prints its address, ends with its input. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RawSocket } from '@dpr/runtime/web-socket';
import { WebSocketServer } from 'ws';
import { bareSocket } from './bare-socket.ts';

const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request: IncomingMessage, socket: RawSocket, head: Buffer) => {
  socket.on('error', () => undefined);
  sockets.handleUpgrade(request, socket, head, (ws) => {
    const send = bareSocket(ws, socket);
    ws.on('message', (data) => send(data as Buffer));
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ws://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
