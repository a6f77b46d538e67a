import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { parseOptions } from './command/options.ts';

interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly if?: string;
  readonly steps: readonly { readonly run?: string; readonly uses?: string; readonly with?: Record<string, string> }[];
}

const run = promisify(execFile);
const URL_OF_RUN = 'https://example.org/runs/7';
/** Notes what it is asked for, and says which issue is open. */
const GH = `#!/bin/sh
echo "$@" >> calls
case "$1 $2" in 'issue list') cat open ;; esac
`;

describe('the nightly workflow', () => {
  let permissions: unknown;
  let seeds: Job;
  let report: Job;
  before(async () => {
    const text = await readFile(new URL('../../.github/workflows/nightly.yml', import.meta.url), 'utf8');
    const workflow = parse(text) as { permissions: unknown; jobs: { seeds: Job; report: Job } };
    permissions = workflow.permissions;
    ({ seeds, report } = workflow.jobs);
  });

  it('runs seeds of its date for a while, and reports all that it finds', async () => {
    const command = seeds.steps.find(({ run }) => run?.startsWith('npm run simulate -- '))?.run ?? '';
    const { stdout } = await run('bash', ['-c', command.replace('npm run simulate --', "printf '%s\\n'")], {
      env: { ...process.env, RUNNER_TEMP: '/temporary' },
    });
    const options = parseOptions(stdout.trim().split('\n'));
    assert.match(String(options.from), /^20\d\d[01]\d[0-3]\d000000$/);
    assert.ok(options.keep && (options.seconds ?? 0) > 0 && options.seeds === undefined);
    assert.equal(options.report, '/temporary/violations');
    const upload = seeds.steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
    const download = report.steps.find(({ uses }) => uses?.startsWith('actions/download-artifact@'));
    assert.equal(upload?.with?.path, '${{ runner.temp }}/violations');
    assert.equal(upload.with.name, download?.with?.name);
  });

  it('lets write issues only what runs none of the code', () => {
    assert.deepEqual(permissions, {});
    assert.deepEqual(seeds.permissions, { contents: 'read' });
    assert.deepEqual(report.permissions, { issues: 'write' });
    assert.ok(report.steps.every(({ uses = '', run = '' }) => !uses.includes('checkout') && !run.includes('npm')));
    assert.equal(report.if, 'failure()');
  });

  describe('tells', () => {
    let directory: string;
    beforeEach(async () => {
      directory = await mkdtemp(path.join(os.tmpdir(), 'nightly-'));
      await writeFile(path.join(directory, 'gh'), GH, { mode: 0o755 });
      await writeFile(path.join(directory, 'open'), '');
    });
    afterEach(() => rm(directory, { recursive: true }));

    /** @returns what it asks of GitHub, and what it tells there */
    async function tell(): Promise<{ calls: string[]; body: string }> {
      const script = report.steps.find((step) => step.run !== undefined)?.run ?? '';
      const env = { ...process.env, PATH: `${directory}:${process.env.PATH ?? ''}`, RUN_URL: URL_OF_RUN };
      await run('bash', ['-e', '-c', script], { cwd: directory, env });
      const calls = (await readFile(path.join(directory, 'calls'), 'utf8')).trim().split('\n');
      return { calls, body: await readFile(path.join(directory, 'body.md'), 'utf8') };
    }

    it('in a new issue what violates, and where its story is', async () => {
      await mkdir(path.join(directory, 'violations'));
      await writeFile(path.join(directory, 'violations', 'violations.md'), '- seed 7: invariant 2\n');
      const { calls, body } = await tell();
      assert.match(calls.at(-1) ?? '', /^issue create .* --label nightly-seeds --body-file body\.md$/);
      assert.match(body, /^- seed 7: invariant 2\n/);
      assert.ok(body.includes(URL_OF_RUN));
    });

    it('in the issue that is open', async () => {
      await writeFile(path.join(directory, 'open'), '12\n');
      const { calls } = await tell();
      assert.equal(calls.at(-1), 'issue comment 12 --body-file body.md');
    });

    it('that it broke off', async () => {
      const { body } = await tell();
      assert.equal(body, `The run ended without a violation, and not well: ${URL_OF_RUN}\n`);
    });
  });
});
