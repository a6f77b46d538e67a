/** A real Prometheus at a real cluster: alerts fire, and clear. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { ruleGroups } from '../../infra/monitoring/index.ts';
import { freePort } from '../runtime/cluster.ts';
import { makePlace, type Place, tearDown, until } from './harness.ts';

const PROCESSES = ['dpr-finder', 'counter-0', 'counter-1'];
/** So often it scrapes and looks at rules; and for so long what an alert says must hold, in place of minutes. */
const EVERY = '200ms';

describe('alerts of a cluster that a Prometheus watches', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-prometheus-'));
  let place: Place;
  let prometheus: ChildProcess;
  let url: string;

  before(async () => {
    place = await makePlace();
    await place.start();
    const targets = PROCESSES.map((name) => `127.0.0.1:${String(place.process(name)?.ports.admin)}`);
    const groups = ruleGroups('').map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({ ...rule, for: EVERY })),
    }));
    writeFileSync(path.join(directory, 'rules.yml'), stringify({ groups }));
    writeFileSync(
      path.join(directory, 'prometheus.yml'),
      stringify({
        global: { scrape_interval: EVERY, scrape_timeout: EVERY, evaluation_interval: EVERY },
        rule_files: ['rules.yml'],
        scrape_configs: [{ job_name: 'dpr', static_configs: [{ targets }] }],
      }),
    );
    const address = `127.0.0.1:${await freePort()}`;
    url = `http://${address}`;
    const words = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=${address}`];
    prometheus = spawn('prometheus', words, { cwd: directory, stdio: 'ignore' });
    await Promise.race([
      once(prometheus, 'spawn'),
      once(prometheus, 'error').then(() => assert.fail('this needs prometheus (Debian: apt-get install prometheus)')),
    ]);
    await until('Prometheus to see every process', async () => (await value('count(up == 1)')) === PROCESSES.length);
  });
  after(async () => {
    const ended = once(prometheus, 'close');
    prometheus.kill();
    await ended;
    rmSync(directory, { recursive: true });
  });
  after(tearDown);

  async function get(what: string): Promise<{ readonly data: Record<string, unknown> } | undefined> {
    const response = await fetch(`${url}/api/v1/${what}`).catch(() => undefined); // it is not there yet
    return response?.ok === true ? ((await response.json()) as { data: Record<string, unknown> }) : undefined;
  }

  async function value(query: string): Promise<number> {
    const answer = await get(`query?query=${encodeURIComponent(query)}`);
    const [first] = (answer?.data.result ?? []) as { readonly value: readonly [number, string] }[];
    return Number(first?.value[1]);
  }

  async function firing(): Promise<string[]> {
    const alerts = ((await get('alerts'))?.data.alerts ?? []) as {
      readonly state: string;
      readonly labels: { readonly alertname: string };
    }[];
    return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
  }

  const isQuiet = () => until('no alert', async () => (await firing()).length === 0);

  it('fire while the Finder stands still, and clear once it goes on', async () => {
    await isQuiet();
    place.kill('dpr-finder', 'SIGSTOP');
    await until('the alert', async () => (await firing()).includes('DprFinderDown'));
    place.kill('dpr-finder', 'SIGCONT');
    await isQuiet();
  });

  it('fire while a worker stands still, and clear once another process has taken its place', async () => {
    await isQuiet();
    const frozen = place.kill('counter-1', 'SIGSTOP');
    await until('the alert', async () => (await firing()).includes('DprWorkerSilent'));
    await place.processIs('counter-1', ({ phase, pid }) => phase === 'serving' && pid !== frozen);
    await isQuiet();
  });

  it('fire when the cluster rolls back again and again', async () => {
    for (let rollback = 0; rollback < 6; rollback++) {
      const worldLine = await value('dpr_finder_world_line');
      const killed = place.kill('counter-1', 'SIGKILL');
      await place.processIs('counter-1', ({ phase, pid }) => phase === 'serving' && pid !== killed);
      await until('the world-line', async () => (await value('dpr_finder_world_line')) > worldLine);
    }
    await until('the alert', async () => (await firing()).includes('DprManyRollbacks'));
  });
});
