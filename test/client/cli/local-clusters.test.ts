import { runningCluster } from '@dpr/client/running-cluster';
import { volumeLock } from '@dpr/runtime/storage';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fakeServer, welcome } from '../fake-cluster.ts';
import { statusOf } from '../fake-status.ts';
import { dpr, fakeClusters, type Run } from './dpr.ts';

describe('the dpr command where a cluster of npm start runs', () => {
  const { closing, withControl } = fakeClusters();

  /** What `npm start` has in its data directory while it runs. */
  async function runs(directory: string, stack: string, ports: { readonly cluster: number; readonly control: number }) {
    const data = leaves(directory, stack, ports);
    const lock = await volumeLock(data);
    closing({ close: () => lock.release() });
  }

  /** What it leaves there when it is killed. */
  function leaves(directory: string, stack: string, ports: { readonly cluster: number; readonly control: number }) {
    const data = path.join(directory, '.dpr', stack);
    mkdirSync(data, { recursive: true });
    const addresses = { cluster: `ws://127.0.0.1:${ports.cluster}`, control: `ws://127.0.0.1:${ports.control}` };
    const common = { since: 0, restarts: 0, ports: { public: 1, admin: 2 }, dataDirectory: data, log: 'log' };
    const processes = [
      { ...common, name: 'dpr-finder', role: 'finder', pid: 4_711, phase: 'serving' },
      { ...common, name: 'counter-0', role: 'worker', id: 0, type: 'counter', pid: null, phase: 'waiting' },
    ];
    writeFileSync(
      path.join(data, 'cluster.json'),
      JSON.stringify({ supervisor: process.pid, ...addresses, config: `Pulumi.${stack}.yaml`, processes }),
    );
    writeFileSync(path.join(data, 'control-token'), `token of ${stack}\n`);
    return data;
  }

  function makeDirectory(): string {
    const directory = mkdtempSync(path.join(tmpdir(), 'dpr-'));
    closing({ close: () => rmSync(directory, { recursive: true }) });
    return directory;
  }

  async function withStacks(...stacks: readonly string[]) {
    const directory = makeDirectory();
    const controls = new Map<string, Awaited<ReturnType<typeof fakeServer>>>();
    const addresses = new Map<string, string>();
    for (const stack of stacks) {
      const control = closing(await fakeServer({ answer: () => welcome() }));
      const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
      await runs(directory, stack, { cluster: finder.port, control: control.port });
      controls.set(stack, control);
      addresses.set(stack, `ws://localhost:${finder.port}`);
    }
    return { directory, controls, addresses };
  }

  async function tokenAt(control: Awaited<ReturnType<typeof fakeServer>> | undefined, run: Run): Promise<string> {
    assert.ok(control !== undefined);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([]));
    assert.equal(await run.exitCode, 0);
    return peer.hello.token;
  }

  it('needs neither address nor token', async () => {
    const { directory, controls } = await withStacks('staging');
    assert.equal(await tokenAt(controls.get('staging'), dpr(['status'], {}, { directory })), 'token of staging');
  });

  it('takes the stack that is named, or dev', async () => {
    const { directory, controls } = await withStacks('dev', 'staging');
    assert.equal(await tokenAt(controls.get('dev'), dpr(['status'], {}, { directory })), 'token of dev');
    const words = ['--stack', 'staging', 'status'];
    assert.equal(await tokenAt(controls.get('staging'), dpr(words, {}, { directory })), 'token of staging');
    const data = ['status', '--data', '.dpr/staging'];
    const elsewhere = { DPR_CLUSTER: 'ws://127.0.0.1:1' };
    assert.equal(await tokenAt(controls.get('staging'), dpr(data, elsewhere, { directory })), 'token of staging');
  });

  it('knows it by its address too, and shows its token to no other', async () => {
    const { directory, controls, addresses } = await withStacks('dev', 'staging');
    const variables = { DPR_CLUSTER: addresses.get('staging') ?? '' };
    assert.equal(await tokenAt(controls.get('staging'), dpr(['status'], variables, { directory })), 'token of staging');
    const stranger = await withControl();
    assert.equal(await tokenAt(stranger.control, dpr(['status'], stranger.variables, { directory })), '');
    const given = { ...variables, DPR_CONTROL_TOKEN: 'given' };
    assert.equal(await tokenAt(controls.get('staging'), dpr(['status'], given, { directory })), 'given');
  });

  it('asks which, and says how to start one', async () => {
    const { directory } = await withStacks('a', 'b');
    for (const [words, exitCode, expected] of [
      [['status'], 2, /clusters of several stacks run here, a, b: name one with --stack/],
      [['status', '--stack', 'c'], 3, /no cluster runs with its data in .dpr\/c: 'npm start -- --stack c' starts it/],
      [['pid', 'kv-1', '--stack', 'a'], 2, /there is no process kv-1; there are dpr-finder, counter-0/],
      [['pid', 'counter-0', '--stack', 'a'], 2, /counter-0 has no process now/],
    ] as const) {
      const run = dpr(words, {}, { directory });
      assert.equal(await run.exitCode, exitCode);
      assert.match(run.said.join(), expected);
    }
  });

  it('asks no other cluster where one was started that does not run now', async () => {
    const directory = makeDirectory();
    mkdirSync(path.join(directory, '.dpr', 'dev'), { recursive: true });
    for (const words of [['status'], ['add', '0', '1'], ['remove-worker', '0'], ['pid']]) {
      const run = dpr(words, {}, { directory });
      assert.equal(await run.exitCode, 3);
      assert.match(run.said.join(), /^error: no cluster of this directory runs: 'npm start' starts one/);
    }
  });

  it('waits, where it may, for one that is being started', async () => {
    for (const words of [['status'], ['--stack', 'dev', 'status']]) {
      const directory = makeDirectory();
      mkdirSync(path.join(directory, '.dpr', 'dev'), { recursive: true });
      const tooLate = dpr([...words, '--timeout', '0.2'], {}, { directory });
      assert.equal(await tooLate.exitCode, 3);
      assert.match(tooLate.said.join(), /^error: no cluster /);
      const run = dpr([...words, '--timeout', '60'], {}, { directory });
      const control = closing(await fakeServer({ answer: () => welcome() }));
      const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
      await runs(directory, 'dev', { cluster: finder.port, control: control.port });
      assert.equal(await tokenAt(control, run), 'token of dev');
    }
  });

  it('tells process ids, which name the processes of this cluster alone', async () => {
    const directory = makeDirectory();
    assert.equal(await dpr(['pid'], {}, { directory }).exitCode, 3);
    await runs(directory, 'dev', { cluster: 1, control: 2 });
    for (const [words, expected] of [
      [['pid', 'dpr-finder'], '4711'],
      [['pid'], 'dpr-finder 4711\ncounter-0 -'],
      [['pid', 'dpr-finder', '--json'], '{"name":"dpr-finder","pid":4711}'],
      [['pid', '--json'], '[{"name":"dpr-finder","pid":4711},{"name":"counter-0","pid":null}]'],
    ] as const) {
      const run = dpr(words, {}, { directory });
      assert.equal(await run.exitCode, 0);
      assert.deepEqual(run.printed, [expected]);
    }
  });

  it('believes no file whose supervisor is another program now, with any command', async () => {
    const directory = makeDirectory();
    const { control, variables } = await withControl();
    const finder = Number(new URL(variables.DPR_CLUSTER).port);
    leaves(directory, 'dev', { cluster: finder, control: control.port });
    for (const words of [
      ['pid', 'dpr-finder'],
      ['status'],
      ['watch'],
      ['workers'],
      ['get', '0'],
      ['add', '0', '1'],
      ['remove-worker', '0'],
      ['status', '--stack', 'dev'],
    ]) {
      const run = dpr(words, {}, { directory });
      assert.equal(await run.exitCode, 3, words.join(' '));
      assert.match(run.said.join(), /^error: no cluster (of this directory )?runs/);
      assert.deepEqual(run.printed, []);
    }
    const given = dpr(['status'], variables, { directory });
    assert.equal(await tokenAt(control, given), '', 'of a dead cluster not even the token is used');
  });

  it('is found from below its directory if that is a checkout, and --data is relative to where one is', async () => {
    const { directory, controls } = await withStacks('dev', 'staging');
    const below = path.join(directory, 'infra', 'plan');
    mkdirSync(below, { recursive: true });
    const words = ['--data', '../../.dpr/staging', 'status'];
    assert.equal(await tokenAt(controls.get('staging'), dpr(words, {}, { directory: below })), 'token of staging');
    const outside = await withControl();
    const stranger = dpr(['status'], outside.variables, { directory: below });
    assert.equal(await tokenAt(outside.control, stranger), '', 'there is no Pulumi.yaml');
    writeFileSync(path.join(directory, 'Pulumi.yaml'), '');
    assert.equal(await tokenAt(controls.get('dev'), dpr(['status'], {}, { directory: below })), 'token of dev');
    writeFileSync(path.join(below, 'Pulumi.yaml'), ''); // as of an example, which no cluster was started of
    const named = ['status', '--stack', 'staging'];
    assert.equal(await tokenAt(controls.get('staging'), dpr(named, {}, { directory: below })), 'token of staging');
  });

  it('believes no file that a dead cluster left, or that is none', async () => {
    const directory = makeDirectory();
    await runs(directory, 'dev', { cluster: 1, control: 2 });
    const data = path.join(directory, '.dpr', 'dev');
    const file = path.join(data, 'cluster.json');
    const dead = JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), supervisor: 2 ** 30 });
    for (const content of [dead, '{', '{}', '[]', 'null', '']) {
      writeFileSync(file, content);
      assert.equal(await dpr(['pid'], {}, { directory }).exitCode, 3, content);
    }
    const left = leaves(makeDirectory(), 'dev', { cluster: 1, control: 2 });
    writeFileSync(path.join(left, 'cluster.json'), '{}'); // and no cluster runs there
    assert.equal(await runningCluster(left), undefined);
  });

  it('names the key of a running cluster’s file that it cannot use, and what to do', async () => {
    const directory = makeDirectory();
    await runs(directory, 'dev', { cluster: 1, control: 2 });
    const file = path.join(directory, '.dpr', 'dev', 'cluster.json');
    const right = JSON.parse(readFileSync(file, 'utf8')) as { processes: object[] };
    const process = { ...right.processes[0], pid: 'none', role: 'leader' };
    const wrong: [object | string, string][] = [
      ['', 'it is empty'],
      [{ ...right, cluster: undefined }, 'cluster is missing'],
      [{ ...right, control: 'http://nowhere' }, 'control: this is no address, such as "ws://127.0.0.1:6379"'],
      [
        { ...right, processes: [process] },
        'processes[0].role: this is neither "finder" nor "worker", processes[0].pid is a string and not a number',
      ],
    ];
    for (const [content, problem] of wrong) {
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      const run = dpr(['pid'], {}, { directory });
      assert.equal(await run.exitCode, 3);
      const [said = ''] = run.said;
      assert.ok(said.includes(`the file ${file} cannot be used: ${problem}. A cluster runs there`), said);
      assert.match(said, /stop it and start it with this one/);
    }
  });
});
