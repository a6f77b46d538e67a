import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { bundle, DIST } from '../../scripts/bundle.mjs';
import { helloOf } from '../console/hello.ts';
import { clientOf, makePlace, operatorOf, tearDown, until, type Place } from './harness.ts';

describe('the dpr command with real processes', () => {
  afterEach(tearDown);

  it('does what its help says', async () => {
    const place = await makePlace();
    await place.start();
    assert.deepEqual(await dpr(place, 'add', '0', '300', '--commit'), { code: 0, out: '300\n', err: '' });
    assert.deepEqual(await dpr(place, 'get', '0'), { code: 0, out: '300\n', err: '' });
    const workers = await dpr(place, 'workers');
    assert.match(workers.out, new RegExp(` 1 {2}counter +1 {2}ws://127.0.0.1:${place.basePort + 2}\n`));
    const status = await dpr(place, 'status', '--json');
    const { worldLine, workers: listed } = JSON.parse(status.out) as { worldLine: number; workers: unknown[] };
    assert.deepEqual([worldLine, listed.length], [1, 2]);
    const { code, err } = await dpr({ cluster: place.cluster }, 'status');
    assert.equal(code, 4, 'without the token, which stands in the data directory');
    assert.match(err, /the control token is missing\n.*--data finds that of a cluster of this machine/);
    const pid = await dpr(place, 'pid', 'counter-1');
    assert.equal(pid.out, `${String(place.process('counter-1')?.pid)}\n`);
    const unknown = await dpr(place, 'get', '9');
    assert.deepEqual([unknown.code, unknown.out], [5, '']);
    const unreachable = await dpr({ cluster: 'ws://127.0.0.1:1' }, 'get', '0');
    assert.equal(unreachable.code, 3);
    assert.match(unreachable.err, /is the cluster running\?/);
  });

  it('serves a console until Ctrl-C, with the rates of a cluster of this machine', async () => {
    const place = await makePlace();
    await place.start();
    const { child, code, out } = start(place, 'console', '--json');
    await until('the address', () => out().includes('\n'));
    const { address } = JSON.parse(out()) as { address: string };
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/#key=[0-9a-f]{32}$/);
    const { now, can } = await until('what it knows', async () => {
      const hello = await helloOf(address);
      return hello.now.workers.some(({ rate }) => rate !== undefined) && hello;
    });
    assert.match(now.verdict.text, /^All 2 workers serve/);
    assert.deepEqual(can, { remove: true, injectFaults: false });
    const taken = await dpr(place, 'console', '--port', new URL(address).port);
    assert.equal(taken.code, 2);
    assert.match(taken.err, /cannot listen at console port .* another process uses it/);
    child.kill('SIGINT');
    assert.equal(await code, 0);
  });

  it('ends as it would when its complaint is not read', async () => {
    await bundle();
    const { child, code } = start({ cluster: 'ws://127.0.0.1:1' }, '--timeout', '0.5', 'status');
    child.stderr.destroy();
    assert.equal(await code, 3);
  });

  it('removes a worker, and watches it leave', async () => {
    const place = await makePlace();
    await place.start();
    await (await clientOf(place)).session().counter(1).add(1);
    const watching = start(place, 'watch', '--json');
    await once(watching.child.stderr, 'data'); // it says that it watches
    assert.match(
      (await dpr(place, 'remove-worker', '1', '--wait')).out,
      /^worker 1 left; what was committed there is kept/,
    );
    await until('the events', () => watching.out().includes('"left"'));
    watching.child.kill('SIGINT');
    assert.deepEqual(await watching.code, 0);
    const kinds = watching
      .out()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    assert.deepEqual(
      kinds.filter((kind) => kind !== 'cut'),
      ['leaving', 'left'],
    );
    const { workers } = await (await operatorOf(place)).status();
    assert.deepEqual(
      workers.map(({ id }) => id),
      [0],
    );
  });

  it('tells later what happened: a crash with its rollback, and a removal', async () => {
    const place = await makePlace();
    await place.start();
    await (await clientOf(place)).session().counter(1).add(1);
    place.kill('counter-1');
    await until('the worker that is back', async () =>
      (await eventsOf(place)).events.some(({ kind }) => kind === 'back'),
    );
    assert.equal((await dpr(place, 'remove-worker', '1', '--wait')).code, 0);
    const { start, events } = await eventsOf(place);
    assert.deepEqual(
      events.map(({ number }) => number),
      events.map((_, index) => index + 1),
    );
    assert.equal(events[0]?.kind, 'finderStarted');
    assert.deepEqual(
      events.flatMap(({ kind, worker }) => (worker === 1 ? [kind] : [])),
      ['joined', 'away', 'rolledBack', 'restarted', 'back', 'leaving', 'left'],
    );
    assert.deepEqual(
      events.flatMap(({ kind, worldLine }) => (kind === 'rolledBack' ? [worldLine] : [])),
      [2],
    );
    const ages = events.map(({ agoMs }) => agoMs);
    assert.deepEqual(
      ages,
      ages.toSorted((a, b) => b - a),
    );
    const shown = (await dpr(place, 'events')).out.trim().split('\n');
    assert.match(shown.at(-1) ?? '', /^\S+Z {2}worker 1 left$/);

    place.kill('dpr-finder');
    const anew = await until('the next start of the Finder', async () => {
      const found = await eventsOf(place);
      return found.start !== start && found;
    });
    assert.deepEqual([anew.events[0]?.number, anew.events[0]?.kind], [1, 'finderStarted']);
  });
});

/** Its data directory, where it has one, tells the command the control token. */
type Reached = Pick<Place, 'cluster'> & Partial<Pick<Place, 'data'>>;

function start({ cluster, data }: Reached, ...args: readonly string[]) {
  const place = data === undefined ? [] : ['--data', data];
  const child = spawn(process.execPath, [path.join(DIST, 'dpr.js'), ...place, ...args], {
    env: { PATH: process.env.PATH, DPR_CLUSTER: cluster },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, code, out: () => out, err: () => err };
}

/** What a new operator is told. */
async function eventsOf(place: Reached): Promise<{ start: string; events: Told[] }> {
  const { code, out } = await dpr(place, '--timeout', '30', 'events', '--json');
  assert.equal(code, 0, out);
  return JSON.parse(out) as { start: string; events: Told[] };
}

interface Told {
  readonly number: number;
  readonly kind: string;
  readonly worker?: number;
  readonly worldLine: number;
  readonly agoMs: number;
}

async function dpr(place: Reached, ...args: readonly string[]) {
  const run = start(place, ...args);
  const code = await run.code;
  return { code, out: run.out(), err: run.err() };
}
