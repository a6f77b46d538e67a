import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import {
  type Choice,
  type ExperimentReport,
  type ExperimentSite,
  localTarget,
  PATIENCE_MS,
  REST_MS,
  runExperiment,
  type Target,
} from '@dpr/chaos';
import { untilReady } from '@dpr/local';
import { adminPort, planLocal } from '@dpr/infra/plan';
import { readStackFile } from '@dpr/infra/stack-file';
import { EXIT } from '@dpr/runtime/exit-codes';
import { bundle, DIST } from '../../scripts/bundle.mjs';
import { addTo, isAlive, type LocalRun, makePlace, type Place, tearDown, until } from './harness.ts';

const HOST = '127.0.0.1';
const MIN_FAULTS = 3;
const MAX_FAULTS = 4;

/** The experiment, as fast as it goes, on a cluster of this place. */
async function experimentOn(place: Place, run: LocalRun, choice: Choice, site: Partial<ExperimentSite> = {}) {
  let current = run;
  return runExperiment(
    {
      target: 70_000,
      step: 300,
      workers: [0, 1],
      durationMs: 1_000,
      minFaults: choice.kind === 'sequence' ? choice.entries.length : MIN_FAULTS,
      schedule: {
        seed: 1,
        firstMs: 100,
        intervalMs: 300,
        restMs: REST_MS,
        count: choice.kind === 'sequence' ? choice.entries.length : MAX_FAULTS,
        durationMs: Infinity,
        choice,
      },
      fault: { kind: 'kill' },
      patienceMs: PATIENCE_MS,
    },
    {
      cluster: place.cluster,
      token: undefined,
      target: localTarget(place.data),
      async restart() {
        assert.equal(await current.stop(), EXIT.ok);
        current = await place.start();
      },
      signal: new AbortController().signal,
      emit: () => undefined,
      ...site,
    },
  );
}

function assertExact(report: ExperimentReport): void {
  assert.deepEqual(report.mistakes, []);
  assert.deepEqual(report.counters, [
    { worker: 0, before: 0, committed: 70_200, restarted: 70_200 },
    { worker: 1, before: 0, committed: 70_200, restarted: 70_200 },
  ]);
}

const strikesOf = ({ strikes }: ExperimentReport) => Object.values(strikes).reduce((sum, count) => sum + count, 0);
const random = (...among: string[]): Choice => ({ kind: 'random', among, atOnce: 1 });
const sequence = (...entries: string[][]): Choice => ({ kind: 'sequence', entries });

const successors: ChildProcess[] = [];

