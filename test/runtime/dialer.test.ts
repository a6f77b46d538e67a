import { FINDER_DEFAULTS } from '@dpr/core';
import { encode, type ErrorCode, type Message } from '@dpr/protocol';
import {
  createLog,
  dial,
  DIALER_TIMING,
  listen,
  type Connection,
  type Dialer,
  type Listener,
  type Log,
} from '@dpr/runtime';
import { nodeHost } from '@dpr/runtime/node-host';
import { connectErrorText } from '@dpr/runtime/connect-error-text';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { freePort } from './cluster.ts';

/** Reasons in the log. */
let told: string[] = [];
const log: Log = Object.assign(createLog('silent', {}), {
  warn: ({ event, reason }: { event: string; reason?: string }) => told.push(`${event}: ${reason ?? ''}`),
});
const refresh: Message = { kind: 'refresh', worldLine: 1 };
const welcome: Message = {
  kind: 'welcome',
  protocol: 1,
  cluster: 'c'.repeat(32),
  worldLine: 1,
  controlPort: 0,
  worker: undefined,
};
const greeting = { role: 'worker', cluster: undefined, stamp: undefined, token: 'secret' } as const;

/** What happened to a dialer, in words, one after the other. */
function journal() {
  const entries: string[] = [];
  let changed = (): void => undefined;
  return {
    entries,
    note(entry: string): void {
      entries.push(entry);
      changed();
    },
    async reaches(...expected: string[]): Promise<void> {
      while (entries.length < expected.length) await new Promise<void>((resolve) => (changed = resolve));
      assert.deepEqual(entries.slice(0, expected.length), expected);
    },
  };
}

