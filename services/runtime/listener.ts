/**
 * A port that speaks the protocol: accepts WebSockets, lets in who greets rightly, and hands decoded frames to its owner. What
 * a peer does wrong costs it its own connection and nothing else.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { encode, FrameError, MAX_FRAME_BYTES, type Draft, type ErrorCode, type Message } from '@dpr/protocol';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { createArrivals, type ArrivalsUser } from './arrivals.ts';
import type { Budgets, BudgetPart } from './budget.ts';
import { cannotListen } from './cannot-listen.ts';
import { checkDescriptors, doorStop, tooMany } from './descriptors.ts';
import { BUFFER_LIMITS, CLOSE, framesOf, frameSocket, type FrameSocket, type RawSocket } from './frame-socket.ts';
import { refuse, type Doorkeeper, type Hello, type PeerRole, type Refusal } from './greeting.ts';
import {
  keepAlive,
  RECEIVE_TIMEOUT_MS,
  SILENT_INTERVALS,
  silenceWatch,
  WATCH_INTERVAL_MS,
  type ToldOfSilence,
} from './keep-alive.ts';
import type { Log } from './log.ts';
import { messageMeter } from './message-meter.ts';
import { MESSAGE_MS, PACE_LOOK_MS, paceOf, UNREAD_MS } from './pace.ts';
import { CLIENTS_SHARE, createPlaces, noPlace, type Places } from './places.ts';
import { PROGRAMS_ONLY, refuseVisitor, type Visitors } from './visitors.ts';

/** A peer that greeted and was let in. */
export interface Connection {
  /** Never used twice in a process. */
  readonly number: number;
  readonly send: (frame: Draft) => void;
  /** Close after what was sent, which says why. */
  readonly close: () => void;
  /** False once it was closed: what came with the frame for which it was does not count. */
  readonly isOpen: () => boolean;
  /** Ask the peer whenever it says nothing, and tell of it when it does not answer. */
  readonly watch: (told: ToldOfSilence) => void;
}

/** Who answers at a port. Its functions are called in order, never within each other. */
export interface Owner {
  opened(connection: Connection, hello: Hello): void;
  /** What one message carried, in order. */
  frames(connection: Connection, messages: readonly Message[]): void;
  /** Once for each that was opened. */
  closed(connection: Connection): void;
}

export interface ListenerOptions extends Doorkeeper {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Log;
  /** `PROGRAMS_ONLY` unless given. */
  readonly visitors?: Visitors;
  readonly limits?: Partial<ListenerLimits>;
  /** What peers of this role share, at all ports. */
  readonly budgetsOf?: (role: PeerRole) => Budgets;
  /** Is told when what clients had sent before has arrived. */
  readonly arrivals?: ArrivalsUser;
  /** Shared with the process's other ports, if it has any. */
  readonly places?: Places;
}

export const LISTENER_LIMITS = {
  /** Connections at one port, greeted or not. For a further one the oldest that has not greeted is closed, or else the new one. */
  connections: 10_000,
  /** How long a peer may take from connecting to its `hello`. */
  helloMs: 5_000,
  /** What a peer may send before it was let in, its HTTP request included. */
  bytesBeforeHello: 64 * 1024,
  receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
  watchIntervalMs: WATCH_INTERVAL_MS,
  /** Pings of a peer whose answers the system has not taken over yet; with one more it is disconnected. */
  pings: 60,
  messageMs: MESSAGE_MS,
  unreadMs: UNREAD_MS,
  paceLookMs: PACE_LOOK_MS,
  /** How long connections may take to close when the listener does. */
  closeMs: 300,
  ...BUFFER_LIMITS,
};
export type ListenerLimits = typeof LISTENER_LIMITS;

export interface Listener {
  /** The port that it listens at. */
  readonly port: number;
  /** Connections that greeted. */
  connections(): number;
  /** Take no more connections, and close those that there are, after what was sent on them. */
  close(): Promise<void>;
}

/**
 * Frames that the owner is handed at a time. A few bytes may ask for `MAX_BATCH_BYTES` in return, so it is looked after each of these
 * whether the peer has read enough; what it asked for before that stays below `closeBytes`.
 */
const FRAMES_AT_ONCE = 16;

/** Once so much is unread, it is looked after each frame. */
const MANY_UNREAD_BYTES = 64 * 1024;

/** Input below this does not count in the budgets: reads end within messages all the time. */
const SMALL_INPUT_BYTES = 16 * 1024;

/** Last words to who gives way. */
const RECEIVED_SHORT = 'short of memory, and most of what waits for the rest of its message is of this connection';
const UNANSWERED_SHORT = 'short of memory, and this connection does not answer pings';

/** How exactly the limit on the time until the greeting is kept while nothing but half a request came. */
const CHECKS_PER_HELLO = 10;

let lastConnection = 0;

