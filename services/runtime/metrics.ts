/** Metrics that are read from the state when they are asked for, so that keeping them costs nothing. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Upper bounds for what a disk takes to make something durable, seconds. */
export const WRITE_SECONDS_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

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

export function writeSeconds(registry: Registry, name: string, help: string): Histogram {
  return new Histogram({ name, help, registers: [registry], buckets: WRITE_SECONDS_BUCKETS });
}
