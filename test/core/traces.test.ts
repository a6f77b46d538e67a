import assert from 'node:assert/strict';
import { checkGoldenFile } from '../protocol/golden-file.ts';
import { makeTraces } from './traces.ts';

describe('the traces of sessions for other languages', () => {
  const { about, traces } = makeTraces();

  it('are those that the core gives', () => checkGoldenFile('traces.json', { about, traces }));

  it('show what their names say', () => {
    const tells = (name: string): string => {
      const found = traces.find((trace) => trace.name.startsWith(name));
      assert.ok(found, name);
      return JSON.stringify(found.steps.flatMap((step) => step.tells));
    };
    const sends = (name: string): (readonly [number | null, string])[] => {
      const found = traces.find((trace) => trace.name.startsWith(name));
      assert.ok(found, name);
      return found.steps.flatMap((step) => step.sends.map(({ worker, frame }) => [worker, frame.kind] as const));
    };
    assert.match(tells('replies out of order'), /"committed","calls":\[1,2\].*"committed","calls":\[3,4,5\]/);
    assert.match(tells('a rollback: answered'), /"lastSurvivor":2,"unanswered":\[2\],"exceptions":\[\],"lost":\[3\]/);
    assert.match(tells('two rollbacks in a row: the decisions'), /"lost":\[2,3\]/);
    assert.match(tells('two rollbacks in a row: the second'), /"lost":\[2\]/);
    assert.match(
      tells('a removed worker'),
      /"failed","call":2,"code":"workerRemoved","sent":true.*"committed","calls":\[1\]/,
    );
    for (const name of ['expiry: the worker', 'expiry: the table', 'expiry: a batch']) {
      assert.match(tells(name), /"ended","code":"sessionExpired"/, name);
    }
    assert.match(tells('history lost'), /"ended","code":"historyLost"/);
    assert.deepEqual(sends('the end').at(-1), [0, 'sessionEnded']);
    assert.deepEqual(
      sends('a broken connection').map(([, kind]) => kind),
      ['batch', 'commit', 'batch', 'batch', 'batch', 'batch', 'commit'],
    );
  });
});
