/** Numbers that a worker type adds to those of its worker. */
import type { Registry } from 'prom-client';
import { gauge, total } from '../metrics.ts';

/** Each is read when it is asked for. A name is of small letters, digits and `_`; it is shown as `dpr_<type>_<name>`. */
export interface TypeMetrics {
  /** A number that goes up and down. A unit ends its name, as in `free_bytes`. */
  gauge(name: string, help: string, read: () => number): void;
  /** A number that only grows. Its name ends with `_total`. */
  total(name: string, help: string, read: () => number): void;
}

const NAME = /^[a-z][a-z0-9_]*$/;

/** @param type its name */
export function typeMetrics(registry: Registry, type: string): TypeMetrics {
  const prefix = `dpr_${type.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}`;
  const named = (name: string): string => {
    if (!NAME.test(name)) throw new TypeError(`a metric is called '${name}': it may have small letters, digits and _`);
    return `${prefix}_${name}`;
  };
  return {
    gauge: (name, help, read) => gauge(registry, named(name), help, read),
    total: (name, help, read) => total(registry, named(name), help, read),
  };
}
