import type { MessageOf } from '@dpr/protocol';
import { volumeLock } from '@dpr/runtime/storage';
import { runningCluster } from '@dpr/client/cluster-file';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { absenceTold } from '../../services/client/cli/commands.ts';
import { runDpr } from '../../services/client/cli/program.ts';
import { freePort } from '../runtime/cluster.ts';
import { cleanUp } from './clean-up.ts';
import { amounts, cut, fakeFinder, fakeServer, fakeWorker, refusal, reply, welcome } from './fake-cluster.ts';
import { statusOf } from './fake-status.ts';
import { until } from './until.ts';

const ROOMS = ['bench', 'chaos', 'client', 'core', 'counter', 'finder', 'ingress', 'local', 'protocol', 'runtime'];

/** What the command printed, said beside it, and ended with. */
interface Run {
  readonly printed: string[];
  readonly said: string[];
  readonly interrupt: () => void;
  readonly exitCode: Promise<number>;
}

/** @param around where it is called, by default where nothing runs, and how wide the terminal is */
function dpr(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  { directory = '/nowhere', columns }: { readonly directory?: string; readonly columns?: number } = {},
): Run {
  const [printed, said]: [string[], string[]] = [[], []];
  const interrupted = new AbortController();
  const terminal = {
    print: (text: string) => void printed.push(text),
    show: (text: string) => void printed.push(text),
    say: (text: string) => void said.push(text),
    columns: () => columns,
    signal: interrupted.signal,
  };
  return {
    printed,
    said,
    interrupt: () => interrupted.abort(),
    exitCode: runDpr(args, variables, terminal, directory),
  };
}

