import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { workerStatus } from '@dpr/core';
import { respPort } from '@dpr/resp';
import { MAX_BATCH_BYTES } from '@dpr/protocol';
import type { Log } from '@dpr/runtime';
import { nodeHost } from '@dpr/runtime/node-host';
import { createPlaces, type Host, inputTurns, limitBytes, type SidePort } from '@dpr/runtime/side-port';
import { COMMAND_LIMIT_MS, MAX_UNREAD_BYTES, PACE_LOOK_MS, UNREAD_LIMIT_MS } from '../../services/resp/limits.ts';
import { until } from '../client/until.ts';
import { encodeCommand, respStage } from './stage.ts';

interface Options {
  readonly host?: string;
  readonly token?: string;
  readonly maxReceivedBytes?: number;
  readonly addresses?: 'own' | 'proxied' | 'hidden';
}

describe('a port for Redis clients', () => {
  const open: { close(): unknown }[] = [];
  let lines: Record<string, unknown>[] = [];
  let cutOff: unknown[] = [];
  let unsent = limitBytes(2 ** 30);
  /** Look once whether clients are too slow; by itself, the port never does here. */
  let look: () => void;

  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    lines = [];
    cutOff = [];
  });

  async function serve(options: Options = {}): Promise<number> {
    const { host = '127.0.0.1', token, maxReceivedBytes = 2 ** 30, addresses = 'own' } = options;
    const note = (fields: Record<string, unknown>): void => void lines.push(fields);
    const stage = respStage();
    const looks: Host = {
      ...nodeHost,
      setTimeout(run, ms) {
        if (ms !== PACE_LOOK_MS) return nodeHost.setTimeout(run, ms);
        look = run;
        return run;
      },
      clearTimeout: (timer) => (timer === look ? undefined : nodeHost.clearTimeout(timer)),
    };
    unsent = limitBytes(2 ** 30);
    const port: SidePort = respPort(stage.type)({
      host: looks,
      port: {
        ...{ host, port: 0, what: 'RESP port', places: createPlaces(), addresses },
        tokens: { control: undefined, client: token },
        log: {
          info: note,
          warn: note,
          error: note,
          debug: ({ reason }: { reason: unknown }) => cutOff.push(reason),
        } as unknown as Log,
      },
      budgets: { received: limitBytes(maxReceivedBytes), unsent },
      owner: stage.owner,
      turns: inputTurns(nodeHost, 2, () => false),
      status: () => workerStatus(stage.worker),
      failed: (error) => assert.fail(String(error)),
    });
    open.push(port);
    port.serve();
    port.serve();
    await until(() => port.isOpen());
    return lines.findLast(({ event }) => event === 'respServing')?.port as number;
  }

  async function client(port: number): Promise<Socket & { said: () => string; gone: Promise<unknown> }> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    open.push({ close: () => socket.destroy() });
    let said = '';
    socket.on('data', (bytes) => (said += bytes.toString('latin1')));
    const gone = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'connect');
    return Object.assign(socket, { said: () => said, gone });
  }

  it('serves clients, and ends with what was written', async () => {
    const port = await serve();
    const one = await client(port);
    one.write('SET a 1\r\n');
    await until(() => one.said() === '+OK\r\n');
    const other = await client(port);
    other.write('GET a\r\nQUIT\r\n');
    await other.gone;
    assert.equal(other.said(), '$1\r\n1\r\n+OK\r\n');
    await Promise.all([one.gone, open.shift()?.close()]);
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['respServing'],
    );
  });

  it('ends a connection that goes on saying what is no command', async () => {
    const socket = await client(await serve());
    const again = (): void => {
      if (!socket.destroyed) socket.write('payload', () => setImmediate(again));
    };
    again();
    await socket.gone;
    assert.match(socket.said(), /^(-ERR Protocol error: too big inline request\r\n)?$/);
  });

  it('closes who holds most of commands that are not complete, once all hold too much together', async () => {
    const port = await serve({ maxReceivedBytes: 300_000 });
    const [small, large] = [await client(port), await client(port)];
    const command = encodeCommand(['SET', 'a', Buffer.alloc(100_000)]);
    small.write(command.subarray(0, 60_000));
    large.write(encodeCommand(['SET', 'b', Buffer.alloc(900_000)]).subarray(0, 800_000));
    await large.gone;
    small.write(command.subarray(60_000));
    await until(() => small.said() === '+OK\r\n');
  });

  /** As many looks as it is let be, and one more. */
  function isCutOffAfter(ms: number, reason: string): void {
    for (let looked = 0; looked < ms; looked += PACE_LOOK_MS) look();
    assert.deepEqual(cutOff, []);
    look();
    assert.deepEqual(cutOff, [reason]);
  }

  it('cuts off who reads nothing of its replies, at its time, and serves others meanwhile', async () => {
    const port = await serve();
    const [slow, other] = [await client(port), await client(port)];
    other.write(encodeCommand(['SET', 'a', Buffer.alloc(MAX_UNREAD_BYTES)]));
    await until(() => other.said() === '+OK\r\n');
    slow.pause();
    slow.write('GET a\r\n'.repeat(64));
    await until(() => unsent.bytes() > MAX_UNREAD_BYTES);
    assert.ok(unsent.bytes() <= MAX_UNREAD_BYTES + MAX_BATCH_BYTES, `${unsent.bytes()} bytes are unsent`);
    other.write('PING\r\n');
    await until(() => other.said().endsWith('+PONG\r\n'));
    isCutOffAfter(UNREAD_LIMIT_MS, `nothing of what was sent was read within ${UNREAD_LIMIT_MS} ms`);
    slow.resume();
    await slow.gone;
    other.write('ECHO on\r\n');
    await until(() => other.said().endsWith('$2\r\non\r\n'));
  });

  it('cuts off a client whose command is not complete, at its time, and none that says nothing', async () => {
    const port = await serve();
    const [slow, other] = [await client(port), await client(port)];
    slow.write('*1\r\n$4\r\nPI');
    slow.write('N');
    await until(() => {
      other.write('CLIENT LIST\r\n');
      return other.said().includes('qbuf=11 ');
    });
    isCutOffAfter(COMMAND_LIMIT_MS, `a command was not complete within ${COMMAND_LIMIT_MS} ms`);
    await slow.gone;
    other.write('ECHO on\r\n');
    await until(() => other.said().endsWith('$2\r\non\r\n'));
  });

  it('lets in who shows the token', async () => {
    const socket = await client(await serve({ token: 'a-token-of-the-cluster' }));
    socket.write('PING\r\nAUTH wrong\r\nAUTH a-token-of-the-cluster\r\nPING\r\n');
    await until(() => socket.said().endsWith('+PONG\r\n'));
    assert.match(socket.said(), /^-NOAUTH [^\r]*\r\n-WRONGPASS [^\r]*\r\n\+OK\r\n\+PONG\r\n$/);
  });

  it('knows the address of a client, also where a proxy stands before it', async () => {
    const [own, proxied, hidden] = [
      await client(await serve()),
      await client(await serve({ addresses: 'proxied' })),
      await client(await serve({ addresses: 'hidden' })),
    ];
    proxied.write('PROXY TCP4 192.0.2.7 192.0.2.1 1111 2222\r\n');
    for (const socket of [own, proxied, hidden]) {
      socket.write('CLIENT INFO\r\n');
      await until(() => socket.said().includes(' addr='));
    }
    const told = [own, proxied, hidden].map((socket) => / addr=([^:]*):(\d+) /.exec(socket.said())?.slice(1));
    assert.deepEqual(told, [
      ['127.0.0.1', String(own.localPort)],
      ['192.0.2.7', String(proxied.localPort)],
      ['127.0.0.1', String(hidden.localPort)],
    ]);
  });

  it('says once that it is open to other machines, and asks for no token', async () => {
    await serve({ host: '0.0.0.0' });
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['respServing', 'respOpen'],
    );
    await serve({ host: '0.0.0.0', token: 'a-token-of-the-cluster' });
    assert.equal(lines.filter(({ event }) => event === 'respOpen').length, 1);
  });
});
