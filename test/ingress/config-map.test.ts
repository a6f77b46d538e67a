import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { countAbortListeners } from '../abort-listeners.ts';
import {
  MAX_LINE_BYTES,
  podAccount,
  WATCH_LIMITS,
  watchOnce,
  type WatchOptions,
} from '../../services/ingress/config-map.ts';

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
  let established: number;

  beforeEach(async () => {
    changed = [];
    failed = [];
    established = 0;
    server = createServer({ key: pem('key'), cert: pem('cert') }, (request, response) =>
      answer(new URL(request.url ?? '', 'https://api'), response, request),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const watch = (own: Partial<WatchOptions> = {}) =>
    watchOnce({
      account: {
        host: '127.0.0.1',
        port: String((server.address() as AddressInfo).port),
        namespace: 'dpr',
        ca: () => Promise.resolve(pem('cert')),
        token: () => Promise.resolve('a-token'),
      },
      name: 'dpr-ingress',
      key: 'nginx.conf',
      changed: (text) => changed.push(text),
      established: () => (established += 1),
      failed: (reason) => failed.push(reason),
      signal: AbortSignal.timeout(60_000),
      ...own,
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
    assert.equal(established, 1);
    assert.deepEqual(asked, [
      '/api/v1/namespaces/dpr/configmaps/dpr-ingress Bearer a-token',
      '/api/v1/namespaces/dpr/configmaps?watch=true&timeoutSeconds=15&fieldSelector=metadata.name%3Ddpr-ingress&resourceVersion=41 Bearer a-token',
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

  it('ends with the key of what is no ConfigMap, and with what to do', async () => {
    const remedy = 'See that KUBERNETES_SERVICE_HOST leads to an API server of Kubernetes, 1.29 or later';
    const now = JSON.stringify(configMap('one', '1'));
    const wrong: [first: string, change: string, problem: string][] = [
      [
        '<html>',
        '',
        'the ConfigMap dpr-ingress of the API server cannot be used: it is no JSON, and begins with "<html>"',
      ],
      ['{}', '', 'the ConfigMap dpr-ingress of the API server cannot be used: metadata is missing'],
      [
        JSON.stringify({ ...configMap('one', '1'), data: { 'nginx.conf': 7 } }),
        '',
        "the ConfigMap dpr-ingress of the API server cannot be used: data['nginx.conf'] is a number and not a string",
      ],
      [
        now,
        '{"type":"MODIFIED"}\n',
        'a change of the ConfigMap dpr-ingress of the API server cannot be used: object is missing',
      ],
    ];
    for (const [first, change, problem] of wrong) {
      answer = (url, response) => void response.end(url.searchParams.has('watch') ? change : first);
      await watch();
      assert.deepEqual(failed.splice(0), [`${problem}. ${remedy}`]);
    }
  });

  it('ends when the API server falls silent, wherever that is', async () => {
    const limitsOf = (ms: number) => ({ answerMs: ms, watchSeconds: 0, graceMs: ms });
    const part = JSON.stringify(configMap('one', '1'));
    const silences: (typeof answer)[] = [
      () => undefined, // at the first question
      (_url, response) => void response.write(part.slice(0, 10)), // in the middle of the answer
      (url, response) => {
        if (!url.searchParams.has('watch')) response.end(part);
      }, // when the watch should begin
      (url, response) => {
        if (!url.searchParams.has('watch')) return void response.end(part);
        response.write(event('MODIFIED', configMap('two', '2'))); // and then nothing more, neither an event nor an end
      },
    ];
    for (const [at, silence] of silences.entries()) {
      answer = silence;
      // What is answered before a silence must arrive in time.
      await watch({ limits: limitsOf(at < 2 ? 50 : 1_000) });
      assert.deepEqual(failed.splice(0), ['the API server is silent']);
    }
    assert.deepEqual(changed, ['one', 'one', 'two']);
    assert.equal(established, 1);
  });

  it('is begun again soon enough that a death in silence is noticed within 30 s', () => {
    const { answerMs, watchSeconds, graceMs } = WATCH_LIMITS;
    assert.ok(2 * answerMs + watchSeconds * 1_000 + graceMs <= 30_000);
  });

  it('goes on when the certificate authority and the token are renewed', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'dpr-'));
    const renew = async (ca: string, token: string) => {
      await writeFile(path.join(directory, 'ca.crt'), ca);
      await writeFile(path.join(directory, 'token'), token);
    };
    await writeFile(path.join(directory, 'namespace'), 'dpr');
    await renew(rootCertificates[0] ?? '', 'an-old-token');
    const tokens = new Set<string | undefined>();
    answer = (url, response, { headers }) => {
      tokens.add(headers.authorization);
      response.end(url.searchParams.has('watch') ? '' : JSON.stringify(configMap('one', '1')));
    };
    const port = String((server.address() as AddressInfo).port);
    const account = await podAccount(
      { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port },
      directory,
    );
    await watch({ account });
    assert.match(failed.splice(0).join(), /certificate/);
    await renew(pem('cert'), 'a-new-token');
    await watch({ account });
    assert.deepEqual([changed, failed, [...tokens]], [['one'], [], ['Bearer a-new-token']]);
    await rm(directory, { recursive: true });
  });

  it('takes a line as long as its limit, and ends at one that is longer', async () => {
    const lineOf = (bytes: number) =>
      event('MODIFIED', configMap('x'.repeat(bytes - event('MODIFIED', configMap('', '2')).length), '2'));
    let line = lineOf(MAX_LINE_BYTES);
    answer = (url, response) =>
      response.end(url.searchParams.has('watch') ? line : JSON.stringify(configMap('one', '1')));
    await watch();
    assert.deepEqual([changed.length, failed], [2, []]);
    line = lineOf(MAX_LINE_BYTES + 1);
    await watch();
    assert.deepEqual([changed.length, failed], [3, [`the API server sends more than ${MAX_LINE_BYTES} bytes at once`]]);
  });

  it('leaves nothing at the signal that it is given, however often it is begun again', async () => {
    answer = (url, response) =>
      response.end(url.searchParams.has('watch') ? '' : JSON.stringify(configMap('one', '1')));
    const { signal } = new AbortController();
    const { most, combined } = await countAbortListeners(async () => {
      for (let time = 0; time < 20; time++) await watch({ signal });
    });
    assert.deepEqual([changed.length, combined], [20, 0]);
    assert.ok(most <= 2, `${most} listeners at once`);
  });
});
