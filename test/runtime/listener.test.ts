import { draftOf, encode, encodeMessage, MAX_FRAME_BYTES, PROTOCOL_VERSION, type Message } from '@dpr/protocol';
import {
  createLog,
  listen,
  LISTENER_LIMITS,
  ProcessError,
  type Connection,
  type Listener,
  type ListenerOptions,
} from '@dpr/runtime';
import { RESERVED_DESCRIPTORS } from '../../services/runtime/descriptors.ts';
import { CLIENTS_SHARE, createPlaces } from '../../services/runtime/connection-places.ts';
import assert from 'node:assert/strict';
import { limitBytes } from '../../services/runtime/budget.ts';
import { CLOSE } from '@dpr/runtime/frame-socket';
import { UNANSWERED_INTERVALS } from '@dpr/runtime/keep-alive';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { WebSocket } from 'ws';
import { BINARY, messageFrame, PING, rawPeer, webSocketFrame } from '../hostile/raw-peer.ts';
import { hello } from './hello.ts';
import { connect, greet, welcome } from './peer.ts';

const log = createLog('silent', {});
const refresh: Message = { kind: 'refresh', worldLine: 1 };
const answer: Message = { kind: 'left' };

describe('a listener', () => {
  let listener: Listener;
  let opened: Connection[];
  let closed: number[];
  let frames: [number, Message][];
  let changed: () => void;
  /** What a `refresh` is answered with. */
  let reply: () => Buffer;

  async function start(options: Partial<ListenerOptions> = {}): Promise<void> {
    opened = [];
    closed = [];
    frames = [];
    changed = () => undefined;
    reply = () => encode(answer);
    listener = await listen(
      {
        host: '127.0.0.1',
        port: 0,
        log,
        roles: ['client'],
        elsewhere: 'others greet elsewhere',
        tokens: { control: undefined, client: undefined },
        ...options,
      },
      {
        opened(connection) {
          opened.push(connection);
          connection.send(encode(welcome));
          changed();
        },
        frames({ number, send }, messages) {
          for (const message of messages) {
            frames.push([number, message]);
            if (message.kind === 'refresh') send(reply());
          }
          changed();
        },
        closed({ number }) {
          closed.push(number);
          changed();
        },
      },
    );
  }
  afterEach(() => listener.close());

  /** Wait until the owner was told of something that makes this true. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (changed = resolve));
  }

  /** A peer that greeted is answered still. */
  async function assertServes(): Promise<void> {
    const peer = await greet(listener.port);
    peer.send(refresh);
    await peer.next('left');
    peer.close();
    await peer.closed;
  }

  it('takes several frames out of one message, and puts those of one tick into one', async () => {
    await start();
    const peer = await greet(listener.port);
    let messages = 0;
    peer.ws.on('message', () => messages++);
    const before = peer.received.length;
    peer.ws.send(encodeMessage([refresh, refresh, refresh].map(draftOf)));
    while (peer.received.length < before + 3) await once(peer.ws, 'message');
    assert.deepEqual(peer.received.slice(before), [answer, answer, answer]);
    assert.equal(messages, 1);
    peer.close();
    await peer.closed;
  });

  it('hears nothing of a message with one frame that is none, and ends the connection', async () => {
    await start();
    const peer = await greet(listener.port);
    peer.ws.send(encodeMessage([draftOf(refresh), Buffer.of(0xff)]));
    assert.equal((await peer.next('error')).code, 'malformed');
    await peer.closed;
    assert.deepEqual(frames, []);
    await assertServes();
  });

  it('lets in who greets, and numbers connections without ever using a number twice', async () => {
    await start();
    for (let round = 0; round < 3; round++) {
      const [one, two] = await Promise.all([greet(listener.port), greet(listener.port)]);
      one.close();
      two.close();
      await until(() => closed.length === 2 * (round + 1));
    }
    assert.equal(new Set(opened.map(({ number }) => number)).size, 6);
    assert.equal(listener.connections(), 0);
  });

  it('refuses what is not a greeting, by name, and no other peer notices', async () => {
    await start();
    const bystander = await greet(listener.port);
    const wrong: [string | Buffer, string][] = [
      ['a text', 'a frame is a binary message, not a text'],
      [Buffer.from([0xff, 1, 2]), 'no frame has the type 255'],
      [Buffer.alloc(0), 'the frame is empty'],
      [encode(refresh), "the first frame must be 'hello', not 'refresh'"],
    ];
    for (const [bytes, text] of wrong) {
      const peer = await connect(listener.port);
      peer.ws.send(bytes);
      const error = await peer.next('error');
      assert.deepEqual([error.code, error.text], ['malformed', text]);
      await peer.closed;
    }
    bystander.send(refresh);
    await bystander.next('left');
    assert.equal(opened.length, 1);
  });

  it('disconnects who sends garbage later, and takes no frame that follows it', async () => {
    await start();
    const peer = await greet(listener.port);
    peer.send(refresh);
    peer.ws.send(Buffer.from([0x10]));
    peer.send(refresh);
    assert.equal((await peer.next('error')).code, 'malformed');
    await peer.closed;
    await until(() => closed.length === 1);
    assert.equal(frames.length, 1);
    await assertServes();
  });

  it('survives connections that are opened and reset, and speaks HTTP to who only speaks HTTP', async () => {
    await start();
    for (let i = 0; i < 20; i++) {
      const socket = connectTcp(listener.port, '127.0.0.1');
      await once(socket, 'connect');
      if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n');
      socket.resetAndDestroy();
    }
    const response = await fetch(`http://127.0.0.1:${listener.port}/`);
    assert.deepEqual([response.status, response.headers.get('upgrade')], [426, 'websocket']);
    const socket = connectTcp(listener.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('\0\0\0garbage\r\n\r\n');
    await once(socket, 'close');
    await assertServes();
  });

  it('asks for the token of the role, and for a role that belongs here', async () => {
    const tokens = { control: 'secret of operators', client: 'secret of clients' };
    await start({ roles: ['client', 'worker'], tokens });
    const refusals: [Parameters<typeof hello>[0], string][] = [
      [{ token: '' }, 'the client token is missing'],
      [{ token: tokens.control }, 'this is not the client token of the cluster'],
      [{ role: 'worker', token: 'secret' }, 'this is not the control token of the cluster'],
      [
        { role: 'operator', token: tokens.control },
        "the role 'operator' may not greet at this port; others greet elsewhere",
      ],
    ];
    for (const [fields, text] of refusals) {
      const peer = await connect(listener.port);
      peer.send(hello(fields));
      const error = await peer.next('error');
      assert.deepEqual([error.code, error.text], ['unauthorized', text]);
      await peer.closed;
    }
    await greet(listener.port, { token: tokens.client });
    await greet(listener.port, { role: 'worker', token: tokens.control });
    assert.equal(opened.length, 2);
  });

  it('says which version of the protocol it speaks', async () => {
    await start();
    const peer = await connect(listener.port);
    peer.send(hello({ protocol: 9 }));
    const { code, detail } = await peer.next('error');
    assert.deepEqual([code, detail], ['unsupportedVersion', PROTOCOL_VERSION]);
  });

  it('disconnects who does not greet in time', async () => {
    await start({ limits: { helloMs: 500 } });
    const peer = await connect(listener.port);
    assert.match((await peer.next('error')).text, /no greeting came within 500 ms/);
    await peer.closed;
    await assertServes();
  });

  it('takes no large frame from strangers, and none above the limit from any peer', async () => {
    await start();
    const stranger = await connect(listener.port);
    stranger.ws.send(Buffer.alloc(1024 * 1024));
    await stranger.closed;
    assert.equal(stranger.received.length, 0);
    const peer = await greet(listener.port);
    peer.ws.send(Buffer.alloc(MAX_FRAME_BYTES + 1));
    assert.equal(await peer.closed, 1009);
    await assertServes();
  });

  it('closes connections above its limit at once', async () => {
    await start({ limits: { connections: 2 } });
    const [one] = [await greet(listener.port), await greet(listener.port)];
    await assert.rejects(connect(listener.port));
    one.close();
    await until(() => closed.length === 1);
    await assertServes();
  });

  it('closes the oldest connection that has not greeted for one above its limit, and none that has', async () => {
    await start({ limits: { connections: 4 } });
    const greeted = await greet(listener.port);
    const silent = [await connect(listener.port), await connect(listener.port), await connect(listener.port)];
    for (const expected of silent) {
      await greet(listener.port);
      await expected.closed;
    }
    greeted.send(refresh);
    await greeted.next('left');
    assert.deepEqual([listener.connections(), closed], [4, []]);
  });

  it('keeps a quarter of its connections for others than clients, where others greet too', async () => {
    await start({ roles: ['client', 'operator'], limits: { connections: 8 } });
    const clients = [];
    while (clients.length < 6) clients.push(await greet(listener.port));
    const refused = await connect(listener.port);
    refused.send(hello());
    const { code, text } = await refused.next('error');
    assert.deepEqual([code, text.slice(0, 24)], ['notServing', '6 clients are connected,']);
    assert.equal(await refused.closed, 1008);
    for (let one = 0; one < 2; one++) await greet(listener.port, { role: 'operator' });
    clients[0]?.close();
    await until(() => closed.length === 1);
    await greet(listener.port);
  });

  it('keeps a part of the process for others, whichever port clients greet at', async () => {
    const places = createPlaces(CLIENTS_SHARE, RESERVED_DESCRIPTORS + 4);
    await start({ places });
    const other = listener;
    await start({ places, roles: ['client', 'operator'] });
    try {
      const clients = [];
      for (const { port } of [other, listener, other]) clients.push(await greet(port));
      for (const { port } of [other, listener]) {
        const refused = await connect(port);
        refused.send(hello());
        assert.equal((await refused.next('error')).code, 'notServing');
      }
      await greet(listener.port, { role: 'operator' });
      clients[0]?.close();
      await until(() => closed.length === 1);
      await greet(listener.port);
    } finally {
      await other.close();
    }
  });

  it('finds out who is gone without a word, and keeps who answers', async () => {
    await start({ limits: { receiveTimeoutMs: 60 } });
    const living = await greet(listener.port);
    const dead = new WebSocket(`ws://127.0.0.1:${listener.port}`, { autoPong: false });
    await once(dead, 'open');
    dead.send(encode(hello()));
    await until(() => closed.length === 1);
    assert.equal(closed[0], opened[1]?.number);
    for (let pings = 0; pings < 5; pings++) await once(living.ws, 'ping');
    assert.equal(listener.connections(), 1);
  });

  it('tells soon of a watched peer that does not answer, and when it does again, and does not disconnect it', async () => {
    await start({ limits: { watchIntervalMs: 20 } });
    const told: number[] = [];
    const mute = new WebSocket(`ws://127.0.0.1:${listener.port}`, { autoPong: false });
    await once(mute, 'open');
    mute.send(encode(hello()));
    await until(() => opened.length === 1);
    opened[0]?.watch((forMs) => {
      told.push(forMs);
      changed();
    });
    await until(() => told.length === 1);
    mute.send(encode(refresh));
    await until(() => told.length === 3);
    const silentMs = 20 * UNANSWERED_INTERVALS;
    assert.deepEqual(told.slice(0, 3), [silentMs, 0, silentMs]);
    assert.deepEqual(closed, []);
    mute.terminate();
  });

  it('sends the frames of one tick together', async () => {
    await start();
    const peer = await connect(listener.port);
    peer.send(hello());
    await peer.next('welcome');
    let chunks = 0;
    // @ts-expect-error the client's raw socket is not part of its types
    (peer.ws._socket as NodeJS.ReadableStream).on('data', () => chunks++);
    for (let i = 0; i < 100; i++) opened[0]?.send(encode(answer));
    for (let i = 0; i < 100; i++) await peer.next('left');
    assert.ok(chunks < 5, `${chunks} chunks`);
  });

  it('stops reading from a peer that does not read, until it does', async () => {
    await start({ limits: { pauseBytes: 100_000 } });
    const peer = await greet(listener.port);
    peer.ws.pause();
    const large = encode(replyOf(1024 * 1024));
    for (let i = 0; i < 16; i++) opened[0]?.send(large);
    // The listener notices at the end of its tick; what the peer sends from then on stays unread.
    await new Promise((resolve) => setImmediate(resolve));
    peer.send(refresh);
    await assertServes();
    assert.equal(frames.filter(([number]) => number === opened[0]?.number).length, 0);
    peer.ws.resume();
    await peer.next('left');
    assert.equal(peer.received.filter(({ kind }) => kind === 'reply').length, 16);
  });

  it('answers some frames of a message at a time when the answers are large, and the rest once those are read', async () => {
    await start({ limits: { pauseBytes: 100_000, closeBytes: 8 * 1024 * 1024 } });
    const peer = await greet(listener.port);
    const large = encode(replyOf(256 * 1024));
    reply = () => large;
    const asked = 256;
    peer.ws.pause();
    peer.ws.send(encodeMessage(Array.from({ length: asked }, () => draftOf(refresh))));
    peer.send({ kind: 'refresh', worldLine: 2 });
    await until(() => frames.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(frames.length < asked, `${frames.length} were answered before one was read`);
    peer.ws.resume();
    for (let i = 0; i <= asked; i++) await peer.next('reply');
    const own = frames.filter(([number]) => number === opened[0]?.number).map(([, message]) => message);
    assert.deepEqual(own.at(-1), { kind: 'refresh', worldLine: 2 }, 'in the order in which they came');
    assert.equal(own.length, asked + 1);
  });

  it('answers pings that come at once, and disconnects a peer that sends more of them than it may', async () => {
    await start();
    const pings = (count: number): Buffer =>
      Buffer.concat(Array.from({ length: count }, () => webSocketFrame(PING, Buffer.alloc(0))));
    const peer = await rawPeer(listener.port);
    peer.socket.resume();
    await peer.write(Buffer.concat([pings(LISTENER_LIMITS.pings), messageFrame(refresh)]));
    await until(() => frames.length === 1);
    assert.deepEqual(closed, []);
    await peer.write(pings(LISTENER_LIMITS.pings + 1));
    await peer.closed;
    await until(() => closed.length === 1);
  });

  it('closes, by name, a connection whose message is not complete in time, and none that is between messages', async () => {
    await start({ limits: { messageMs: 40, paceLookMs: 10 } });
    const idle = await greet(listener.port);
    const slow = await rawPeer(listener.port);
    slow.socket.resume();
    slow.socket.write(webSocketFrame(BINARY, Buffer.alloc(1), 1_000_000));
    assert.equal(await slow.closed, CLOSE.slow);
    await until(() => closed.length === 1);
    idle.send(refresh);
    await idle.next('left');
  });

  it('closes, by name, a connection that does not read in time', async () => {
    await start({ limits: { pauseBytes: 100_000, unreadMs: 40, paceLookMs: 10 } });
    const peer = await greet(listener.port);
    peer.ws.pause();
    const large = encode(replyOf(1024 * 1024));
    for (let i = 0; i < 16; i++) opened[0]?.send(large);
    await until(() => closed.length === 1);
    peer.close();
    await assertServes();
  });

  it('closes, by name, who holds most of what waits for the rest of its message', async () => {
    const received = limitBytes(1_000_000);
    await start({ budgetsOf: () => ({ received }) });
    const peers = await Promise.all([rawPeer(listener.port), rawPeer(listener.port)]);
    for (const { socket } of peers) socket.resume();
    const [one, other] = peers;
    await one?.write(webSocketFrame(BINARY, Buffer.alloc(400_000), 1_000_000));
    await other?.write(webSocketFrame(BINARY, Buffer.alloc(200_000), 1_000_000));
    await assertServes();
    assert.equal(received.gaveWay(), 0);
    await one?.write(Buffer.alloc(500_000));
    assert.equal(await one?.closed, CLOSE.short);
    assert.equal(received.gaveWay(), 1);
    assert.ok(received.bytes() < 300_000);
    await other?.write(Buffer.alloc(800_000));
    await until(() => frames.length > 1 || closed.length > 2);
    other?.socket.destroy();
    await until(() => closed.length === 3);
    assert.equal(received.bytes(), 0);
  });

  it('counts what it holds back until answers were read', async () => {
    const received = limitBytes(Infinity);
    await start({ limits: { pauseBytes: 100_000 }, budgetsOf: () => ({ received }) });
    const peer = await greet(listener.port);
    reply = () => encode(replyOf(1024 * 1024));
    peer.ws.pause();
    const asked = [...Array.from({ length: 100 }, () => refresh), replyOf(500_000)];
    peer.ws.send(encodeMessage(asked.map(draftOf)));
    await until(() => frames.length > 0);
    while (received.bytes() === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(received.bytes() > 500_000, String(received.bytes()));
    peer.ws.resume();
    for (let i = 0; i < 100; i++) await peer.next('reply');
    await until(() => frames.length === asked.length);
    assert.equal(received.bytes(), 0);
  });

  it('disconnects a peer that lets too much pile up', async () => {
    await start({ limits: { closeBytes: 8 * 1024 * 1024 } });
    const peer = await greet(listener.port);
    peer.ws.pause();
    const large = encode(replyOf(1024 * 1024));
    for (let i = 0; i < 32; i++) opened[0]?.send(large);
    await until(() => closed.length === 1);
    peer.close();
    await assertServes();
  });

  it('closes after what was sent, also in the same tick', async () => {
    await start();
    const peer = await greet(listener.port);
    opened[0]?.send(encode(answer));
    const closing = listener.close();
    await peer.next('left');
    assert.equal(await peer.closed, 1001);
    await closing;
  });

  it('closes in time, with anything that its peers do', async () => {
    await start({ limits: { closeMs: 20 } });
    const polite = await greet(listener.port);
    const deaf = await greet(listener.port);
    deaf.ws.pause();
    const stranger = connectTcp(listener.port, '127.0.0.1');
    stranger.on('error', () => undefined);
    await once(stranger, 'connect');
    await listener.close();
    assert.equal(await polite.closed, 1001);
    deaf.close();
    stranger.destroy();
  });

  it('names the port and what to do when it cannot be had', async () => {
    await start();
    const taken = listener.port;
    await assert.rejects(
      listen(
        {
          host: '127.0.0.1',
          port: taken,
          log,
          roles: [],
          elsewhere: '',
          tokens: { control: undefined, client: undefined },
        },
        { opened: () => undefined, frames: () => undefined, closed: () => undefined },
      ),
      (error) =>
        error instanceof ProcessError &&
        error.message.includes(`cannot listen at port ${taken} of 127.0.0.1; another process uses it`),
    );
  });
});

/** A frame of about this size. */
function replyOf(bytes: number): Message {
  return {
    kind: 'reply',
    count: 1,
    session: 'ab'.repeat(16),
    worldLine: 1,
    incarnation: 1,
    sequence: 1,
    version: 1,
    results: new Uint8Array(bytes),
  };
}
