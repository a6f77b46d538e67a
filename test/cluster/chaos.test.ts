import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLUSTER_FILE } from '@dpr/client/running-cluster';
import { EXIT_USAGE } from '@dpr/local/command-line';
import { DIST } from '../../scripts/bundle.mjs';
import { addTo, makePlace, type Place, tearDown, worldLineOf } from './harness.ts';

type Event = { readonly event: string } & Readonly<Record<string, unknown>>;
type Outcome = { readonly code: number | null; readonly events: readonly Event[]; readonly errors: string };

/** Runs the command of `npm run chaos` to its end. @param onEvent told each line that it prints */
async function chaos(
  place: Place,
  options: readonly string[],
  onEvent: (event: Event, interrupt: () => void, stopReading: () => void) => void = () => undefined,
): Promise<Outcome> {
  const words = [path.join(DIST, 'chaos.js'), '--data', place.data, '--json', ...options];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const events: Event[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as Event;
      events.push(event);
      onEvent(
        event,
        () => child.kill('SIGINT'),
        () => child.stdout.destroy(),
      );
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, events, errors };
}

const struck = ({ events }: Outcome) => events.filter(({ event }) => event === 'struck').map(({ victims }) => victims);
const summaryOf = ({ events }: Outcome) => events.at(-1) as Event & { readonly recovery: { readonly count: number } };

describe('chaos', () => {
  afterEach(tearDown);

  it('kills a sequence of processes and waits until each serves again', async () => {
    const place = await makePlace();
    await place.start();
    const before = ['counter-0', 'counter-1', 'dpr-finder'].map((name) => place.process(name)?.pid);
    const outcome = await chaos(place, ['--sequence', 'counter-0,finder+counter-1', '--interval', '10']);
    assert.equal(outcome.code, 0, outcome.errors);
    assert.deepEqual(struck(outcome), [['counter-0'], ['dpr-finder', 'counter-1']]);
    assert.equal(summaryOf(outcome).recovery.count, 3);
    const after = ['counter-0', 'counter-1', 'dpr-finder'].map((name) => place.process(name)?.pid);
    assert.ok(before.every((pid, index) => pid !== after[index]));
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
  });

  it('tells how long a session has no answer, and of the Finder no commit', async () => {
    const place = await makePlace();
    await place.start();
    const options = ['--cluster', place.cluster, '--sequence', 'counter-0,finder', '--interval', '10'];
    const outcome = await chaos(place, options);
    assert.equal(outcome.code, 0, outcome.errors);
    const took = outcome.events.filter(({ event }) => event === 'recovered').map(({ tookMs }) => Number(tookMs));
    assert.equal(took.length, 2);
    assert.ok(
      took.every((ms) => ms > 0 && ms < 10_000),
      String(took),
    );
  });

  it('refuses what only pods can suffer', async () => {
    const place = await makePlace();
    const deletion = await chaos(place, ['--fault', 'delete']);
    assert.match(deletion.errors, /--fault delete goes with --kubernetes/);
    const earlierName = await chaos(place, ['--blow', 'delete']);
    assert.equal(earlierName.errors, deletion.errors);
    const elsewhere = await chaos(place, ['--namespace', 'dpr']);
    assert.match(elsewhere.errors, /--namespace and --context go with --kubernetes/);
    assert.deepEqual([deletion.code, elsewhere.code], [EXIT_USAGE, EXIT_USAGE]);
  });

  it('lets a process stand still and go on, at the cost of no rollback', async () => {
    const place = await makePlace();
    await place.start();
    const worldLine = await worldLineOf(place);
    const pid = place.process('counter-1')?.pid;
    const options = ['--fault', 'stop', '--stop-for', '300ms', '--victims', 'counter-1', '--count', '1'];
    const outcome = await chaos(place, options);
    assert.equal(outcome.code, 0, outcome.errors);
    assert.deepEqual(struck(outcome), [['counter-1']]);
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
    assert.equal(place.process('counter-1')?.pid, pid);
    assert.equal(await worldLineOf(place), worldLine);
  });

  it('leaves no process standing still when it is interrupted', async () => {
    const place = await makePlace();
    await place.start();
    const options = ['--fault', 'stop', '--stop-for', '1h', '--victims', 'workers', '--at-once', '2'];
    const outcome = await chaos(place, options, ({ event }, interrupt) => {
      if (event === 'struck') interrupt();
    });
    assert.equal(outcome.code, 130, outcome.errors);
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
  });

  it('leaves no process standing still when its output is not read any more', async () => {
    const place = await makePlace();
    await place.start();
    const options = ['--fault', 'stop', '--stop-for', '200ms', '--victims', 'counter-0', '--interval', '10'];
    const outcome = await chaos(place, options, ({ event }, _, stopReading) => {
      if (event === 'struck') stopReading();
    });
    assert.equal(outcome.code, 130, outcome.errors);
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
  });

  it('asks processes to stop, at the cost of no rollback', async () => {
    const place = await makePlace();
    await place.start();
    assert.deepEqual(await addTo(place, [0, 1], 300), [300, 300]);
    const worldLine = await worldLineOf(place);
    const outcome = await chaos(place, ['--fault', 'term', '--sequence', 'counter-0,finder', '--interval', '10']);
    assert.equal(outcome.code, 0, outcome.errors);
    assert.deepEqual(await addTo(place, [0, 1], 300), [600, 600]);
    assert.equal(await worldLineOf(place), worldLine);
  });

  it('rehearses a run that a seed then repeats', async () => {
    const place = await makePlace();
    await place.start();
    const options = ['--seed', '42', '--count', '3', '--interval', '10'];
    const pid = place.process('counter-0')?.pid;
    const rehearsal = await chaos(place, [...options, '--dry-run']);
    assert.equal(place.process('counter-0')?.pid, pid);
    const would = rehearsal.events.filter(({ event }) => event === 'wouldStrike').map(({ victims }) => victims);
    assert.equal(would.length, 3);
    assert.deepEqual(struck(await chaos(place, options)), would);
  });

  it('says what is wrong when no cluster or no such process is there', async () => {
    const place = await makePlace();
    const nothing = await chaos(place, ['--count', '1']);
    assert.equal(nothing.code, 1);
    assert.ok(nothing.errors.startsWith(`no cluster runs with its data in ${place.data}: start one`), nothing.errors);
    await place.start();
    const unknown = await chaos(place, ['--sequence', 'counter-9']);
    assert.equal(unknown.code, 1);
    assert.equal(
      unknown.errors,
      'there is no "counter-9" here: choose from all, workers, finder, dpr-finder, counter-0, counter-1\n',
    );
  });

  it('injects nothing into a process that has the number of a process that is long gone', async () => {
    const place = await makePlace();
    const run = await place.start();
    const file = path.join(place.data, CLUSTER_FILE);
    const left = JSON.parse(readFileSync(file, 'utf8')) as { processes: object[] };
    assert.equal(await run.stop(), 0);
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)']);
    const processes = left.processes.map((one) => ({ ...one, pid: stranger.pid }));
    writeFileSync(file, JSON.stringify({ ...left, supervisor: process.pid, processes }));
    const outcome = await chaos(place, ['--count', '1']);
    assert.deepEqual([outcome.code, struck(outcome), stranger.signalCode], [1, [], null]);
    assert.match(outcome.errors, /^no cluster runs with its data in /);
    stranger.kill();
    await once(stranger, 'close');
  });
});
