import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { watchOnce } from '../../services/ingress/config-map.ts';

const pem = (name: string) => readFileSync(new URL(`../client/tls/${name}.pem`, import.meta.url), 'utf8');
const configMap = (text: string, resourceVersion: string) => ({
  metadata: { name: 'dpr-ingress', resourceVersion },
  data: { 'nginx.conf': text },
});
const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

describe('the watch of the ConfigMap', () => {
  let server: Server;
  let answer: (url: URL, response: ServerResponse, request: IncomingMessage) => void;
  let changed: string[];
  let failed: string[];

  beforeEach(async () => {
    changed = [];
    failed = [];
    server = createServer({ key: pem('key'), cert: pem('cert') }, (request, response) =>
      answer(new URL(request.url ?? '', 'https://api'), response, request),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const watch = () =>
    watchOnce({
      account: {
        host: '127.0.0.1',
        port: String((server.address() as AddressInfo).port),
        namespace: 'dpr',
        ca: pem('cert'),
        token: () => Promise.resolve('a-token'),
      },
      name: 'dpr-ingress',
      key: 'nginx.conf',
      changed: (text) => changed.push(text),
      failed: (reason) => failed.push(reason),
      signal: AbortSignal.timeout(60_000),
    });

  it('tells the text as it is, then every change, and goes on serving one that was deleted', async () => {
    const asked: string[] = [];
    answer = (url, response, { headers }) => {
      asked.push(`${url.pathname}${url.search} ${headers.authorization ?? ''}`);
      if (!url.searchParams.has('watch')) return void response.end(JSON.stringify(configMap('one', '41')));
      response.write(event('MODIFIED', configMap('two', '42')));
      response.write(event('DELETED', configMap('two', '43')));
      response.end(event('ADDED', configMap('three', '44')));
    };
    await watch();
    assert.deepEqual(changed, ['one', 'two', 'three']);
    assert.deepEqual(failed, []);
    assert.deepEqual(asked, [
      '/api/v1/namespaces/dpr/configmaps/dpr-ingress Bearer a-token',
      '/api/v1/namespaces/dpr/configmaps?watch=true&timeoutSeconds=240&fieldSelector=metadata.name%3Ddpr-ingress&resourceVersion=41 Bearer a-token',
    ]);
  });

  it('ends with the reason when the API server refuses, or no longer knows the version', async () => {
    answer = (_url, response) => {
      response.statusCode = 403;
      response.end('{"message":"configmaps is forbidden"}');
    };
    await watch();
    answer = (url, response) => {
      const watching = url.searchParams.has('watch');
      response.end(watching ? event('ERROR', { message: 'too old' }) : JSON.stringify(configMap('one', '1')));
    };
    await watch();
    assert.deepEqual(failed, [
      'the API server answers 403: {"message":"configmaps is forbidden"}',
      'the API server says too old',
    ]);
  });
});
