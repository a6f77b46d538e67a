import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  measureSilence,
  QUESTION_MS,
  RESTART_AFTER_MS,
  SILENT_AFTER_MS,
  watchLiveness,
} from '../../services/local/liveness.ts';
import { deathText } from '../../services/local/restart-policy.ts';

describe('the silence of a process', () => {
  it('is the time since it answered', () => {
    const silence = measureSilence();
    silence.answered();
    assert.equal(silence.passed(QUESTION_MS), QUESTION_MS);
    assert.equal(silence.passed(QUESTION_MS), 2 * QUESTION_MS);
    silence.answered();
    assert.equal(silence.passed(QUESTION_MS), QUESTION_MS);
  });

  it('does not begin before it answered for the first time', () => {
    const silence = measureSilence();
    for (let step = 0; step < 100; step++) assert.equal(silence.passed(QUESTION_MS), 0);
  });

  it('does not count what the supervisor slept through', () => {
    const silence = measureSilence();
    silence.answered();
    const anHour = 3_600_000;
    assert.ok(silence.passed(anHour) < SILENT_AFTER_MS, 'a suspended machine makes no process silent');
    silence.answered();
    for (let nap = 1; nap < 5; nap++) assert.ok(silence.passed(anHour) < RESTART_AFTER_MS);
  });

  it('is observe within two seconds, and ended long before a connection times out', () => {
    assert.ok(SILENT_AFTER_MS + QUESTION_MS <= 2_000);
    assert.ok(RESTART_AFTER_MS <= 30_000);
  });

  it('is why it was killed', () => {
    const killed = { code: null, signal: 'SIGKILL' } as const;
    assert.equal(
      deathText({ ...killed, silentMs: RESTART_AFTER_MS }, 'something else'),
      'did not answer for 10 s, and was killed',
    );
    assert.match(deathText({ ...killed, silentMs: 0 }, undefined), /^was killed by SIGKILL: by hand/);
  });
});

describe('a process that is asked whether it is live', () => {
  let server: Server | undefined;
  let gone: AbortController;
  beforeEach(() => (gone = new AbortController()));
  afterEach(() => {
    gone.abort();
    server?.closeAllConnections();
    server?.close();
  });

  it('is silent until it answers anything, and is asked on one connection', async () => {
    let answers = true;
    let questions = 0;
    const sockets = new Set<unknown>();
    server = createServer((request, response) => {
      questions++;
      if (answers) sockets.add(request.socket);
      assert.equal(request.url, '/live');
      if (answers) response.writeHead(503).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const observe: number[] = [];
    const silent = new Promise<void>((resolve) => {
      watchLiveness({
        host: '127.0.0.1',
        adminPort: port,
        gone: gone.signal,
        observe(silentMs) {
          if (questions === 3) answers = false;
          if (silentMs === 0) return;
          observe.push(silentMs);
          resolve();
        },
      });
    });
    await silent;
    assert.ok((observe[0] ?? 0) >= SILENT_AFTER_MS);
    assert.ok(questions > 3);
    assert.equal(sockets.size, 1);
  });
});
