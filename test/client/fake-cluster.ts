/** Servers that speak the protocol as a test tells them, frame by frame: a Finder, and workers. */
import { decodeMessage, encode, PROTOCOL_VERSION, type Member, type Message, type MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export const CLUSTER = 'c1000000000000000000000000000001';
export const STAMP = { start: '0000000000000001', counter: 1 };

/** The server's end of one connection. */
export interface FakePeer {
  readonly ws: WebSocket;
  /** What the client greeted with. */
  readonly hello: MessageOf<'hello'>;
  readonly received: readonly Message[];
  send(message: Message): void;
  /** The next frame of this kind that was not taken yet; frames of other kinds before it stay. */
  next<K extends Message['kind']>(kind: K): Promise<MessageOf<K>>;
  /** Frames of this kind that are not taken. */
  untaken<K extends Message['kind']>(kind: K): MessageOf<K>[];
  /** End the connection without a word. */
  cut(): void;
  readonly closed: Promise<void>;
}

export interface FakeServer {
  readonly port: number;
  /** The next connection that greeted and was answered. */
  accept(): Promise<FakePeer>;
  /** How many greeted. */
  greeted(): number;
  close(): Promise<void>;
}

/** What to answer a greeting with; undefined: nothing at all. */
export type Answer = (hello: MessageOf<'hello'>, count: number) => Message | undefined;

export interface FakeServerOptions {
  readonly answer: Answer;
  /** Frames that the server answers by itself. */
  readonly reply?: (message: Message, peer: FakePeer) => void;
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  readonly port?: number;
  /** Answer pings, as any server does. */
  readonly autoPong?: boolean;
}

export async function fakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const http: Server = options.tls === undefined ? createHttpServer() : createTlsServer(options.tls);
  const sockets = new WebSocketServer({
    server: http,
    perMessageDeflate: false,
    autoPong: options.autoPong ?? true,
  });
  const accepted: FakePeer[] = [];
  const waiting: ((peer: FakePeer) => void)[] = [];
  let greeted = 0;

  sockets.on('connection', (ws) => {
    ws.on('error', () => undefined);
    ws.once('message', (data) => {
      const [hello, ...more] = decodeMessage(data as Buffer);
      assert.ok(hello?.kind === 'hello', 'the first frame is a greeting');
      assert.deepEqual(more, [], 'and nothing follows before the answer');
      greeted++;
      const answer = options.answer(hello, greeted);
      if (answer !== undefined) ws.send(encode(answer));
      if (answer?.kind === 'error') return ws.close();
      if (answer?.kind !== 'welcome') return;
      const peer = fakePeer(ws, hello, options.reply);
      const first = waiting.shift();
      if (first === undefined) accepted.push(peer);
      else first(peer);
    });
  });
  http.listen(options.port ?? 0, '127.0.0.1');
  await once(http, 'listening');

  return {
    port: (http.address() as AddressInfo).port,
    accept: () => {
      const peer = accepted.shift();
      return peer === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(peer);
    },
    greeted: () => greeted,
    async close() {
      for (const ws of sockets.clients) ws.terminate();
      sockets.close();
      http.close();
      await once(http, 'close');
    },
  };
}

function fakePeer(ws: WebSocket, hello: MessageOf<'hello'>, reply: FakeServerOptions['reply']): FakePeer {
  const received: Message[] = [];
  const untaken: Message[] = [];
  const waiting = new Set<() => void>();
  const closed = new Promise<void>((resolve) => ws.once('close', () => resolve()));
  const peer: FakePeer = {
    ws,
    hello,
    received,
    closed,
    send: (message) => ws.send(encode(message)),
    next: <K extends Message['kind']>(kind: K) =>
      new Promise<MessageOf<K>>((resolve, reject) => {
        const look = (): void => {
          const place = untaken.findIndex((message) => message.kind === kind);
          if (place < 0) return;
          waiting.delete(look);
          resolve(untaken.splice(place, 1)[0] as MessageOf<K>);
        };
        waiting.add(look);
        look();
        void closed.then(() => reject(new Error(`the client went away while '${kind}' was expected`)));
      }),
    untaken: <K extends Message['kind']>(kind: K) =>
      untaken.filter((message): message is MessageOf<K> => message.kind === kind),
    cut: () => ws.terminate(),
  };
  ws.on('message', (data) => {
    for (const message of decodeMessage(data as Buffer)) {
      received.push(message);
      untaken.push(message);
      reply?.(message, peer);
    }
    for (const look of [...waiting]) look();
  });
  return peer;
}

