/** A real Prometheus that watches processes of this machine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { ruleGroups } from '../../infra/monitoring/index.ts';
import { freePort } from '../runtime/cluster.ts';
import { type Place, until } from './harness.ts';

/** So often it scrapes and looks at rules. */
const EVERY = '200ms';

/** The alerts; what one says must hold for a scrape here, in place of minutes. @param exprOf what is asked in place of an expression */
export function promptRules(exprOf = (expr: string) => expr): readonly object[] {
  return ruleGroups('').map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ({ ...rule, expr: exprOf(rule.expr), for: EVERY })),
  }));
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** When, in seconds since 1970, and what. */
  readonly value: readonly [number, string];
}

export interface Prometheus {
  query(expr: string): Promise<readonly Sample[]>;
  /** The names of alerts that fire. */
  firing(): Promise<string[]>;
  end(): Promise<void>;
}

/** Where the processes of these names serve their metrics. */
export function targetsOf(place: Place, names: readonly string[]): string[] {
  return names.map((name) => `127.0.0.1:${String(place.process(name)?.ports.admin)}`);
}

/** @returns once it has seen every target */
export async function startPrometheus(targets: readonly string[], groups: readonly object[] = []): Promise<Prometheus> {
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-prometheus-'));
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
  const words = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=${address}`];
  const child = spawn('prometheus', words, { cwd: directory, stdio: 'ignore' });
  await Promise.race([
    once(child, 'spawn'),
    once(child, 'error').then(() => assert.fail('this needs prometheus (Debian: apt-get install prometheus)')),
  ]);

  async function get(what: string): Promise<Record<string, unknown> | undefined> {
    const response = await fetch(`http://${address}/api/v1/${what}`).catch(() => undefined); // it is not there yet
    return response?.ok === true ? ((await response.json()) as { data: Record<string, unknown> }).data : undefined;
  }
  const prometheus: Prometheus = {
    async query(expr) {
      return ((await get(`query?query=${encodeURIComponent(expr)}`))?.result ?? []) as Sample[];
    },
    async firing() {
      const alerts = ((await get('alerts'))?.alerts ?? []) as {
        readonly state: string;
        readonly labels: { readonly alertname: string };
      }[];
      return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
    },
    async end() {
      const ended = once(child, 'close');
      child.kill();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
  try {
    const all = async () => (await prometheus.query('up == 1')).length === targets.length;
    await until('Prometheus to see every process', all);
  } catch (error) {
    await prometheus.end();
    throw error;
  }
  return prometheus;
}
