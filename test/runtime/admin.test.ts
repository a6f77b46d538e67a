import { createLog, EXIT, ProcessError } from '@dpr/runtime';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { MAX_ADMIN_CONNECTIONS, serveAdmin, type AdminServer } from '../../services/runtime/admin.ts';
import { gauge, processMetrics, total, writeSeconds } from '../../services/runtime/metrics.ts';

const log = createLog('silent', {});

describe('the admin port', () => {
  let admin: AdminServer;
  let reason: string | undefined;
  let operations = 0;
  const metrics = processMetrics();
  before(async () => {
    total(metrics, 'dpr_operations_total', 'Operations.', () => operations);
    gauge(metrics, 'dpr_world_line', 'World-line.', () => 7);
    writeSeconds(metrics, 'dpr_write_seconds', 'Writes.').observe(0.003);
    admin = await serveAdmin({
      host: '127.0.0.1',
      port: 0,
      log,
      metrics,
      startup: () => undefined,
      ready: () => reason,
    });
  });
  after(() => admin.close());

  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${admin.port}${path}`, init);

  it('answers probes, with the reason in JSON when the answer is no', async () => {
    for (const path of ['/startup', '/ready', '/live', '/ready?verbose=1']) {
      const response = await get(path);
      assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
    }
    reason = 'version 4 is being restored';
    const response = await get('/ready');
    assert.deepEqual([response.status, await response.json()], [503, { ok: false, reason }]);
    assert.equal((await get('/live')).status, 200);
  });

  it('shows metrics as they are when asked for', async () => {
    operations = 5;
    await get('/metrics');
    operations = 12;
    const text = await (await get('/metrics')).text();
    for (const line of ['dpr_operations_total 12', 'dpr_world_line 7', 'dpr_write_seconds_count 1']) {
      assert.ok(text.includes(`\n${line}\n`), line);
    }
    assert.match(text, /\nprocess_resident_memory_bytes \d/);
  });

  it('names its pages in the answer to a request for another one', async () => {
    const missing = await get('/');
    assert.deepEqual(
      [missing.status, await missing.json()],
      [404, { ok: false, reason: 'see /startup, /ready, /live and /metrics' }],
    );
    assert.equal((await get('/ready', { method: 'POST' })).status, 405);
  });

  it('answers again within 5 s when connections that say nothing have taken all of its places', async () => {
    const idle = Array.from({ length: MAX_ADMIN_CONNECTIONS + 8 }, () => connect(admin.port, '127.0.0.1'));
    const began = performance.now();
    await Promise.all(
      idle.map((socket) =>
        once(
          socket.on('error', () => undefined),
          'close',
        ),
      ),
    );
    assert.ok(performance.now() - began < 5_000);
    assert.equal((await get('/live')).status, 200);
  });

  it('fails with the reason when its port is taken', async () => {
    const again = { host: '127.0.0.1', port: admin.port, log, metrics: processMetrics() };
    const probes = { startup: () => undefined, ready: () => undefined };
    await assert.rejects(
      serveAdmin({ ...again, ...probes }),
      new ProcessError(
        `cannot listen at admin port ${admin.port} of 127.0.0.1; another process uses it: stop that one, or choose another port`,
        EXIT.config,
      ),
    );
  });
});