describe('a dialer', () => {
  let dialer: Dialer | undefined;
  let listener: Listener | undefined;
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  beforeEach(() => (told = []));
  afterEach(async () => {
    dialer?.close();
    await listener?.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    server?.close();
    listener = server = undefined;
  });

  function call(port: number, timing = {}): ReturnType<typeof journal> {
    const calls = journal();
    dialer = dial(
      {
        host: nodeHost,
        address: `ws://127.0.0.1:${port}`,
        log,
        hello: () => greeting,
        timing: { minPauseMs: 2, maxPauseMs: 10, ...timing },
      },
      {
        opened: ({ cluster }) => calls.note(`opened ${cluster.slice(0, 2)}`),
        frame: ({ kind }) => calls.note(kind),
        closed: () => calls.note('closed'),
        refused: ({ code }) => calls.note(`refused ${code}`),
      },
    );
    return calls;
  }

  async function serve(port: number): Promise<Connection[]> {
    const connections: Connection[] = [];
    listener = await listen(
      {
        host: '127.0.0.1',
        port,
        log,
        roles: ['worker'],
        elsewhere: '',
        tokens: { control: 'secret', client: undefined },
      },
      {
        opened(connection) {
          connections.push(connection);
          connection.send(encode(welcome));
        },
        frames(connection, messages) {
          for (const message of messages) connection.send(encode(message));
        },
        closed: () => undefined,
      },
    );
    return connections;
  }

  /** A server of raw sockets, to misbehave. */
  async function misbehave(behaviour: (socket: Socket) => void): Promise<number> {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      behaviour(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  it('tries until a server listens, then carries frames both ways', async () => {
    const port = await freePort();
    const calls = call(port);
    await serve(port);
    await calls.reaches('opened cc');
    dialer?.send(refresh);
    await calls.reaches('opened cc', 'refresh');
    assert.deepEqual([...new Set(told)], [`unreachable: connect ECONNREFUSED 127.0.0.1:${port}`]);
  });

  it('is back before a Finder that started goes on without its worker', () => {
    assert.ok(2 * DIALER_TIMING.maxPauseMs <= FINDER_DEFAULTS.settleGraceMs);
  });

  it('finds words for errors that have none', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' });
    assert.equal(connectErrorText(new AggregateError([refused, new Error('the other')])), 'connect ECONNREFUSED ::1:1');
    assert.equal(connectErrorText(Object.assign(new Error(''), { code: 'ECONNRESET' })), 'ECONNRESET');
    assert.equal(connectErrorText(new Error('')), 'no reason given');
  });

  it('comes back after the connection broke, and drops what is sent meanwhile', async () => {
    const connections = await serve(0);
    const calls = call(listener?.port ?? 0);
    await calls.reaches('opened cc');
    connections[0]?.close();
    await calls.reaches('opened cc', 'closed');
    dialer?.send(refresh);
    await calls.reaches('opened cc', 'closed', 'opened cc');
    dialer?.send(refresh);
    await calls.reaches('opened cc', 'closed', 'opened cc', 'refresh');
    assert.equal(connections.length, 2);
  });

  it('lets its caller tell why it is refused, and asks again', async () => {
    const port = await freePort();
    const refuse = (code: ErrorCode) =>
      encode({ kind: 'error', code, session: undefined, sequence: 0, detail: 0, text: 'wait' });
    const refusing = new WebSocketServer({ host: '127.0.0.1', port });
    let attempts = 0;
    refusing.on('connection', (ws) => {
      ws.on('message', () => ws.send(attempts++ === 0 ? refuse('notServing') : encode(welcome)));
    });
    const calls = call(port);
    await calls.reaches('refused notServing', 'opened cc');
    refusing.close();
    for (const ws of refusing.clients) ws.terminate();
    assert.deepEqual(told, []);
  });

  it('does not wait for ever for one that accepts and says nothing', async () => {
    let accepted = 0;
    const twice = new Promise<void>((resolve) => {
      void misbehave(() => ++accepted === 2 && resolve()).then((port) => call(port, { answerMs: 20 }));
    });
    await twice;
  });

  it('does not wait for ever for a welcome', async () => {
    const port = await freePort();
    const silent = new WebSocketServer({ host: '127.0.0.1', port });
    const calls = call(port, { answerMs: 20 });
    for (let attempt = 0; attempt < 2; attempt++) await once(silent, 'connection');
    assert.deepEqual(calls.entries, []);
    silent.close();
    for (const ws of silent.clients) ws.terminate();
  });

  it('finds out that its peer is gone without a word', async () => {
    const port = await freePort();
    const frozen = new WebSocketServer({ host: '127.0.0.1', port, autoPong: false });
    frozen.on('connection', (ws) => ws.on('message', () => ws.send(encode(welcome))));
    const calls = call(port, { receiveTimeoutMs: 30 });
    await calls.reaches('opened cc', 'closed', 'opened cc');
    frozen.close();
    for (const ws of frozen.clients) ws.terminate();
  });

  it('leaves a peer that sends garbage, and comes back', async () => {
    const port = await freePort();
    const odd = new WebSocketServer({ host: '127.0.0.1', port });
    odd.on('connection', (ws) =>
      ws.on('message', () => {
        ws.send(encode(welcome));
        ws.send(Buffer.from([0xff]));
      }),
    );
    const calls = call(port);
    await calls.reaches('opened cc', 'closed', 'opened cc');
    odd.close();
    for (const ws of odd.clients) ws.terminate();
  });

  it('survives a peer that resets every connection', async () => {
    let resets = 0;
    const often = new Promise<void>((resolve) => {
      void misbehave((socket) => {
        socket.resetAndDestroy();
        if (++resets === 5) resolve();
      }).then((port) => call(port));
    });
    await often;
  });

  it('goes on reading from a peer that reads nothing, so that no two wait for each other', async () => {
    const port = await freePort();
    const deaf = new WebSocketServer({ host: '127.0.0.1', port });
    deaf.on('connection', (ws) =>
      ws.once('message', () => {
        ws.pause();
        ws.send(encode(welcome));
      }),
    );
    const calls = call(port);
    await calls.reaches('opened cc');
    for (let i = 0; i < 32; i++) dialer?.send(large);
    // It notices at the end of its tick how much is unread.
    await new Promise((resolve) => setImmediate(resolve));
    for (const ws of deaf.clients) ws.send(encode(refresh));
    await calls.reaches('opened cc', 'refresh');
    deaf.close();
    for (const ws of deaf.clients) ws.terminate();
  });
});

/** A mebibyte: 32 of these are more than any system buffers. */
const large: Message = {
  kind: 'reply',
  count: 1,
  session: 'ab'.repeat(16),
  worldLine: 1,
  incarnation: 1,
  sequence: 1,
  version: 1,
  results: new Uint8Array(1024 * 1024),
};
