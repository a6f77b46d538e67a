/** The port of a worker at which Redis clients are served. */
import type { AddressInfo, Socket } from 'node:net';
import { LISTENER_LIMITS } from '@dpr/runtime';
import {
  type BytePort,
  type CreateSidePort,
  every,
  type Guest,
  isLoopback,
  nextConnectionNumber,
  openBytePort,
  type Place,
  type SidePort,
  type SidePortParts,
} from '@dpr/runtime/side-port';
import type { RespType } from './command.ts';
import { CommandTable } from './command-table.ts';
import { RespConnection } from './connection.ts';
import type { ByteSocket, ConnectionParts } from './connection-parts.ts';
import { CONNECTION_COMMANDS } from './connection-commands.ts';
import { DPR_COMMANDS } from './dpr-commands.ts';
import { PACE_LOOK_MS } from './limits.ts';
import type { ServerFacts } from './local-command.ts';
import { paceOf } from './pace.ts';
import { PortBatches } from './port-batches.ts';
import { ReplyWriter } from './reply-writer.ts';
import { commandsOf } from './server-commands.ts';
import { TRANSACTION_COMMANDS } from './transaction-commands.ts';

/** How long connections may take to close when the worker stops. */
const CLOSE_MS = 300;

interface Client {
  readonly connection: RespConnection;
  readonly look: () => string | undefined;
  readonly socket: Socket;
}

/** @returns what serves Redis clients of a worker of this type */
export function respPort(type: RespType): CreateSidePort {
  return (parts) => createRespPort(type, parts);
}

function createRespPort(type: RespType, parts: SidePortParts): SidePort {
  const { host, budgets, port: options } = parts;
  const { log } = options;
  const clients = new Set<Client>();
  const shared = sharedParts(type, parts, () => clients);
  let port: BytePort | 'opening' | undefined;
  let isClosed = false;
  let stopLooking: (() => void) | undefined;

  function accept(guest: Guest): void {
    const { socket } = guest;
    socket.on('error', (error) => log.debug({ event: 'connectionFailed', reason: error.message }));
    let place: Place | undefined;
    const cutOff = (): void => void socket.destroy();
    const greet = (token: string): string | undefined => {
      place?.leave();
      place = undefined;
      const found = guest.greet(token, cutOff);
      if ('code' in found) return found.text;
      place = found;
      return undefined;
    };
    const asksForToken = options.tokens.client !== undefined;
    const refusal = asksForToken ? undefined : greet('');
    if (refusal !== undefined) {
      socket.end(`-ERR max number of clients reached: ${refusal}\r\n`, cutOff);
      return;
    }
    const connection = new RespConnection(shared, {
      number: nextConnectionNumber(),
      socket: byteSocket(socket, guest.origin),
      greet,
      isGuest: asksForToken,
      received: budgets.received.join(cutOff),
      unsent: budgets.unsent.join(cutOff),
    });
    const client = { connection, socket, look: paceOf(() => connection.pace) };
    clients.add(client);
    socket.on('data', (piece) => connection.take(piece));
    socket.on('drain', () => connection.drained());
    socket.on('close', () => {
      clients.delete(client);
      place?.leave();
      connection.closed();
    });
    socket.resume();
  }

  function look(): void {
    for (const { look, socket } of clients) {
      const reason = look();
      if (reason === undefined) continue;
      log.debug({ event: 'connectionCutOff', reason, from: socket.remoteAddress });
      socket.destroy();
    }
  }

  return {
    serve() {
      if (port !== undefined) return;
      port = 'opening';
      openBytePort({ ...options, connections: LISTENER_LIMITS.connections }, accept).then((opened) => {
        port = opened;
        stopLooking = every(host, PACE_LOOK_MS, look);
        log.info({ event: 'respServing', port: opened.port });
        if (options.tokens.client === undefined && !isLoopback(options.host)) {
          log.warn({ event: 'respOpen', port: opened.port, reason: openText(options.host, opened.port) });
        }
        if (isClosed) void opened.close();
      }, parts.failed);
    },
    isOpen: () => port !== undefined && port !== 'opening',
    connections: () => (port === undefined || port === 'opening' ? 0 : port.connections()),
    async close() {
      isClosed = true;
      stopLooking?.();
      for (const { socket } of clients) socket.destroySoon();
      const late = host.setTimeout(() => {
        for (const { socket } of clients) socket.destroy();
      }, CLOSE_MS);
      if (port !== undefined && port !== 'opening') await port.close();
      host.clearTimeout(late);
      shared.batches.close();
    },
  };
}

function openText(host: string, port: number): string {
  return `Redis clients of other machines reach port ${port} of ${host}, and no token is asked for: set dpr:clientToken in the config, or DPR_CLIENT_TOKEN`;
}

function sharedParts(type: RespType, parts: SidePortParts, clients: () => Iterable<Client>): ConnectionParts {
  const { host, owner, status, port, turns } = parts;
  let commands = 0;
  const server: ServerFacts = {
    status,
    memory: type.memory,
    *clients() {
      for (const { connection } of clients()) yield connection.facts;
    },
    now: host.now,
    wall: host.wall,
    startedAt: host.now(),
    port: port.port,
    commands: () => commands,
    asksForToken: port.tokens.client !== undefined,
  };
  const table = new CommandTable(
    commandsOf(type, server, [...CONNECTION_COMMANDS, ...DPR_COMMANDS, ...TRANSACTION_COMMANDS]),
  );
  const reply = new ReplyWriter();
  const batches = new PortBatches(host, owner, type.results, reply);
  return { host, batches, turns, type, table, server, reply, counted: () => commands++ };
}

function byteSocket(socket: Socket, origin = socket.remoteAddress ?? ''): ByteSocket {
  const { address = '', port = 0 } = socket.address() as Partial<AddressInfo>;
  let isPaused = false;
  return {
    address: `${origin}:${socket.remotePort ?? 0}`,
    localAddress: `${address}:${port}`,
    write: (bytes) => void socket.write(bytes),
    unsentBytes: () => socket.writableLength,
    pause() {
      if (!isPaused) socket.pause();
      isPaused = true;
    },
    resume() {
      if (isPaused) socket.resume();
      isPaused = false;
    },
    // Both directions: who has no more to hear would go on talking for ever.
    end: () => socket.destroySoon(),
    destroy: () => void socket.destroy(),
  };
}
