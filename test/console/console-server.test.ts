import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { serveHttp } from '../../services/console/console-server.ts';
import { MAX_STREAMS } from '../../services/console/event-streams.ts';
import { cleanUp } from '../client/clean-up.ts';
import { until } from '../client/until.ts';

const ASSETS = { html: '<html>', script: 'script', styles: 'styles', licences: 'licences' };

describe('the server of the console', () => {
  const closing = cleanUp();

  async function open() {
    const asked: unknown[] = [];
    const server = closing(
      await serveHttp({
        host: '127.0.0.1',
        port: 0,
        hostNames: ['console.example'],
        assets: ASSETS,
        secrets: () => ['key', ''],
        hello: () => '{"hello":true}',
        actions: {
          '/remove': (body) => {
            asked.push(body);
            return Promise.resolve({ status: 200, text: 'done' });
          },
        },
      }),
    );
    return { server, asked };
  }

  /** `fetch` names the host by itself. */
  async function ask(
    port: number,
    path: string,
    headers: Record<string, string> = {},
    { method = 'GET', body = '' }: { readonly method?: string; readonly body?: string } = {},
  ): Promise<IncomingMessage> {
    const asking = request({ host: '127.0.0.1', port, path, method, headers });
    asking.end(body);
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    return response;
  }

  it('serves the page and what belongs to it, and lets it load nothing else', async () => {
    const { server } = await open();
    for (const [path, content] of [
      ['/', ASSETS.html],
      ['/page.js', ASSETS.script],
      ['/page.css', ASSETS.styles],
      ['/licences.txt', ASSETS.licences],
    ] as const) {
      const response = await ask(server.port, path);
      assert.equal(response.statusCode, 200);
      assert.equal(await text(response), content);
      assert.match(String(response.headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
    }
    assert.equal((await ask(server.port, '/other')).statusCode, 404);
    assert.equal((await ask(server.port, '/', {}, { method: 'POST' })).statusCode, 405);
  });

  it('answers its own page alone, by a name of its own', async () => {
    const { server } = await open();
    const { port } = server;
    const statusFor = async (headers: Record<string, string>) => (await ask(port, '/', headers)).statusCode;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `console.example:${port}`, `[::1]:${port}`]) {
      assert.equal(await statusFor({ host }), 200, host);
      assert.equal(await statusFor({ host, origin: `http://${host}` }), 200, host);
      assert.equal(await statusFor({ host, origin: 'http://evil.example' }), 403, host);
      assert.equal(await statusFor({ host, origin: 'null' }), 403, host);
    }
    assert.equal(await statusFor({ host: 'evil.example' }), 403);
    assert.equal(await statusFor({ host: 'evil.example', origin: 'http://evil.example' }), 403);
    assert.equal((await ask(port, '/events', { host: 'evil.example' })).statusCode, 403);
  });

  it('does what it is asked for by those who show the key', async () => {
    const { server, asked } = await open();
    const post = async (headers: Record<string, string>, body: string) => {
      const response = await ask(server.port, '/remove', headers, { method: 'POST', body });
      return [response.statusCode, JSON.parse(await text(response))] as const;
    };
    const authorization = 'Bearer key';
    assert.deepEqual(await post({ authorization }, '{"worker":1}'), [200, { text: 'done' }]);
    assert.deepEqual(asked, [{ worker: 1 }]);
    for (const wrong of ['Bearer other', 'Bearer ', 'Bearer', 'key', '']) {
      assert.equal((await post({ authorization: wrong }, '{}'))[0], 401, wrong);
    }
    assert.equal((await post({}, '{}'))[0], 401);
    assert.equal((await post({ authorization }, '{'))[0], 400);
    assert.equal((await post({ authorization, origin: 'http://evil.example' }, '{}'))[0], 403);
    assert.equal((await ask(server.port, '/remove', { authorization })).statusCode, 405);
    assert.equal(asked.length, 1);
  });

  it('reads no request of more than 4,096 bytes', async () => {
    const { server, asked } = await open();
    const authorization = 'Bearer key';
    for (const [bytes, status] of [
      [4_096, 200],
      [4_097, 400],
    ] as const) {
      const body = JSON.stringify('x'.repeat(bytes - 2));
      const response = await ask(server.port, '/remove', { authorization }, { method: 'POST', body });
      assert.equal(response.statusCode, status);
    }
    assert.equal(asked.length, 1);
  });

  it('tells all pages what happens, as many as may be open', async () => {
    const { server } = await open();
    const pages = await Promise.all(Array.from({ length: MAX_STREAMS }, () => ask(server.port, '/events')));
    assert.equal((await ask(server.port, '/events')).statusCode, 503);
    assert.equal(server.streams.count(), MAX_STREAMS);
    const told = pages.map(() => '');
    pages.forEach((page, at) => page.on('data', (data: Buffer) => (told[at] = `${told[at] ?? ''}${data.toString()}`)));
    server.streams.send('update', '{"now":1}');
    const expected = 'event: hello\ndata: {"hello":true}\n\nevent: update\ndata: {"now":1}\n\n';
    await until(() => told.every((all) => all === expected));
    pages[0]?.destroy();
    await until(() => server.streams.count() === MAX_STREAMS - 1);
    assert.equal((await ask(server.port, '/events')).statusCode, 200);
  });
});
