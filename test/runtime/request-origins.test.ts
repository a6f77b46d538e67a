import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLog, listen, PROGRAMS_ONLY, type Visitors } from '@dpr/runtime';
import { refuseVisitor } from '../../services/runtime/request-origins.ts';
import { createCluster } from './cluster.ts';

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.alloc(16).toString('base64'),
};

type Answer = { readonly status: number; readonly text: string };

/** Asks like a browser, which may be for a WebSocket. */
function ask(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, agent: false });
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, text: '' });
    });
    asked.on('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, text: body }), reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('visitors', () => {
  const LOCAL: Visitors = { origins: ['https://app.example.com'], hostNames: ['devbox.lan'] };

  it('come in from pages that are named exactly, and from no other', () => {
    assert.equal(refuseVisitor({ origin: 'https://app.example.com' }, LOCAL), undefined);
    for (const origin of [
      'https://evil.example',
      'http://app.example.com',
      'https://app.example.com.evil.example',
      'null',
      '',
    ]) {
      assert.match(
        refuseVisitor({ origin }, LOCAL) ?? '',
        /may not use this port: add the origin to dpr:allowedOrigins/,
      );
      assert.notEqual(refuseVisitor({ origin }, PROGRAMS_ONLY), undefined);
    }
  });

  it('come in by an address, by localhost and by names that are given', () => {
    const names = [
      '127.0.0.1:6379',
      '127.0.0.1',
      '[::1]:6379',
      '10.0.0.7:1',
      'localhost:6379',
      'LOCALHOST',
      'x.localhost:1',
      'devbox.lan:6379',
      'devbox.lan.',
    ];
    for (const host of names) assert.equal(refuseVisitor({ host }, LOCAL), undefined, host);
    for (const host of [
      'evil.example:6379',
      'localhost.evil.example',
      'notlocalhost',
      '127.0.0.1.evil.example',
      'devbox.lan.evil',
      '',
    ]) {
      assert.match(
        refuseVisitor({ host }, LOCAL) ?? '',
        /is not a name of this cluster: use localhost or an IP address/,
        host,
      );
      assert.equal(refuseVisitor({ host }, PROGRAMS_ONLY), undefined, 'where no names are checked');
    }
    assert.equal(refuseVisitor({}, LOCAL), undefined, 'HTTP/1.0, which no browser speaks');
  });

  it('are told why in few words, with anything that they send', () => {
    assert.ok((refuseVisitor({ origin: 'x'.repeat(60_000) }, LOCAL) ?? '').length < 300);
  });
});

describe('a listener', () => {
  it('holds no connection open that it turned away, though the peer never closes it', async () => {
    const owner = { opened: () => undefined, frames: () => undefined, closed: () => undefined };
    const tokens = { control: undefined, client: undefined };
    const options = { host: '127.0.0.1', port: 0, log: createLog('silent', {}), roles: [], elsewhere: '', tokens };
    const listener = await listen(options, owner);
    try {
      const socket = connect({ host: '127.0.0.1', port: listener.port, allowHalfOpen: true });
      const lines = Object.entries({ host: 'localhost', origin: 'https://evil.example', ...UPGRADE });
      socket.write(`GET / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
      let answer = '';
      socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
      await once(socket, 'end');
      assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n[^]*may not use this port/);
      // A socket that is gone over there answers what is still sent with a reset.
      const gone = new Promise((resolve) => socket.on('close', resolve));
      socket.on('error', () => undefined);
      const sending = setInterval(() => socket.write('x'), 5);
      await gone;
      clearInterval(sending);
    } finally {
      await listener.close();
    }
  });
});

describe('every port of a Finder and a worker', () => {
  it('refuses pages of browsers, and names that are not its own', async () => {
    const cluster = await createCluster(1);
    try {
      const allowed = 'https://app.example.com';
      const variables = { DPR_ALLOWED_ORIGINS: allowed, DPR_HOST_NAMES: '' };
      await cluster.startFinder(variables).event('serving');
      await cluster.startWorker(0, variables).event('serving');
      const publicPorts = [cluster.ports.finder, cluster.workerPort(0)];
      const adminPorts = [cluster.ports.admin, cluster.workerAdminPort(0)];
      const evil = { origin: 'https://evil.example' };
      const rebound = { host: 'evil.example:6379' };
      for (const port of [...publicPorts, cluster.ports.control]) {
        assert.equal((await ask(port, '/', UPGRADE)).status, 101, 'a program');
        for (const strange of [evil, rebound]) {
          assert.equal((await ask(port, '/', { ...UPGRADE, ...strange })).status, 403);
          assert.equal((await ask(port, '/', strange)).status, 403);
        }
        const welcome = await ask(port, '/', { ...UPGRADE, origin: allowed });
        assert.equal(welcome.status, publicPorts.includes(port) ? 101 : 403, 'a page that is allowed');
      }
      for (const port of adminPorts) {
        assert.equal((await ask(port, '/metrics', {})).status, 200, 'a scraper');
        for (const strange of [evil, rebound, { origin: allowed }]) {
          for (const path of ['/metrics', '/live']) assert.equal((await ask(port, path, strange)).status, 403);
        }
      }
      assert.match(
        (await ask(cluster.ports.finder, '/', { ...UPGRADE, ...rebound })).text,
        /'evil.example:6379' is not a name/,
      );
    } finally {
      await cluster.close();
    }
  });
});