describe('the dpr command', () => {
  const closing = cleanUp();

  async function withWorker(options: Parameters<typeof fakeWorker>[1] = {}) {
    const worker = closing(await fakeWorker(0, options));
    const finder = closing(await fakeFinder());
    finder.members = [worker.member];
    return { worker, variables: { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` } };
  }

  async function withControl() {
    const control = closing(await fakeServer({ answer: () => welcome() }));
    const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
    return { control, variables: { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` } };
  }

  it('tells once why the Finder is away, however its reasons alternate, and again after it was back', () => {
    const said: string[] = [];
    const told = absenceTold((text) => said.push(text));
    const away = (message: string): void => told({ event: 'disconnected', message });
    for (let times = 0; times < 5; times++) ['ECONNRESET', 'socket hang up'].forEach(away);
    told({ event: 'connected', message: '' });
    away('ECONNRESET');
    assert.deepEqual(said, [
      'the Finder is away: ECONNRESET',
      'the Finder is away: socket hang up',
      'the Finder is back',
      'the Finder is away: ECONNRESET',
    ]);
  });

  it('adds to a counter, and prints its value', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '-5'], variables);
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    assert.deepEqual(amounts(batch), [-5n]);
    peer.send(reply(batch, 1, [-5n]));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual([run.printed, run.said], [['-5'], []]);
    await peer.closed;
  });

  it('waits for the commit if asked to', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '7', '--commit'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [7n]));
    await peer.next('commit');
    assert.deepEqual(run.printed, []);
    peer.send(cut({ 0: 1 }));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['7']);
  });

  it('reads a counter', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['get', '0'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 1, [12n]));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['12']);
  });

  it('says that no worker has joined yet, and where to look', async () => {
    const finder = closing(await fakeFinder());
    const variables = { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` };
    for (const words of [
      ['get', '0'],
      ['add', '0', '1'],
    ]) {
      const run = dpr(words, variables);
      assert.equal(await run.exitCode, 5);
      assert.match(run.said.join(), /^error: no worker has joined the cluster yet, .*'dpr status --watch' .* log /);
    }
  });

  it('does not wait for ever, and says what may have happened', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['--timeout', '1.0005', 'add', '0', '7'], variables);
    await (await worker.accept()).next('batch');
    assert.equal(await run.exitCode, 3);
    assert.match(run.said.join(), /worker 0 did not answer, and may have added 7 all the same; .* \(waited 1\.001 s\)/);
  });

  it('lists the workers', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['workers'], variables);
    assert.equal(await run.exitCode, 0);
    const address = `ws://127.0.0.1:${worker.port}`;
    assert.deepEqual(run.printed[0]?.split('\n'), [`ID  TYPE     GEN  ADDRESS`, ` 0  counter    1  ${address}`]);
    const json = dpr(['workers', '--json'], variables);
    await json.exitCode;
    assert.deepEqual(JSON.parse(json.printed[0] ?? ''), [
      { id: 0, generation: 1, type: 'counter', address, leaving: false },
    ]);
  });

  it('shows how the cluster is', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['status'], variables);
    const peer = await control.accept();
    await peer.next('status');
    // Versions tell when a worker began to execute in them: that an idle one did so long ago says nothing of its commits.
    const opened = Date.now() - 5 * 3_600_000;
    const same = { committed: opened, durable: opened, executed: opened };
    peer.send(
      statusOf([
        {
          ...same,
          executed: opened + 9,
          committedAgoMs: 61_000,
          durableAgoMs: 900,
          lagOperations: 12_345,
          lagMs: 2_500,
        },
        { id: 1, ...same, allCommitted: true, committedAgoMs: 1_200, durableAgoMs: 1_210, restarts: 3 },
        { id: 2, ...same, allCommitted: true },
        { id: 3, ...same, state: 'away' },
        {
          id: 10,
          state: 'leaving',
          waitingFor: 'worker 0',
          committed: 56,
          durable: 57,
          committedAgoMs: 0,
          durableAgoMs: 0,
        },
        { id: 11, state: 'silent', silentMs: 3_000, executed: opened, lagOperations: 1 },
        { id: 12, allCommitted: true },
      ]),
    );
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed[0]?.split('\n'), [
      'cluster c1000000000000000000000000000001, world-line 1, 7 workers',
      'ID  TYPE     GEN  ADDRESS         STATE         COMMITTED     DURABLE                LAG  RESTARTS',
      ' 0  counter    1  127.0.0.1:7000  serving      61.0 s ago  900 ms ago  12,345 ops, 2.5 s         0',
      ' 1  counter    1  127.0.0.1:7000  serving  all, 1.2 s ago   1.2 s ago                  0         3',
      ' 2  counter    1  127.0.0.1:7000  serving             all           ?                  0         0',
      ' 3  counter    1  127.0.0.1:7000  away                  ?           ?                  ?         0',
      '10  counter    1  127.0.0.1:7000  leaving        0 ms ago    0 ms ago                  ?         0',
      '11  counter    1  127.0.0.1:7000  silent                -           -         1 op, 0 ms         0',
      '12  counter    1  127.0.0.1:7000  serving               -           -                  0         0',
      'worker 10 is leaving; it waits for worker 0',
      'worker 11 is silent for 3.0 s: nothing that depends on it commits',
    ]);
  });

  it('fits the terminal: columns give way, and what is still too long is cut', async () => {
    for (const columns of [120, 80, 60, 40]) {
      const { control, variables } = await withControl();
      const run = dpr(['status'], variables, { columns });
      const peer = await control.accept();
      await peer.next('status');
      const times = { committed: 1, committedAgoMs: 123_000, durable: 1, durableAgoMs: 100 };
      peer.send(statusOf([{ ...times, allCommitted: true, lagOperations: 12_345, lagMs: 2_500, silentMs: 1 }]));
      assert.equal(await run.exitCode, 0);
      const [title = '', head = '', ...rest] = run.printed[0]?.split('\n') ?? [];
      for (const line of [title, head, ...rest]) assert.ok(line.length <= columns, `${line.length}: ${line}`);
      assert.ok(head.startsWith('ID  TYPE') && head.includes('STATE') && head.includes('COMMITTED'));
      assert.equal(head.includes('DURABLE'), columns === 120);
      assert.equal(head.includes('…'), columns === 40);
    }
  });

  it('tells an empty cluster from one whose workers were removed', async () => {
    for (const [removed, words] of [
      [0, 'No worker has joined yet.'],
      [1, 'No worker is a member now; 1 was removed.'],
      [3, 'No worker is a member now; 3 were removed.'],
    ] as const) {
      const { control, variables } = await withControl();
      const run = dpr(['status'], variables);
      const peer = await control.accept();
      await peer.next('status');
      peer.send({ ...statusOf([]), removed });
      assert.equal(await run.exitCode, 0);
      assert.equal(run.printed[0]?.split('\n')[1], words);
    }
  });

  it('goes on showing it until Ctrl-C', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['status', '--watch', '--json'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([]));
    await peer.next('status');
    peer.send(statusOf([{}]));
    await until(() => run.printed.length === 2);
    run.interrupt();
    assert.equal(await run.exitCode, 0);
    const counts = run.printed.map((line) => (JSON.parse(line) as { workers: unknown[] }).workers.length);
    assert.deepEqual(counts, [0, 1]);
    await peer.closed;
  });

  it('removes a worker, and tells what it waits for until it left', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['remove-worker', '4', '--wait'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([{ id: 4, generation: 3 }]));
    const answers: Pick<MessageOf<'deleteAnswer'>, 'state' | 'waitingFor'>[] = [
      { state: 'leaving', waitingFor: 'worker 1' },
      { state: 'leaving', waitingFor: 'worker 1' },
      { state: 'leaving', waitingFor: 'its last checkpoints' },
      { state: 'left', waitingFor: '' },
    ];
    for (const answer of answers) {
      assert.equal((await peer.next('deleteWorker')).generation, 3, 'another generation stays');
      peer.send({ kind: 'deleteAnswer', worker: 4, ...answer });
    }
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, [
      'worker 4 left; what was committed there is kept: added again, its entry says state: kept or state: empty',
    ]);
    assert.deepEqual(run.said, ['worker 4 is leaving; it waits for worker 1', 'now it waits for its last checkpoints']);
  });

  it('does not wait for a leave unless asked to', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['remove-worker', '4', '--force'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([{ id: 4 }]));
    assert.equal((await peer.next('deleteWorker')).force, true);
    peer.send({ kind: 'deleteAnswer', worker: 4, state: 'leaving', waitingFor: 'worker 1' });
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['worker 4 is leaving; it waits for worker 1']);
  });

  it('watches what happens until Ctrl-C', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['watch'], variables);
    const peer = await control.accept();
    await peer.next('subscribe');
    await peer.next('status');
    assert.deepEqual(run.said, [], 'it may not have subscribed yet');
    peer.send(statusOf([]));
    await until(() => run.said.join() === 'Watching; Ctrl-C ends.');
    peer.send(cut({ 0: 5 }));
    peer.send(cut({ 0: 1_505 }));
    peer.send(cut({ 0: 1_505 }, { worldLine: 2 }));
    for (const told of [{ state: 'silent', silentMs: 2_500 } as const, {}]) {
      await peer.next('status');
      peer.send(statusOf([told]));
    }
    await until(() => run.printed.length === 4);
    run.interrupt();
    assert.equal(await run.exitCode, 0);
    assert.match(run.printed[2] ?? '', /worker 0 is silent for 2\.5 s: nothing that depends on it commits$/);
    assert.match(run.printed[3] ?? '', /worker 0 answers again$/);
    assert.match(run.printed[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} {2}more is committed of worker 0$/);
    assert.match(run.printed[1] ?? '', /rollback: world-line 2 began; what was not committed in 1 is lost$/);
  });

  it('watches no longer when the Finder refuses it for good', async () => {
    const control = closing(
      await fakeServer({ answer: (_, count) => (count === 1 ? welcome() : refusal('unauthorized')) }),
    );
    const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
    const run = dpr(['watch'], { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` });
    const peer = await control.accept();
    await peer.next('subscribe');
    peer.cut();
    assert.equal(await run.exitCode, 4);
    assert.match(run.said.join('\n'), /Give the right token/);
  });

  it('tells usage errors from others, and says what is wrong', async () => {
    for (const [args, expected] of [
      [['nonsense'], /unknown command 'nonsense'/],
      [['add', '0'], /missing required argument 'amount'/],
      [['add', 'x', '1'], /A worker's id is a whole number from 0 to 65535/],
      [['get', '65536'], /A worker's id is a whole number from 0 to 65535/],
      [['add', '0', '1.5'], /An amount is a whole number from -9223372036854775808/],
      [['add', '0', '9223372036854775808'], /An amount is a whole number/],
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

  it('prints what it did as JSON, and why it did not', async () => {
    const { worker, variables } = await withWorker();
    const answerTo = async (words: readonly string[], value: bigint) => {
      const run = dpr(words.includes('get') ? ['--json', ...words] : [...words, '--json'], variables);
      const peer = await worker.accept();
      peer.send(reply(await peer.next('batch'), 1, [value]));
      if (words.includes('--commit')) {
        await peer.next('commit');
        peer.send(cut({ 0: 1 }));
      }
      assert.equal(await run.exitCode, 0);
      return JSON.parse(run.printed.join('\n')) as unknown;
    };
    const most = 2n ** 63n - 1n;
    assert.deepEqual(await answerTo(['add', '0', '7'], most), { worker: 0, value: String(most), committed: false });
    assert.deepEqual(await answerTo(['add', '0', '7', '--commit'], 7n), { worker: 0, value: '7', committed: true });
    assert.deepEqual(await answerTo(['get', '0'], 12n), { worker: 0, value: '12' });
    for (const [words, exitCode, error] of [
      [['get', '7'], 5, /^no worker has the id 7/],
      [['get', 'x'], 2, /A worker's id is a whole number/],
      [['nonsense'], 2, /^unknown command 'nonsense'/],
    ] as const) {
      const run = dpr([...words, '--json'], variables);
      assert.equal(await run.exitCode, exitCode);
      assert.equal(run.printed.length, 1);
      const told = JSON.parse(run.printed[0] ?? '') as { readonly error: string; readonly exitCode: number };
      assert.equal(told.exitCode, exitCode);
      assert.match(told.error, error);
    }
  });

  it('tells how a removal went as JSON', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['remove-worker', '3', '--json'], variables);
    const peer = await control.accept();
    await peer.next('status');
    peer.send(statusOf([{ id: 3, generation: 2 }]));
    await peer.next('deleteWorker');
    peer.send({ kind: 'deleteAnswer', worker: 3, state: 'leaving', waitingFor: 'its last checkpoint' });
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(JSON.parse(run.printed.join()), {
      worker: 3,
      state: 'leaving',
      waitingFor: 'its last checkpoint',
    });
  });

  it('prints its version, which all packages share', async () => {
    const versions = [
      'package.json',
      'infra/package.json',
      ...ROOMS.map((room) => `services/${room}/package.json`),
    ].map(
      (file) =>
        (JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')) as { version: string }).version,
    );
    const run = dpr(['--version']);
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, [...new Set(versions)]);
  });

  describe('where a cluster of npm start runs', () => {
    /** What `npm start` has in its data directory while it runs. */
    async function runs(
      directory: string,
      stack: string,
      ports: { readonly cluster: number; readonly control: number },
    ) {
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
      assert.equal(
        await tokenAt(controls.get('staging'), dpr(['status'], variables, { directory })),
        'token of staging',
      );
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

  it('reads again when a failure came between', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['get', '0'], variables);
    const peer = await worker.accept();
    await peer.next('batch');
    peer.send(rollback());
    const { session } = await peer.next('table');
    peer.send({ kind: 'tableAnswer', session, worldLine: 2, last: 0 });
    peer.send(reply(await peer.next('batch'), 5, [12n]));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual([run.printed, run.said], [['12'], []]);
  });

  it('adds again what a failure took back, and prints the value that is committed', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '12', '--commit'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 4, [312n]));
    await peer.next('commit');
    peer.send(rollback());
    const again = await peer.next('batch');
    assert.deepEqual(amounts(again), [12n]);
    peer.send(reply(again, 5, [12n]));
    peer.send(cut({ 0: 5 }, { worldLine: 2 }));
    assert.equal(await run.exitCode, 0);
    assert.deepEqual(run.printed, ['12']);
  });

  it('says what to do when a failure took back what it did', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['add', '0', '12', '--commit', '--no-replay'], variables);
    const peer = await worker.accept();
    peer.send(reply(await peer.next('batch'), 4, [312n]));
    await peer.next('commit');
    peer.send(rollback());
    assert.equal(await run.exitCode, 6);
    assert.deepEqual(run.said, [
      'error: a failure took back what this command did, and world-line 2 began: give it again',
    ]);
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

  it('has help for everything, with examples and exit codes', async () => {
    const run = dpr(['--help']);
    assert.equal(await run.exitCode, 0);
    assert.match(run.printed.join('\n'), /Exit codes:\n {2}0 {3}done/);
    for (const command of ['status', 'workers', 'add', 'get', 'remove-worker', 'ensure', 'volumes', 'watch', 'pid']) {
      assert.match(run.printed.join('\n'), new RegExp(`\n {2}${command}\\b`));
      const help = dpr([command, '--help']);
      assert.equal(await help.exitCode, 0);
      assert.match(help.printed.join('\n'), /Examples:\n {2}\$ dpr /);
      assert.match(help.printed.join('\n'), /\n {2}--json +as JSON/);
      assert.match(help.printed.join('\n'), /--cluster <address>/, 'the options that all commands have');
    }
  });

  it('removes no worker because something was left out of ensure, and says what to write', async () => {
    for (const [words, says] of [
      [[], /^error: name the workers, as in counter:0-4, or say none$/],
      [['--remove-others'], /^error: name the workers, as in counter:0-4, or say none$/],
      [['none', 'counter:0', '--remove-others'], /^error: none stands alone$/],
      [['counter:0', '--force-remove', '1'], /^error: --force-remove removes workers, and needs --remove-others$/],
    ] as const) {
      const run = dpr(['ensure', ...words]);
      assert.equal(await run.exitCode, 2);
      assert.match(run.said.join('\n'), says);
    }
  });

  it('leaves members alone that ensure does not name, and says how they leave', async () => {
    const { control, variables } = await withControl();
    const run = dpr(['ensure', 'none'], variables);
    const peer = await control.accept();
    for (let looks = 0; looks < 2; looks++) {
      await peer.next('status');
      peer.send(statusOf([{ id: 3, type: 'counter', state: 'serving' }]));
    }
    assert.equal(await run.exitCode, 1);
    assert.match(
      run.said.join('\n'),
      /others are members too, which stay: worker 3 \(counter\)\. --remove-others makes/,
    );
    await peer.closed;
  });

  it('ends at once on Ctrl-C while it waits for an answer', async () => {
    const { worker, variables } = await withWorker();
    const run = dpr(['get', '0'], variables);
    const peer = await worker.accept();
    await peer.next('batch');
    run.interrupt();
    assert.equal(await run.exitCode, 130);
    await peer.closed;
    assert.deepEqual([run.printed, run.said], [[], []]);
  });
});

/** World-line 2 began, and all workers went back to version 3. */
function rollback(): MessageOf<'cut'> {
  const prefix = new Map([[0, 3]]);
  return cut({ 0: 3 }, { worldLine: 2, decisions: [{ worldLine: 2, prefix, entitled: new Map() }] });
}
