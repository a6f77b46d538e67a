import { closedLoop, openLoop } from '@dpr/bench';
import assert from 'node:assert/strict';

const NS_PER_MS = 1e6;

/** A line whose batches are answered at once, a turn later. */
function promptLine() {
  const line = {
    underWay: 0,
    most: 0,
    issue: (answered: () => void) => {
      line.most = Math.max(line.most, ++line.underWay);
      setImmediate(() => {
        line.underWay--;
        answered();
      });
    },
  };
  return line;
}

describe('a closed loop', () => {
  it('keeps as many batches in flight on each line as it is told, and waits for the last', async () => {
    const lines = [promptLine(), promptLine()];
    const { batches, ms } = await closedLoop(lines, 3, 20);
    assert.ok(batches >= 6 && ms >= 20);
    assert.deepEqual(
      lines.map(({ underWay, most }) => [underWay, most]),
      [
        [0, 3],
        [0, 3],
      ],
    );
  });
});

describe('an open loop', () => {
  it('issues every batch that is due, in turns', async () => {
    const lines = [promptLine(), promptLine(), promptLine()];
    const latencies = await openLoop(lines, 1_000, 30);
    assert.equal(latencies.count, 30);
    assert.ok(latencies.min >= 1);
  });

  it('does not count what its lead issued', async () => {
    let asked = 0;
    const line = {
      issue(answered: () => void) {
        asked++;
        setImmediate(answered);
      },
    };
    const latencies = await openLoop([line], 1_000, 30, 20);
    assert.deepEqual([asked, latencies.count], [50, 30]);
  });

  it('counts a stall for everything that was due meanwhile, not for one batch', async () => {
    const STALL_MS = 60;
    let asked = 0;
    const stalling = {
      issue(answered: () => void) {
        asked++;
        if (asked === 1) for (const end = performance.now() + STALL_MS; performance.now() < end;);
        setImmediate(answered);
      },
    };
    const latencies = await openLoop([stalling], 1_000, 50);
    assert.equal(latencies.count, 50);
    // All fifty came due during the stall; a closed loop would have seen one slow batch and forty-nine fast ones.
    assert.ok(latencies.percentile(50) >= (STALL_MS / 2) * NS_PER_MS);
  });
});
