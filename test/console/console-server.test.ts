import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  MAX_BODY_BYTES,
  MAX_CONNECTIONS,
  REQUEST_TIMEOUT_MS,
  serveHttp,
} from '../../services/console/console-server.ts';
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
        assets: ASSETS,
        secrets: () => ['key', ''],
        hello: () => ({ content: '{"hello":true}', newest: 3 }),
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
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
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

  it('reads no request of more bytes than it may have', async () => {
    const { server, asked } = await open();
    const authorization = 'Bearer key';
    for (const [bytes, status] of [
      [MAX_BODY_BYTES, 200],
      [MAX_BODY_BYTES + 1, 400],
    ] as const) {
      const body = JSON.stringify('x'.repeat(bytes - 2));
      const response = await ask(server.port, '/remove', { authorization }, { method: 'POST', body });
      assert.equal(response.statusCode, status);
    }
    assert.equal(asked.length, 1);
  });

  it('tells all pages what happens, as many as may be open, and that it ends', async () => {
    const { server } = await open();
    const pages = await Promise.all(Array.from({ length: MAX_STREAMS }, () => ask(server.port, '/events')));
    const refused = await ask(server.port, '/events');
    assert.equal(refused.statusCode, 503);
    assert.match(await text(refused), /too many pages are open/);
    assert.equal(server.streams.count(), MAX_STREAMS);
    const told = pages.map(() => '');
    pages.forEach((page, at) => page.on('data', (data: Buffer) => (told[at] = `${told[at] ?? ''}${data.toString()}`)));
    let made = 0;
    server.streams.update((after) => ({ content: JSON.stringify({ after, made: ++made }), newest: 5 }));
    const expected = 'event: hello\ndata: {"hello":true}\n\nevent: update\ndata: {"after":3,"made":1}\n\n';
    await until(() => told.every((all) => all === expected));
    pages[0]?.destroy();
    await until(() => server.streams.count() === MAX_STREAMS - 1);
    assert.equal((await ask(server.port, '/events')).statusCode, 200);
    const closed = server.close('The end.');
    await until(() => told.slice(1).every((all) => all === `${expected}event: stopped\ndata: {"text":"The end."}\n\n`));
    await closed;
  });

  it('tells a page that reads slowly what is so when it has read, and all events since', async () => {
    const { server } = await open();
    const page = await ask(server.port, '/events');
    const large = 'x'.repeat(2 ** 20);
    let newest = 3;
    let skipped = 0;
    // More than the system keeps for a page that does not read.
    for (let turn = 0; turn < 64; turn++) {
      const before = newest;
      server.streams.update((after) => ({ content: JSON.stringify({ after, large }), newest: ++newest }));
      if (newest === before) skipped++;
    }
    assert.ok(skipped > 0, 'the page is not sent what it has no room for');
    const told = newest;
    let last = '';
    page.on('data', (data: Buffer) => (last = `${last}${data.toString()}`.slice(-2 * large.length)));
    await until(() => last.includes(`{"after":${told}`));
  });

  it('closes connections that say nothing, so that they keep no page out', async () => {
    const { server } = await open();
    const silent = Array.from({ length: MAX_CONNECTIONS }, () => connect(server.port, '127.0.0.1'));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    const since = performance.now();
    await until(() => silent.every(({ destroyed }) => destroyed));
    assert.ok(performance.now() - since < 2 * REQUEST_TIMEOUT_MS);
    assert.equal((await ask(server.port, '/')).statusCode, 200);
  });
});
