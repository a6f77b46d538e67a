import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { bundle, DIST } from '../../scripts/bundle.mjs';
import { PYTHON_CLIENT, workshop } from './clients.ts';

const EXIT_USAGE = 64;

describe('npm run conformance', () => {
  const { brokenClient, clear } = workshop();
  before(() => bundle());
  afterEach(clear);

  /** What the program prints, and its exit code. */
  function run(...words: readonly string[]): Promise<{ out: string; errors: string; code: number | null }> {
    const child = spawn(process.execPath, [path.join(DIST, 'conformance.js'), ...words]);
    let [out, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    return new Promise((resolve) => child.on('close', (code) => resolve({ out, errors, code })));
  }

  it('tells what passed, and ends with 0', async () => {
    const { out, code } = await run('--only', 'first-call', 'ping', '--', ...PYTHON_CLIENT);
    assert.equal(code, 0, out);
    assert.match(out, /^ok {5}first-call: a client greets the Finder/m);
    assert.match(out, /^2 passed, 0 failed$/m);
  });

  it('tells what failed and why, and ends with 1', async () => {
    const command = brokenClient('self.send(data, 10)', 'pass');
    const { out, code } = await run('--patience', '1000', '--only', 'ping', '--', ...command);
    assert.equal(code, 1);
    assert.match(out, /^FAILED ping: a client answers pings/m);
    assert.match(out, /^0 passed, 1 failed$/m);
  });

  it('prints one JSON object for each scenario', async () => {
    const { out, code } = await run('--json', '--only', 'values', '--', ...PYTHON_CLIENT);
    assert.equal(code, 0);
    const result = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual([result.name, result.passed, result.failure], ['values', true, '']);
  });

  it('lists its scenarios, and explains itself', async () => {
    const listed = await run('--list');
    assert.equal(listed.code, 0);
    assert.match(listed.out, /^two-rollbacks +asks for the decision that it missed/m);
    const help = await run('--help');
    assert.equal(help.code, 0);
    for (const word of ['DPR_CLUSTER', 'add WORKER AMOUNT', 'rolledback CALL', 'Exit codes']) {
      assert.ok(help.out.includes(word), word);
    }
  });

  it('refuses wrong options, and a client that does not start', async () => {
    for (const [words, reason] of [
      [[], /Give the command/],
      [['--only', 'nonsense', '--', 'true'], /no scenario nonsense/],
      [['--jobs', '0', 'true'], /whole number from 1 to 64/],
    ] as const) {
      const { code, errors } = await run(...words);
      assert.equal(code, EXIT_USAGE, errors);
      assert.match(errors, reason);
    }
    const { code, out } = await run('--only', 'ping', '--', '/no/such/program');
    assert.equal(code, 1);
    assert.match(out, /ENOENT/);
  });
});
