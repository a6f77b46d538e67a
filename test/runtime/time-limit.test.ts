import { patience, withPatience } from '@dpr/runtime/time-limit';
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

describe('patience', () => {
  const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

  it('ends with any of its signals, for their reason', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const { signal, end } = patience({ signals: [first.signal, undefined, second.signal] });
    assert.equal(signal.aborted, false);
    const reason = new Error('enough');
    second.abort(reason);
    assert.equal(signal.reason, reason);
    end();
    assert.deepEqual([listeners(first.signal), listeners(second.signal)], [0, 0]);
    assert.equal(patience({ signals: [first.signal, second.signal] }).signal.reason, reason, 'aborted before');
  });

  it('ends when its time is up, with an error that says so or the one given', async () => {
    const wait = (signal: AbortSignal) =>
      pause(60_000, undefined, { signal }).catch(() => Promise.reject(signal.reason as Error));
    await assert.rejects(withPatience({ signals: [], ms: 1 }, wait), {
      name: 'TimeoutError',
      message: 'not done within 1 ms',
    });
    await assert.rejects(withPatience({ signals: [], ms: 1, late: new Error('stuck') }, wait), { message: 'stuck' });
  });

  it('leaves nothing at a signal that outlives the call, however the call ends', async () => {
    const { signal } = new AbortController();
    for (let call = 0; call < 100; call++) {
      await withPatience({ signals: [signal], ms: 60_000 }, (limit) => pause(0, undefined, { signal: limit }));
      await assert.rejects(withPatience({ signals: [signal], ms: 60_000 }, () => Promise.reject(new Error('failed'))));
    }
    assert.equal(listeners(signal), 0);
  });
});
