import assert from 'node:assert/strict';
import { addTo, makePlace, metricsOf, operatorOf, type Place, tearDown, until } from './harness.ts';

/** What a process counts under a name. */
async function metricOf(place: Place, process: string, name: string): Promise<number> {
  const text = await metricsOf(place, process);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('a process that stands still', () => {
  afterEach(tearDown);

  it('is shown as silent, with what it holds up, and is restarted: a worker', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 5);
    const operator = await operatorOf(place);
    const frozen = place.kill('counter-1', 'SIGSTOP');

    const silent = await run.line('processSilent');
    assert.deepEqual([silent.process, silent.restartAfterMs], ['counter-1', 10_000]);
    assert.equal(silent.holdsUp, 'nothing that depends on worker 1 commits');
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'silent' && pid === frozen);
    const member = await until('the Finder tells of it', async () => {
      const { workers } = await operator.status();
      return workers.find(({ state }) => state === 'silent');
    });
    assert.equal(member.id, 1);
    assert.ok(member.silentMs > 0);
    assert.equal(await metricOf(place, 'dpr-finder', 'dpr_finder_members{state="silent"}'), 1);

    const ended = await run.line('processEnded');
    assert.deepEqual([ended.process, ended.reason], ['counter-1', 'did not answer for 10 s, and was killed']);
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'serving' && pid !== frozen);
    assert.deepEqual(await addTo(place, [0, 1], 1), [6, 6]);
    assert.equal(await metricOf(place, 'dpr-finder', 'dpr_finder_members{state="silent"}'), 0);
    const says = run.lines.filter(({ event }) => event === 'processSays' || event === 'warning');
    assert.deepEqual(
      says.filter(({ text }) => String(text).includes('silent')),
      [],
      'it is told once',
    );
  });

  it('is shown as silent until it goes on: the Finder', async () => {
    const place = await makePlace();
    const run = await place.start();
    await addTo(place, [0, 1], 5);
    place.kill('dpr-finder', 'SIGSTOP');
    const silent = await run.line('processSilent');
    assert.deepEqual([silent.process, silent.holdsUp], ['dpr-finder', 'nothing commits']);
    await until(
      'a worker tells of it',
      async () => (await metricOf(place, 'counter-0', 'dpr_worker_finder_silent')) === 1,
    );
    place.kill('dpr-finder', 'SIGCONT');
    assert.equal((await run.line('processAnswers')).process, 'dpr-finder');
    await place.processIs('dpr-finder', ({ phase, restarts }) => phase === 'serving' && restarts === 0);
    assert.deepEqual(await addTo(place, [0, 1], 1), [6, 6]);
    await until(
      'the worker hears it',
      async () => (await metricOf(place, 'counter-0', 'dpr_worker_finder_silent')) === 0,
    );
  });
});
