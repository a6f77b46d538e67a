import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { connectOperator, UnauthorizedError } from '@dpr/client';
import { WebSocket } from 'ws';
import { makePlace, operatorOf, tearDown, type Place } from './harness.ts';

const BROWSER = { origin: 'https://evil.example' };

/** What a port answers to the request for a WebSocket. */
async function statusOf(port: number, headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(() => 101);
  const refused = once(socket, 'unexpected-response').then(
    ([, response]) => (response as { statusCode: number }).statusCode,
  );
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}

describe('a cluster on this machine, its doors', () => {
  afterEach(tearDown);

  const tokenOf = ({ data }: Place) => readFileSync(path.join(data, 'control-token'), 'utf8').trim();

  function operatorWith({ cluster, control }: Place, controlToken: string) {
    return connectOperator({ cluster, control, controlToken });
  }

  it('has a control port that asks for a token, which the user alone can read, and which outlives a restart', async () => {
    const place = await makePlace();
    const run = await place.start();
    await assert.rejects(operatorWith(place, ''), UnauthorizedError);
    await assert.rejects(operatorWith(place, '0'.repeat(32)), UnauthorizedError);
    assert.equal(statSync(path.join(place.data, 'control-token')).mode & 0o777, 0o600);
    const token = tokenOf(place);
    assert.ok(
      !readFileSync(path.join(place.data, 'cluster.json'), 'utf8').includes(token),
      'which every user can read',
    );
    assert.equal((await (await operatorOf(place)).status()).workers.length, 2);
    await run.stop();
    const again = await place.start();
    assert.equal(tokenOf(place), token);
    await again.stop();
    rmSync(path.join(place.data, 'control-token'));
    await place.start();
    assert.notEqual(tokenOf(place), token, 'where it was removed');
    assert.equal((await (await operatorOf(place)).status()).workers.length, 2);
  });

  it('asks for the token of the config where that has one', async () => {
    const controlToken = 'of-the-config-0123456789';
    const place = await makePlace({ workers: [{ id: 0 }], controlToken });
    await place.start();
    assert.throws(() => tokenOf(place), /ENOENT/);
    await assert.rejects(operatorWith(place, ''), UnauthorizedError);
    const operator = await operatorWith(place, controlToken);
    assert.equal((await operator.status()).workers.length, 1);
    operator.close();
  });

  it('lets no page of a browser in at any port, but for origins and names of the config at public ones', async () => {
    const origin = 'https://app.example.com';
    const place = await makePlace({ workers: [{ id: 0 }], allowedOrigins: [origin], hostNames: ['devbox.lan'] });
    await place.start();
    const ports = ['dpr-finder', 'counter-0'].map((name) => place.process(name)?.ports);
    const publicPorts = ports.map((own) => own?.public ?? 0);
    const control = ports.map((own) => own?.control ?? 0).filter((port) => port > 0);
    for (const port of [...publicPorts, ...control]) {
      assert.equal(await statusOf(port, {}), 101);
      assert.equal(await statusOf(port, { host: `devbox.lan:${port}` }), 101);
      assert.equal(await statusOf(port, BROWSER), 403);
      assert.equal(await statusOf(port, { host: 'evil.example' }), 403);
      assert.equal(await statusOf(port, { origin }), publicPorts.includes(port) ? 101 : 403);
    }
    for (const own of ports) {
      const url = `http://127.0.0.1:${own?.admin ?? 0}/metrics`;
      assert.equal((await fetch(url)).status, 200);
      assert.equal((await fetch(url, { headers: { origin } })).status, 403);
    }
  });

  it('tells in one line when other machines are let in without a token', async () => {
    const place = await makePlace({ workers: [{ id: 0 }] });
    const run = place.launch({ options: ['--host', '0.0.0.0'] });
    const { text } = await run.line('warning');
    assert.match(String(text), /^--host 0\.0\.0\.0 lets other machines in, .* set dpr:clientToken in the config/);
    await run.line('serving');
    await run.stop();
    place.edit({ workers: [{ id: 0 }], clientToken: 'of-the-config-0123456789' });
    const quiet = await place.start({ options: ['--host', '0.0.0.0'] });
    assert.deepEqual(
      quiet.lines.filter(({ event }) => event === 'warning'),
      [],
    );
  });
});
