import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../runtime/cluster.ts';
import { fakeFinder, fakeServer, refusal } from '../fake-cluster.ts';
import { dpr, fakeClusters } from './dpr.ts';

const ROOMS = [
  ...['bench', 'chaos', 'client', 'console', 'core', 'counter', 'finder', 'ingress', 'local', 'opentelemetry'],
  'protocol',
  'runtime',
];

describe('the dpr command', () => {
  const { closing, withWorker } = fakeClusters();

  it('prints its version, which all packages share', async () => {
    const versions = [
      'package.json',
      'infra/package.json',
      ...ROOMS.map((room) => `services/${room}/package.json`),
    ].map(
      (file) =>
        (JSON.parse(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')) as { version: string }).version,
    );
    const run = dpr(['--version']);
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, [...new Set(versions)]);
  });

  it('has help for everything, with examples and exit codes', async () => {
    const run = dpr(['--help']);
    assert.equal(await run.exitCode, 0);
    assert.match(run.printed.join('\n'), /Exit codes:\n {2}0 {3}done/);
    const commands = [
      'status',
      'workers',
      'add',
      'get',
      'remove-worker',
      'ensure',
      'volumes',
      'events',
      'watch',
      'console',
      'pid',
    ];
    for (const command of commands) {
      assert.match(run.printed.join('\n'), new RegExp(`\n {2}${command}\\b`));
      const help = dpr([command, '--help']);
      assert.equal(await help.exitCode, 0);
      assert.match(help.printed.join('\n'), /Examples:\n {2}\$ dpr /);
      assert.match(help.printed.join('\n'), /\n {2}--json +as JSON/);
      assert.match(help.printed.join('\n'), /--cluster <address>/, 'the options that all commands have');
    }
  });

  it('tells usage errors from others, and says what is wrong', async () => {
    for (const [args, expected] of [
      [['nonsense'], /unknown command 'nonsense'/],
      [['add', '0'], /missing required argument 'amount'/],
      [['add', 'x', '1'], /A worker's id is a whole number from 0 to 65535/],
      [['get', '65536'], /A worker's id is a whole number from 0 to 65535/],
      [['add', '0', '1.5'], /An amount is a whole number from -9223372036854775808/],
      [['add', '0', '9223372036854775808'], /An amount is a whole number/],
      [['console', '--metrics', 'NAME:9/metrics'], /An address of metrics begins with http/],
      [['console', '--port', '65536'], /A port is a whole number from 1 to 65535/],
      [['status', '--timeout', '0'], /A time is a number of seconds above 0/],
      [['--cluster', 'nowhere', 'status'], /'nowhere' is not an address: write it like ws:\/\/host:6379/],
      [['--ca', '/does/not/exist', 'status'], /cannot read the certificate: ENOENT/],
      [['--token-file', '/does/not/exist', 'status'], /cannot read the client token: ENOENT/],
    ] as const) {
      const run = dpr(args);
      assert.equal(await run.exitCode, 2, args.join(' '));
      assert.match(run.said.join('\n'), expected);
      assert.deepEqual(run.printed, []);
    }
  });

  it('says what to do when no server is there', async () => {
    const run = dpr(['--timeout', '1', 'workers'], { DPR_CLUSTER: `ws://127.0.0.1:${await freePort()}` });
    assert.equal(await run.exitCode, 3);
    assert.match(run.said.join('\n'), /ECONNREFUSED.*\n.*is the cluster running\? 'npm start' starts one here/);
  });

  it('tells of a refused connection at once, unless it was told how long to wait', async () => {
    const address = `ws://127.0.0.1:${await freePort()}`;
    for (const command of [['workers'], ['status'], ['status', '--control', address]]) {
      const run = dpr(command, { DPR_CLUSTER: address });
      assert.equal(await run.exitCode, 3);
      // What an attempt failed with, not what all of them together did within the time.
      assert.match(run.said.join('\n'), /^error: cannot reach ws:.*ECONNREFUSED.*\n.*--timeout waits for it/);
    }
    const waits = dpr(['workers', '--timeout', '0.2'], { DPR_CLUSTER: address });
    assert.equal(await waits.exitCode, 3);
    assert.match(waits.said.join('\n'), /^error: cannot connect to the cluster at ws:.*ECONNREFUSED/);
  });

  it('says what to do about a wrong token, an unknown worker and one of another type', async () => {
    const finder = closing(await fakeServer({ answer: () => refusal('unauthorized') }));
    const refused = dpr(['get', '0'], { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` });
    assert.equal(await refused.exitCode, 4);
    assert.match(refused.said.join('\n'), /Give the right token with --token-file or DPR_CLIENT_TOKEN/);
    const { variables } = await withWorker({ type: 'kv' });
    for (const [id, expected] of [
      ['7', /no worker has the id 7; the cluster has workers 0\n'dpr workers' lists the workers/],
      ['0', /worker 0 is of type 'kv', not 'counter'/],
    ] as const) {
      const run = dpr(['get', id], variables);
      assert.equal(await run.exitCode, 5);
      assert.match(run.said.join('\n'), expected);
    }
  });

  it('takes tokens from files and from the environment', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'dpr-'));
    closing({ close: () => rmSync(directory, { recursive: true }) });
    const file = path.join(directory, 'token');
    writeFileSync(file, 'from a file\n');
    for (const [args, variables, expected] of [
      [[], { DPR_CLIENT_TOKEN: 'from the environment' }, 'from the environment'],
      [[], { DPR_CLIENT_TOKEN_FILE: file }, 'from a file'],
      [['--token-file', file], { DPR_CLIENT_TOKEN: 'from the environment' }, 'from a file'],
      [[], { DPR_CLIENT_TOKEN: '' }, ''],
    ] as const) {
      const finder = closing(await fakeFinder());
      const run = dpr([...args, 'workers', '--cluster', `ws://127.0.0.1:${finder.port}`], variables);
      assert.equal((await finder.accept()).hello.token, expected);
      assert.equal(await run.exitCode, 0);
      assert.deepEqual(run.printed, ['No worker is a member now.']);
    }
  });
});
