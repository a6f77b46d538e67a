import assert from 'node:assert/strict';
import { EXIT, OUT_OF_MEMORY } from '@dpr/runtime/exit-codes';
import { saidIn } from '../../services/local/log-lines.ts';
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

  it('it starts again with any exit code, but for those by which it left or an administrator must act', () => {
    for (const code of Object.values(EXIT)) {
      const verdict = afterDeath({ code, signal: null }, 0, 0);
      if (code === EXIT.left) assert.deepEqual(verdict, { kind: 'rest', phase: 'left' });
      else if ([EXIT.refused, EXIT.damaged, EXIT.volumeLost, EXIT.tooLarge].some((halting) => halting === code)) {
        assert.deepEqual(verdict, { kind: 'rest', phase: 'halted' });
      } else assert.equal(verdict.kind, 'restart');
    }
  });

  it('the reason is told in words', () => {
    assert.equal(deathText({ code: null, signal: 'SIGTERM' }, undefined), 'was killed by SIGTERM');
    assert.equal(deathText({ code: null, signal: 'SIGABRT' }, 'assertion'), 'was killed by SIGABRT: assertion');
    assert.equal(deathText({ code: EXIT.config, signal: null }, 'no disk'), 'cannot run as configured: no disk');
    assert.equal(deathText({ code: 3, signal: null }, undefined), 'exited with code 3');
    const error = new Error('spawn kv ENOENT');
    assert.equal(deathText({ code: null, signal: null, error }, undefined), 'could not be started: spawn kv ENOENT');
  });

  it('memory that ran out is told as such, by signal and by the code that a shell makes of it', () => {
    const { aborted, killed: byTheSystem } = OUT_OF_MEMORY;
    const full = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
    for (const death of [
      { code: null, signal: aborted.signal },
      { code: aborted.code, signal: null },
    ]) {
      assert.match(deathText(death, full), /^ran out of memory: its heap is full\. Give it more, by NODE_OPTIONS/);
    }
    for (const death of [killed, { code: byTheSystem.code, signal: null }]) {
      assert.match(deathText(death, 'an old error'), /^was killed by SIGKILL: by hand, or .* ran out of memory/);
      assert.equal(afterDeath(death, 0, 0).kind, 'restart');
    }
    assert.deepEqual(saidIn(full), { severity: 'fatal', text: full });
  });

  it('every exit code of the project has words of its own', () => {
    for (const code of Object.values(EXIT)) assert.ok(!deathText({ code, signal: null }, undefined).includes('code'));
  });
});