describe('the experiment', () => {
  afterEach(tearDown);
  afterEach(() => successors.splice(0).forEach((child) => child.kill('SIGKILL')));

  it('is exact when workers are killed', async () => {
    const place = await makePlace();
    const report = await experimentOn(place, await place.start(), random('workers'));
    assertExact(report);
    assert.ok(strikesOf(report) >= MIN_FAULTS);
    assert.ok(report.worldLines >= 1 && report.worldLines <= strikesOf(report), `${report.worldLines} world-lines`);
    assert.equal(report.recovery.count, strikesOf(report));
  });

  it('is exact when the Finder is killed, and nothing is rolled back', async () => {
    const place = await makePlace();
    const report = await experimentOn(place, await place.start(), random('finder'));
    assertExact(report);
    assert.ok(strikesOf(report) >= MIN_FAULTS);
    assert.deepEqual([report.worldLines, report.rollbacks, report.replayed], [0, 0, 0]);
  });

  it('is exact when a worker and the Finder are killed together', async () => {
    const place = await makePlace();
    const both = sequence(['finder', 'counter-0'], ['finder', 'counter-1'], ['finder', 'counter-0']);
    const report = await experimentOn(place, await place.start(), both);
    assertExact(report);
    assert.deepEqual(report.strikes, { 'counter-0': 2, 'counter-1': 1, 'dpr-finder': 3 });
  });

  it('is exact when everything is killed together', async () => {
    const place = await makePlace();
    const report = await experimentOn(place, await place.start(), sequence(['all'], ['all'], ['all']));
    assertExact(report);
    assert.deepEqual(report.strikes, { 'counter-0': 3, 'counter-1': 3, 'dpr-finder': 3 });
    assert.ok(report.worldLines <= 2 * 3, `${report.worldLines} world-lines`);
  });

  it('is exact when a worker stands still until its successor goes on in its place, and then wakes up', async () => {
    const place = await makePlace();
    const run = await place.start();
    let round = 0;
    const progress = async (): Promise<void> => {
      const before = round;
      await until('a round that the successor took part in', () => round > before);
    };
    const report = await experimentOn(place, run, sequence(['counter-0']), {
      target: succeeding(place, run, progress),
      emit(happened) {
        if (happened.event === 'round') round = happened.round;
      },
    });
    assertExact(report);
    assert.deepEqual(report.strikes, { 'counter-0': 1 });
    const fenced = run.lines.filter(
      ({ event, reason }) => event === 'processEnded' && String(reason).includes('fenced'),
    );
    assert.deepEqual(
      fenced.map((line) => line.process),
      ['counter-0'],
    );
  });

  it('tells when a total is wrong', async () => {
    const place = await makePlace();
    const run = await place.start();
    const report = await experimentOn(place, run, sequence(), {
      async restart() {
        await addTo(place, [1], 1);
      },
    });
    assert.equal(report.exact, false);
    assert.deepEqual(report.mistakes, ['counter 1 has 70201 after a restart of the cluster, and must have 70200']);
  });

  it('is a command whose report and exit code tell that all is exact', async () => {
    await bundle();
    const options = ['--fast', '--json', '--seed', '7', '--duration', '1s', '--min-kills', '3'];
    const child = spawn(process.execPath, [path.join(DIST, 'experiment.js'), ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    assert.deepEqual(await once(child, 'close'), [0, null]);
    const report = JSON.parse(printed) as ExperimentReport & { readonly seed: number };
    assertExact(report);
    assert.equal(report.seed, 7);
    assert.ok(strikesOf(report) >= 3);
  });
});

/**
 * Stops a worker, starts a second process in its place, and lets the first go on once the second got something done; in the
 * end the second is killed, and the supervisor's worker is back.
 */
function succeeding(place: Place, run: LocalRun, progress: () => Promise<void>): Target {
  return {
    victims: () => [{ name: 'counter-0', role: 'worker' }],
    inject() {
      const zombie = place.kill('counter-0', 'SIGSTOP');
      const since = performance.now();
      return {
        since,
        async recovered(signal) {
          const successor = await startSuccessor(place, signal);
          await progress();
          process.kill(zombie, 'SIGCONT');
          await until('the end of the zombie', () => !isAlive(zombie));
          await run.line('processEnded', ({ process }) => process === 'counter-0');
          successor.kill('SIGKILL');
          await place.processIs('counter-0', ({ pid, phase }) => pid !== zombie && phase === 'serving');
          return { tookMs: performance.now() - since };
        },
      };
    },
    release: () => undefined,
  };
}

/** Another process of worker 0 that serves, at other ports of the place. */
async function startSuccessor(place: Place, signal: AbortSignal): Promise<ChildProcess> {
  const config = await readStackFile(place.config, 'local');
  const options = { dataDirectory: place.data, programDirectory: DIST, node: process.execPath, host: HOST };
  const [worker] = planLocal(config, options).workers;
  assert.ok(worker !== undefined);
  // It sees no sign of its predecessor, as on another machine that the volume was moved to.
  const locks = readdirSync(worker.dataDirectory).filter((name) => name.startsWith('lock-'));
  for (const name of locks) unlinkSync(path.join(worker.dataDirectory, name));
  const port = place.basePort + 8;
  const admin = adminPort(port);
  const ports = { DPR_PORT: String(port), DPR_PUBLIC_PORT: String(port), DPR_ADMIN_PORT: String(admin) };
  const token = { DPR_CONTROL_TOKEN_FILE: path.join(place.data, 'control-token') };
  const [program = '', ...words] = worker.command;
  const child = spawn(program, words, {
    env: { ...process.env, ...worker.environment, ...ports, ...token },
    stdio: 'ignore',
  });
  successors.push(child);
  await untilReady(HOST, admin, signal);
  return child;
}