/** @throws ProcessError when the port cannot be bound, or the process may have too few connections */
export async function listen(options: ListenerOptions, owner: Owner): Promise<Listener> {
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  checkDescriptors();
  const door = doorStop(options.log);
  const places = options.places ?? createPlaces();
  const server = createServer({
    headersTimeout: limits.helloMs,
    requestTimeout: limits.helloMs,
    connectionsCheckingInterval: limits.helloMs / CHECKS_PER_HELLO,
  });
  const refusal = ({ headers }: IncomingMessage): string | undefined => {
    const reason = refuseVisitor(headers, options.visitors ?? PROGRAMS_ONLY);
    if (reason !== undefined) options.log.debug({ event: 'visitorRefused', reason });
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
  /** At this port. */
  const connected = new Set<Duplex>();
  const newcomers = new Set<Duplex>();
  const settled = (socket: Duplex): void => {
    newcomers.delete(socket);
    places.newcomers.delete(socket);
  };
  const gone = (socket: Duplex): void => {
    connected.delete(socket);
    settled(socket);
  };
  server.on('connection', (socket) => {
    const isFull = connected.size >= limits.connections;
    if (isFull || !door.hasRoom()) {
      door.refused(isFull ? `at most ${limits.connections} connections are accepted at a port` : tooMany());
      const [oldest = socket] = isFull ? newcomers : places.newcomers;
      oldest.destroy();
      gone(oldest);
      if (oldest === socket) return;
    }
    for (const all of [connected, newcomers, places.newcomers]) all.add(socket);
    socket.on('close', () => gone(socket));
  });

  const bounds = { maxPendingAutoPongs: limits.pings }; // which the library's types lack
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    ...bounds,
  });
  const checks = new Map<FrameSocket, (ask: Buffer) => void>();
  const paces = new Map<FrameSocket, () => string | undefined>();
  const arrivals = createArrivals<FrameSocket>(options.arrivals);
  const watches = new Map<FrameSocket, () => void>();
  let greeted = 0;
  let clients = 0;
  const isForOthers = options.roles.some((role) => role !== 'client');
  const maxClients = Math.floor(limits.connections * (isForOthers ? CLIENTS_SHARE : 1));

  server.on('upgrade', (request: IncomingMessage, socket: RawSocket, head: Buffer) => {
    socket.on('error', () => undefined); // ws closes it; it must not end the process
    const reason = refusal(request);
    if (reason !== undefined) turnAway(socket, '403 Forbidden', `${reason}\n`);
    else if (server.listening) sockets.handleUpgrade(request, socket, head, (ws) => welcome(ws, socket));
    else turnAway(socket, '503 Service Unavailable', '');
  });

  function welcome(ws: WebSocket, socket: RawSocket): void {
    const frames = frameSocket(ws, socket, limits, handHeld);
    const meter = messageMeter();
    let received: BudgetPart | undefined;
    let connection: Connection | undefined;
    let isClient = false;
    /** What came and waits until the peer has read its answers: no more than one read of the socket brought. */
    let held: Message[] = [];
    /** Of the messages that these came in. */
    let heldBytes = 0;
    ws.on('pong', (data) => arrivals.heard(frames, data));
    checks.set(frames, keepAlive(ws, frames));
    paces.set(frames, paceOf(frames, meter, limits));
    const late = setTimeout(() => {
      sendError(frames, 'malformed', `no greeting came within ${limits.helloMs} ms`);
      frames.close(CLOSE.refused, 'no greeting');
    }, limits.helloMs);

    socket.on('data', (chunk: Buffer) => {
      meter.take(chunk);
      if (connection !== undefined) countReceived();
      // A peer that was not let in yet gets no memory for large frames.
      else if (socket.bytesRead > limits.bytesBeforeHello) frames.terminate();
    });

    function countReceived(): void {
      const bytes = meter.unfinished() + heldBytes;
      received?.set(bytes > SMALL_INPUT_BYTES ? bytes : 0);
    }

    ws.on('message', (data, isBinary) => {
      take(readFrames(frames, data, isBinary));
      if (held.length > 0) heldBytes += (data as Buffer).length;
    });
    const isOpen = (): boolean => ws.readyState === ws.OPEN;

    /** Not what follows the frame for which it is being closed. */
    function take(messages: readonly Message[]): void {
      if (messages.length === 0 || !isOpen()) return;
      if (connection !== undefined) return hand(connection, messages);
      const [hello, ...rest] = messages;
      if (hello !== undefined) greet(hello);
      take(rest);
    }

    /** Some at a time, and the rest once the peer has read what it was answered. */
    function hand(to: Connection, messages: readonly Message[]): void {
      for (let at = 0; at < messages.length && isOpen();) {
        if (held.length > 0 || frames.isFull()) {
          for (const message of messages.slice(at)) held.push(message);
          return frames.pause();
        }
        const some = frames.unsentBytes() > MANY_UNREAD_BYTES ? 1 : FRAMES_AT_ONCE;
        owner.frames(to, messages.length <= some ? messages : messages.slice(at, at + some));
        at += some;
      }
    }

    /** @returns whether nothing is held back any more */
    function handHeld(): boolean {
      const messages = held;
      held = [];
      if (connection !== undefined) hand(connection, messages);
      if (held.length > 0) return false;
      heldBytes = 0;
      countReceived();
      return true;
    }

    function greet(message: Message): void {
      if (!letIn(frames, message)) return;
      clearTimeout(late);
      settled(socket);
      greeted++;
      const budgets = options.budgetsOf?.(message.role);
      if (budgets?.unsent) frames.countUnsent(budgets.unsent);
      received = budgets?.received.join(() => frames.cutOff(CLOSE.short, RECEIVED_SHORT));
      isClient = message.role === 'client';
      if (isClient) countClients(1);
      connection = {
        number: ++lastConnection,
        send: frames.send,
        close: () => frames.close(CLOSE.refused, ''),
        isOpen,
        watch: (told) => watches.set(frames, silenceWatch(ws, frames, limits.watchIntervalMs, told)),
      };
      owner.opened(connection, message);
    }

    ws.on('error', (error) => options.log.debug({ event: 'connectionFailed', reason: error.message }));
    ws.on('close', () => {
      clearTimeout(late);
      received?.end();
      checks.delete(frames);
      paces.delete(frames);
      watches.delete(frames);
      arrivals.gone(frames);
      if (connection === undefined) return;
      greeted--;
      if (isClient) countClients(-1);
      owner.closed(connection);
    });
  }

  function letIn(frames: FrameSocket, message: Message): message is Hello {
    if (message.kind !== 'hello') {
      sendError(frames, 'malformed', `the first frame must be 'hello', not '${message.kind}'`);
      frames.close(CLOSE.refused, 'no greeting');
      return false;
    }
    const refusal = refuse(options, message) ?? noPlaceFor(message.role);
    if (refusal === undefined) return true;
    options.log.debug({ event: 'greetingRefused', role: message.role, reason: refusal.text });
    sendError(frames, refusal.code, refusal.text, refusal.detail);
    frames.close(CLOSE.refused, refusal.code);
    return false;
  }

  function noPlaceFor(role: Hello['role']): Refusal | undefined {
    if (role !== 'client' || (clients < maxClients && places.clients < places.maxClients)) return undefined;
    const text = noPlace(clients < maxClients ? places.clients : clients);
    door.refused(text);
    return { code: 'notServing', text, detail: 0 };
  }

  function countClients(change: 1 | -1): void {
    clients += change;
    places.clients += change;
  }

  const sweep = setInterval(() => {
    for (const frames of arrivals.overdue(SILENT_INTERVALS)) frames.cutOff(CLOSE.short, UNANSWERED_SHORT);
    const ask = arrivals.ask(checks.keys());
    for (const check of checks.values()) check(ask);
  }, limits.receiveTimeoutMs / SILENT_INTERVALS);
  const pace = setInterval(() => {
    for (const [frames, look] of paces) {
      const reason = look();
      if (reason !== undefined) frames.close(CLOSE.slow, reason);
    }
  }, limits.paceLookMs);
  const watch = setInterval(() => {
    for (const look of watches.values()) look();
  }, limits.watchIntervalMs);

  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, resolve);
    });
  } catch (error) {
    clearInterval(sweep);
    clearInterval(pace);
    clearInterval(watch);
    throw cannotListen('port', options, error);
  }
  server.on('error', (error) => options.log.error({ event: 'listenerFailed', reason: error.message }));

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => greeted,
    async close() {
      clearInterval(sweep);
      clearInterval(pace);
      clearInterval(watch);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const frames of checks.keys()) frames.close(CLOSE.goingAway, 'the server stops');
      const late = setTimeout(() => {
        for (const ws of sockets.clients) ws.terminate();
        server.closeAllConnections();
      }, limits.closeMs);
      await closed;
      clearTimeout(late);
    },
  };
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

/** The frames of a message, or none after having told the peer what is wrong with them. */
function readFrames(frames: FrameSocket, data: RawData, isBinary: boolean): readonly Message[] {
  try {
    return framesOf(data, isBinary);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    sendError(frames, 'malformed', error.message);
    frames.close(CLOSE.malformed, 'malformed');
    return [];
  }
}

function sendError(frames: FrameSocket, code: ErrorCode, text: string, detail = 0): void {
  frames.send(encode({ kind: 'error', code, session: undefined, sequence: 0, detail, text }));
}

/** Fail now if the port cannot be bound, rather than when it is needed. @throws ProcessError */
export async function checkPort(host: string, port: number, log: Log): Promise<void> {
  const nobody: Owner = { opened: () => undefined, frames: () => undefined, closed: () => undefined };
  const trial = await listen({ host, port, log, roles: [], elsewhere: '', tokens: NO_TOKENS }, nobody);
  await trial.close();
}

const NO_TOKENS = { control: undefined, client: undefined };