export function welcome(fields: Partial<MessageOf<'welcome'>> = {}): MessageOf<'welcome'> {
  return {
    kind: 'welcome',
    protocol: PROTOCOL_VERSION,
    cluster: CLUSTER,
    worldLine: 1,
    controlPort: 1,
    worker: undefined,
    ...fields,
  };
}

export function refusal(
  code: MessageOf<'error'>['code'],
  fields: Partial<MessageOf<'error'>> = {},
): MessageOf<'error'> {
  return { kind: 'error', code, session: undefined, sequence: 0, detail: 0, text: `refused: ${code}`, ...fields };
}

/** A Finder that answers `fetchCluster` from a membership that the test sets. */
export interface FakeFinder extends FakeServer {
  members: Member[];
  removed: { id: number; generation: number }[];
  /** To be raised with each change. */
  version: number;
  /** How often the membership was asked for. */
  asked: number;
  /** Its only member leaves, as generation 1 of worker 0. */
  removeOnly(): void;
}

export async function fakeFinder(options: Partial<FakeServerOptions> = {}): Promise<FakeFinder> {
  const state = { members: [] as Member[], removed: [] as { id: number; generation: number }[], version: 1, asked: 0 };
  const server = await fakeServer({
    answer: () => welcome(),
    ...options,
    reply(message, peer) {
      options.reply?.(message, peer);
      if (message.kind !== 'fetchCluster') return;
      state.asked++;
      const { version, members, removed } = state;
      const isKnown = message.known === version;
      peer.send({
        kind: 'cluster',
        cluster: CLUSTER,
        version,
        members: isKnown ? [] : members,
        removed: isKnown ? [] : removed,
      });
    },
  });
  return Object.assign(state, server, {
    removeOnly() {
      state.members = [];
      state.removed = [{ id: 0, generation: 1 }];
      state.version++;
    },
  });
}

export interface FakeWorker extends FakeServer {
  readonly member: Member;
}

/** A worker that does nothing but greet. */
export async function fakeWorker(
  id: number,
  options: Partial<FakeServerOptions & Pick<Member, 'generation' | 'type' | 'host'>> = {},
): Promise<FakeWorker> {
  const { generation = 1, type = 'counter', host = '' } = options;
  const worker = { id, generation, incarnation: 1, type };
  const server = await fakeServer({ answer: () => welcome({ worker }), ...options });
  return { ...server, member: { id, generation, type, host, port: server.port, leaving: false } };
}

/** A counter's reply to a batch: the given values, in this version. */
export function reply(
  batch: MessageOf<'batch'>,
  version: number,
  values: readonly bigint[],
  overflows: readonly number[] = [],
): MessageOf<'reply'> {
  const { session, worldLine, sequence, count } = batch;
  const results = Buffer.concat([
    Buffer.from(BigInt64Array.from(values).buffer),
    Buffer.from(Uint32Array.from(overflows).buffer),
  ]);
  return { kind: 'reply', count, session, worldLine, incarnation: 1, sequence, version, results };
}

export function cut(
  versions: Readonly<Record<number, number>>,
  fields: Partial<MessageOf<'cut'>> = {},
): MessageOf<'cut'> {
  const map = new Map(Object.entries(versions).map(([id, version]) => [Number(id), version]));
  return { kind: 'cut', stamp: STAMP, worldLine: 1, decisions: [], cut: map, ...fields };
}

/** World-line 2 began, and all workers went back to this. */
export function decided(prefix: Readonly<Record<number, number>>): MessageOf<'cut'> {
  const message = cut(prefix, { worldLine: 2 });
  return { ...message, decisions: [{ worldLine: 2, prefix: message.cut, entitled: new Map() }] };
}

/** Answer the next batch of a counter with zeros, in this version. */
export async function answerZeros(peer: FakePeer, version: number): Promise<void> {
  const batch = await peer.next('batch');
  peer.send(reply(batch, version, Array<bigint>(batch.count).fill(0n)));
}

/** The amounts in a batch of a counter. */
export function amounts({ operations }: MessageOf<'batch'>): bigint[] {
  const bytes = Buffer.from(operations);
  return Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readBigInt64LE(index * 8));
}
