import assert from 'node:assert/strict';
import { EXIT } from '@dpr/runtime/exit-codes';
import { afterDeath, deathText, SERVED_WELL_MS } from '../../services/local/restart-policy.ts';

const killed = { code: null, signal: 'SIGKILL' } as const;

/** The pauses before the first starts in a row of a process that serves for so long each time. */
function pauses(count: number, servedMs: number): number[] {
  let failures = 0;
  return Array.from({ length: count }, () => {
    const verdict = afterDeath(killed, failures, servedMs);
    assert.equal(verdict.kind, 'restart');
    if (verdict.kind === 'restart') failures = verdict.failures;
    return verdict.kind === 'restart' ? verdict.pauseMs : NaN;
  });
}

describe('after the death of a process', () => {
  it('it starts again: at once, then after pauses that grow up to a limit', () => {
    assert.deepEqual(pauses(9, 0), [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert.deepEqual(pauses(3, SERVED_WELL_MS - 1), [0, 100, 200]);
  });

  it('it starts at once, however often it dies, if it served for a while in between', () => {
    assert.deepEqual(pauses(5, SERVED_WELL_MS), [0, 0, 0, 0, 0]);
  });

  it('it starts again whatever its exit code, but for those by which it left or an administrator must act', () => {
    for (const code of Object.values(EXIT)) {
      const verdict = afterDeath({ code, signal: null }, 0, 0);
      if (code === EXIT.left) assert.deepEqual(verdict, { kind: 'rest', phase: 'left' });
      else if (code === EXIT.refused || code === EXIT.damaged || code === EXIT.volumeLost) {
        assert.deepEqual(verdict, { kind: 'rest', phase: 'halted' });
      } else assert.equal(verdict.kind, 'restart');
    }
  });

  it('the reason is told in words', () => {
    assert.equal(deathText(killed, 'an old error'), 'was killed by SIGKILL');
    assert.equal(deathText({ code: null, signal: 'SIGABRT' }, 'out of memory'), 'was killed by SIGABRT: out of memory');
    assert.equal(deathText({ code: EXIT.config, signal: null }, 'no disk'), 'cannot run as configured: no disk');
    assert.equal(deathText({ code: 3, signal: null }, undefined), 'exited with code 3');
    const error = new Error('spawn kv ENOENT');
    assert.equal(deathText({ code: null, signal: null, error }, undefined), 'could not be started: spawn kv ENOENT');
  });

  it('every exit code of the project has words of its own', () => {
    for (const code of Object.values(EXIT)) assert.ok(!deathText({ code, signal: null }, undefined).includes('code'));
  });
});
