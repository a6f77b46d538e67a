import { createLog, listen, type Connection, type Listener, type ListenerOptions } from '@dpr/runtime';
import { CLOSE } from '@dpr/runtime/frame-socket';
import { encode } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { RESERVED_DESCRIPTORS } from '../../services/runtime/descriptors.ts';
import { createPlaces } from '../../services/runtime/connection-places.ts';
import { messageFrame, upgradeRequest } from '../hostile/raw-peer.ts';
import { hello } from './hello.ts';
import { connect, greet, type Peer, welcome } from './peer.ts';

const [POLITE, GREEDY] = ['127.0.0.1', '127.0.0.2'];

describe('a listener whose clients come from several addresses', () => {
  let listener: Listener;
  let opened: Connection[];
  let logged: object[];
  let changed: () => void;

  async function start(options: Partial<ListenerOptions> = {}): Promise<void> {
    opened = [];
    logged = [];
    changed = () => undefined;
    const note = (line: object) => logged.push(line);
    const log = Object.assign(createLog('silent', {}), { debug: note, warn: note });
    const doorkeeper = { roles: ['client'], elsewhere: '', tokens: { control: undefined, client: undefined } } as const;
    listener = await listen(
      { host: '127.0.0.1', port: 0, log, ...doorkeeper, ...options },
      {
        opened(connection) {
          opened.push(connection);
          connection.send(encode(welcome));
          changed();
        },
        frames: () => undefined,
        closed: () => changed(),
      },
    );
  }
  afterEach(() => listener.close());

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (changed = resolve));
  }

  /** From one address, until one is refused. @param before how many are from there already */
  async function greetAll(from: string, before = 0): Promise<Peer[]> {
    const peers: Peer[] = [];
    for (;;) {
      const peer = await connect(listener.port, from);
      peer.send(hello());
      const answer = await Promise.race([peer.next('welcome'), peer.next('error')]);
      if (answer.kind === 'welcome') peers.push(peer);
      else {
        assert.equal(answer.code, 'notServing');
        const own = before + peers.length;
        assert.match(answer.text, new RegExp(`^\\d+ clients are connected, ${own} of them from this address,`));
        return peers;
      }
    }
  }

  const isOpen = ({ ws }: Peer): boolean => ws.readyState === ws.OPEN;

  it('has the newest connection of the address with most of them give way to a client of another, until both have half', async () => {
    await start({ limits: { connections: 128 } });
    const greedy = await greetAll(GREEDY);
    assert.equal(greedy.length, 124, 'the last 32nd is for connections that have not greeted');
    const first = await greet(listener.port, {}, POLITE);
    assert.equal(await greedy[123]?.closed, CLOSE.short);
    assert.ok(greedy.slice(0, 123).every(isOpen));
    const polite = [first, ...(await greetAll(POLITE, 1))];
    assert.equal(polite.length, 62);
    await Promise.all(greedy.slice(62).map(({ closed }) => closed));
    assert.ok(greedy.slice(0, 62).every(isOpen));
    assert.ok(polite.every(isOpen));
    assert.equal(listener.connections(), 124);
    assert.deepEqual(await greetAll(GREEDY, 62), [], 'an address with as many as others gets none of theirs');
  });

  it('does so too where it is the process that can have no more', async () => {
    const places = createPlaces(1, RESERVED_DESCRIPTORS + 4);
    await start({ places });
    const greedy = await greetAll(GREEDY);
    assert.equal(greedy.length, 4);
    const polite = await greetAll(POLITE);
    assert.equal(polite.length, 2);
    await Promise.all(greedy.slice(2).map(({ closed }) => closed));
    polite[0]?.close();
    await until(() => places.clients.count() === 3);
    await greet(listener.port, {}, GREEDY);
  });

  it('closes a connection that has not greeted for a new one, the oldest of the address that has most of these', async () => {
    await start({ limits: { connections: 4 } });
    const patient = await connect(listener.port, POLITE);
    const silent = [];
    for (let count = 0; count < 3; count++) silent.push(await connect(listener.port, GREEDY));
    for (const expected of [...silent]) {
      silent.push(await connect(listener.port, GREEDY));
      await expected.closed;
    }
    patient.send(hello());
    await patient.next('welcome');
  });

  it('shares nothing out where addresses are hidden', async () => {
    await start({ addresses: 'hidden', limits: { connections: 2 } });
    const greedy = [await greet(listener.port, {}, GREEDY), await greet(listener.port, {}, GREEDY)];
    await assert.rejects(connect(listener.port, POLITE));
    assert.ok(greedy.every(isOpen));
    assert.deepEqual(
      opened.map(({ origin }) => origin),
      [undefined, undefined],
    );
  });

  /** Connects, writes this before its request, some bytes at a time, and greets. */
  async function behind(header: string, size = Infinity): Promise<Socket> {
    const socket = connectTcp({ port: listener.port, host: '127.0.0.1', localAddress: POLITE, noDelay: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const text = header + upgradeRequest();
    for (let at = 0; at < text.length; at += size) {
      socket.write(text.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(messageFrame(hello()));
    return socket;
  }

  const HEADER = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 6380\r\n';
  for (const [addresses, header, origin] of [
    ['proxied', HEADER, '192.0.2.7'],
    ['proxied', 'PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n', '2001:db8:0:0::/64'],
    ['proxied', 'PROXY UNKNOWN\r\n', POLITE],
    ['proxied', '', POLITE],
    ['own', HEADER, POLITE],
    ['own', '', POLITE],
    ['hidden', HEADER, undefined],
  ] as const) {
    const what = header === '' ? 'no header' : `'${header.trim()}'`;
    it(`takes a client with ${what} for one of ${origin ?? 'no address'} where addresses are ${addresses}`, async () => {
      await start({ addresses });
      for (const size of [1, Infinity]) (await behind(header, size)).resume();
      await until(() => opened.length === 2);
      assert.deepEqual(
        opened.map((one) => one.origin),
        [origin, origin],
      );
    });
  }

  it('shares places out among the clients that a proxy names', async () => {
    await start({ addresses: 'proxied', places: createPlaces(1, RESERVED_DESCRIPTORS + 2) });
    const greedy = [];
    for (let count = 0; count < 2; count++) greedy.push((await behind(HEADER)).resume());
    await until(() => opened.length === 2);
    const ended = Promise.race(greedy.map((socket) => once(socket, 'close')));
    (await behind(HEADER.replace('192.0.2.7', '192.0.2.8'))).resume();
    await until(() => opened.length === 3);
    await ended;
    assert.deepEqual(
      opened.map(({ origin }) => origin),
      ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
    );
    const reason = '2 of 2 clients are connected from 192.0.2.7: the newest of them gave way to one from 192.0.2.8';
    assert.deepEqual(logged, [{ event: 'connectionsRefused', count: 1, reason }]);
  });

  it('closes a connection with a header that is none, says so in its log, and serves others', async () => {
    await start({ addresses: 'proxied' });
    const wrong = await behind('PROXY TCP4 192.0.2.7\r\n');
    wrong.resume();
    await once(wrong, 'close');
    assert.deepEqual(logged, [
      { event: 'proxyHeaderRefused', reason: 'its line is not that of a client', from: '127.0.0.1' },
    ]);
    await greet(listener.port);
  });

  it('closes connections that say nothing, end, or send half a header', async () => {
    await start({ limits: { helloMs: 100 } });
    for (const begin of [
      () => undefined,
      (socket: Socket) => socket.end(),
      (socket: Socket) => socket.end('PROXY TCP4'),
      (socket: Socket) => socket.write('PROXY TCP4'),
      (socket: Socket) => socket.write(`${HEADER}GET`),
      (socket: Socket) => socket.write(HEADER),
    ]) {
      const socket = connectTcp({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      begin(socket);
      await once(socket, 'end');
      socket.destroy();
    }
    await greet(listener.port);
  });
});
