import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addTo, clientOf, makePlace, tearDown, until, worldLineOf } from './harness.ts';

describe('a process that dies', () => {
  afterEach(tearDown);

  it('is restarted at once: a worker, at the cost of one rollback, and a session goes on with what it lost', async () => {
    const place = await makePlace();
    const run = await place.start();
    const session = (await clientOf(place)).session({ replay: true });
    assert.equal(await session.counter(0).add(300), 300n);
    await session.commit();
    await run.line('status', (line) => line.worldLine !== null);
    const worldLine = await worldLineOf(place);
    const killed = place.kill('counter-0');
    assert.equal(await session.counter(0).add(300), 600n);
    const { restarts } = await place.processIs('counter-0', ({ phase, pid }) => phase === 'serving' && pid !== killed);
    assert.equal(restarts, 1);
    assert.equal(await worldLineOf(place), worldLine + 1);
    const ended = await run.line('processEnded');
    assert.deepEqual([ended.process, ended.restartInMs], ['counter-0', 0]);
    assert.match(String(ended.reason), /^was killed by SIGKILL/);
    assert.equal((await run.line('worldLine')).worldLine, worldLine + 1);
  });

  it('is restarted at once: the Finder, which rolls nothing back', async () => {
    const place = await makePlace();
    await place.start();
    await addTo(place, [0, 1], 2);
    const worldLine = await worldLineOf(place);
    place.kill('dpr-finder');
    assert.deepEqual(await addTo(place, [0, 1], 3), [5, 5]);
    assert.equal(await worldLineOf(place), worldLine);
  });

  it('keeps being restarted, after longer and longer pauses, with the reason', async () => {
    const command = ['node', '-e', "throw new Error('no disk today')"];
    const place = await makePlace({ workers: [{ id: 0 }, { id: 4, type: 'kv' }], commands: { kv: command } });
    const run = place.launch();
    const pauses = await until('four deaths', () => {
      const ends = run.lines.filter((line) => line.event === 'processEnded' && line.process === 'kv-4');
      return ends.length >= 4 && ends.slice(0, 4).map(({ restartInMs }) => restartInMs);
    });
    assert.deepEqual(pauses, [0, 100, 200, 400]);
    const { reason } = await run.line('processEnded');
    assert.equal(reason, 'exited with code 1: Error: no disk today');
    await place.processIs('counter-0', ({ phase, restarts }) => phase === 'serving' && restarts === 0);
  });

  it('and that the system refuses to start is tried again like any other', async () => {
    const command = ['node', '-e', '/'.repeat(4 * 1024 * 1024)]; // longer than systems take
    const place = await makePlace({ workers: [{ id: 0 }, { id: 4, type: 'kv' }], commands: { kv: command } });
    const run = place.launch();
    const { reason } = await run.line('processEnded', ({ restartInMs }) => restartInMs === 200);
    assert.equal(reason, 'could not be started: spawn E2BIG');
    await place.processIs('counter-0', ({ phase, restarts }) => phase === 'serving' && restarts === 0);
    assert.equal(await run.stop(), 0);
  });

  it('and that the cluster refuses stays down until the config is saved', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 5);
    assert.equal(await run.stop(), 0);
    const volume = path.join(place.data, 'counter-1');
    for (const name of readdirSync(volume)) rmSync(path.join(volume, name), { recursive: true });

    const again = place.launch();
    const ended = await again.line('processEnded');
    assert.equal(ended.process, 'counter-1');
    assert.match(
      String(ended.reason),
      /^was refused by the cluster or by its volume: .*its volume does not hold that checkpoint/,
    );
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'halted' && pid === null);
    const before = again.lines.length;
    again.signal('SIGHUP');
    await again.line('processStarted', (line) => line.process === 'counter-1', before);
  });
});
