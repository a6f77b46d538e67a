/** Metrics that are read from the state when they are asked for, so that keeping them costs nothing. METRICS.md has all of them. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import manifest from './package.json' with { type: 'json' };

/** Upper bounds for what a disk takes to make something durable, seconds. */
export const WRITE_SECONDS_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Gauges whose names say that they only grow: `promtool check metrics` refuses them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** What a process tells of itself, whatever it is. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const help = 'What runs: always 1.';
  new Gauge({ name: 'dpr_build_info', help, labelNames: ['version', 'node'], registers: [registry] }).set(
    { version: manifest.version, node: process.versions.node },
    1,
  );
  return registry;
}

/** A number that goes up and down. */
export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** One number for each value of a label. */
export function gauges<Value extends string>(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<Value, number>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, number] of Object.entries<number>(read())) this.set({ [label]: value }, number);
    },
  });
}

/** Words about the process, as labels of a 1: another one takes the place of what was told before. */
export function info(
  registry: Registry,
  name: string,
  help: string,
  read: () => Readonly<Record<string, string>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: Object.keys(read()),
    registers: [registry],
    collect() {
      this.reset();
      this.set(read(), 1);
    },
  });
}

export function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

/** A number that only grows, kept elsewhere. */
export function total(registry: Registry, name: string, help: string, read: () => number): void {
  let shown = 0;
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      const now = read();
      this.inc(now - shown);
      shown = now;
    },
  });
}

/** The same, one for each value of a label; those that are not there yet are none. */
export function totals(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => ReadonlyMap<string, number>,
): void {
  const shown = new Map<string, number>();
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, now] of read()) {
        this.inc({ [label]: value }, now - (shown.get(value) ?? 0));
        shown.set(value, now);
      }
    },
  });
}

export function writeSeconds(registry: Registry, name: string, help: string): Histogram {
  return new Histogram({ name, help, registers: [registry], buckets: WRITE_SECONDS_BUCKETS });
}
