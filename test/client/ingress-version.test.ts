import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ingressBehind } from '../../services/client/operator/ingress-version.ts';

/** Of those that `fetch` refuses. */
const AVOIDED_PORTS = [6000, 6566, 6665, 10_080];

describe('what the ingress tells that it serves', () => {
  let server: Server;
  let answer: object;

  before(async () => {
    server = createServer((_request, response) => response.end(JSON.stringify(answer))).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  const behind = (told: object) => {
    answer = told;
    return ingressBehind(`127.0.0.1:${(server.address() as AddressInfo).port}`, 'b');
  };

  it('is enough when it is the version, and every Service is found', async () => {
    assert.equal(await behind({ serving: 'b' }), undefined);
    const names = Array.from({ length: 11 }, (_, id) => `s-${id}`);
    assert.equal(await behind({ serving: 'b', unknown: ['s-0'] }), 'the ingress finds no address for s-0');
    assert.match((await behind({ serving: 'b', unknown: names })) ?? '', /s-8, s-9$/);
  });

  it('names what no answer of an ingress has', async () => {
    const port = (server.address() as AddressInfo).port;
    assert.equal(
      await behind({ serving: 7, unknown: ['s', null] }),
      `the ingress does not tell what it serves: the answer of http://127.0.0.1:${port}/configuration cannot be used: ` +
        'serving is a number and not a string, unknown[1] is null and not a string. ' +
        'See that the image of the ingress is of this version',
    );
  });

  it('is asked also at a port that browsers avoid, as 6000 for base port 17000', async () => {
    for (const port of AVOIDED_PORTS) {
      const avoided = createServer((_request, response) => response.end(JSON.stringify({ serving: 'b' })));
      avoided.listen(port, '127.0.0.1');
      const isFree = await Promise.race([
        once(avoided, 'listening').then(() => true),
        once(avoided, 'error').then(() => false),
      ]).catch(() => false);
      if (!isFree) continue;
      try {
        return assert.equal(await ingressBehind(`127.0.0.1:${port}`, 'b'), undefined);
      } finally {
        avoided.close();
      }
    }
    assert.fail('none of these ports is free');
  });

  it('may come later, and the reason is told where there is one', async () => {
    assert.equal(await behind({ serving: 'a' }), 'the ingress serves configuration a, not yet b');
    assert.equal(
      await behind({ serving: 'a', watchFailed: 'the API server is silent' }),
      'the ingress serves configuration a, not yet b: the API server is silent',
    );
    const refused = { version: 'a', reason: 'no' };
    assert.equal(await behind({ refused }), 'the ingress serves configuration none, not yet b');
  });

  it('ends the wait when NGINX refused the version, or a port of it', async () => {
    const closed = { 80: 'bind() to 0.0.0.0:80 failed' };
    await assert.rejects(
      behind({ serving: 'b', closed }),
      /a port that it may not open: bind\(\) to 0\.0\.0\.0:80 failed$/,
    );
    await assert.rejects(
      behind({ serving: 'a', refused: { version: 'b', reason: 'no port' } }),
      /NGINX refuses .*: no port/,
    );
  });
});
