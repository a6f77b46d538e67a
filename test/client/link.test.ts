import { ConnectError, limits } from '@dpr/client';
import { nodeHost } from '@dpr/runtime/node-host';
import { pauseMs } from '@dpr/runtime/reconnection';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { isDefinite, LINK_TIMES, openLink } from '../../services/client/connection/link.ts';
import { cleanUp } from './clean-up.ts';
import { fakeServer, welcome } from './fake-cluster.ts';
import { until } from './until.ts';

const { MAX_PAUSE_MS, MIN_PAUSE_MS, PAUSE_SHARE_OF_OUTAGE } = limits;

describe('a link', () => {
  const closing = cleanUp();

  it('prolongs an outage by little, and makes few attempts at a long one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3_600_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (away, random) => {
          const pause = pauseMs(LINK_TIMES, away, random);
          assert.ok(pause <= Math.max(MIN_PAUSE_MS, away * PAUSE_SHARE_OF_OUTAGE) && pause <= MAX_PAUSE_MS);
          assert.ok(pause >= MIN_PAUSE_MS / 2);
        },
      ),
    );
    let [attempts, away] = [0, 0];
    for (; away < 250; attempts++) away += pauseMs(LINK_TIMES, away, 0);
    assert.ok(attempts < 20, `${attempts} attempts in the time that a worker takes to come back`);
    assert.ok(away < 250 * (1 + PAUSE_SHARE_OF_OUTAGE));
  });

  it('connects again each time, and drops what it is given meanwhile', async () => {
    const server = closing(await fakeServer({ answer: () => welcome() }));
    const happened: string[] = [];
    const link = closing(
      openLink(
        {
          host: nodeHost,
          address: `ws://127.0.0.1:${server.port}`,
          ca: undefined,
          timing: { attemptTimeoutMs: 10_000, receiveTimeoutMs: 10_000 },
          greeting: () => ({ role: 'client', cluster: undefined, token: '' }),
        },
        {
          opened() {
            happened.push('opened');
            return undefined;
          },
          frames: () => undefined,
          down: () => void happened.push('down'),
        },
      ),
    );
    link.send({ kind: 'refresh', worldLine: 1 });
    for (let round = 0; round < 3; round++) (await server.accept()).cut();
    const peer = await server.accept();
    await until(() => link.isOpen());
    link.send({ kind: 'refresh', worldLine: 2 });
    assert.equal((await peer.next('refresh')).worldLine, 2);
    assert.deepEqual(happened, ['opened', 'down', 'opened', 'down', 'opened', 'down', 'opened']);
    link.close();
    await peer.closed;
    assert.ok(!link.isOpen());
  });

  it('tells a refusal from a network that may come back', () => {
    const failure = (code: string) => new ConnectError('', { cause: Object.assign(new Error(), { code }) });
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'HTTP_403']) assert.ok(isDefinite(failure(code)), code);
    for (const code of ['ETIMEDOUT', 'EAI_AGAIN', 'ECONNRESET', 'HTTP_503'])
      assert.ok(!isDefinite(failure(code)), code);
    assert.ok(!isDefinite(new ConnectError('without a cause')));
  });
});
