import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { bundle, DIST } from '../../scripts/bundle.mjs';

/** Without anything on the path: as on a machine that has neither Redis nor taskset. */
async function bench(...words: string[]) {
  const empty = await mkdtemp(path.join(tmpdir(), 'bench-test-'));
  try {
    const child = spawn(process.execPath, [path.join(DIST, 'bench.js'), ...words], {
      env: { ...process.env, PATH: empty },
    });
    const [exit, output, said] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
    const [code] = exit as [number];
    return { code, output, said };
  } finally {
    await rm(empty, { recursive: true });
  }
}

describe('the benchmark', () => {
  before(bundle);

  it('measures DPR and bare WebSockets, and says what it lacks', async () => {
    const { code, output, said } = await bench('--quick', '--rounds', '1', '--only', 'B=1 c=1 f=1', '--json');
    assert.equal(code, 0, said);
    assert.match(said, /apt-get install redis-server/);
    const { machine, cells } = JSON.parse(output) as {
      machine: { pinning?: string };
      cells: { cell: string; peer: string; operationsPerSecond: { median: number }; latency: { p99: number } }[];
    };
    assert.match(machine.pinning ?? '', /core/);
    assert.deepEqual(
      cells.map(({ cell, peer }) => [cell, peer]),
      [
        ['B=1 c=1 f=1', 'DPR'],
        ['B=1 c=1 f=1', 'bare ws'],
      ],
    );
    for (const { operationsPerSecond, latency } of cells) assert.ok(operationsPerSecond.median > 0 && latency.p99 > 0);
  });

  it('shows a table of targets', async () => {
    const { code, output, said } = await bench('--only', 'sessions', '--sessions', '1500');
    assert.equal(code, 0, said);
    assert.match(
      output,
      /^\| a checkpoint of one session among 1,500, against one alone +\| +≤ 2\.00× \| 1\.00× \(\d+ bytes\) \| yes \|$/m,
    );
  });

  it('says what there is when nothing is named like that', async () => {
    const { code, said } = await bench('--only', 'B=3');
    assert.equal(code, 1);
    assert.match(said, /nothing is named like 'B=3': there are .*sessions\n$/);
  });
});
