/** What the ingress tells of itself to Prometheus. */
import { gauge, info, flag, processMetrics, total } from '@dpr/runtime';
import type { Registry } from 'prom-client';
import type { Report } from './nginx-feeder.ts';
import type { WatchState } from './health.ts';

export function ingressMetrics(report: () => Report, watch: () => WatchState): Registry {
  const registry = processMetrics();
  info(registry, 'dpr_ingress_info', 'Which configuration NGINX serves: always 1.', () => ({
    configuration: report().serving ?? '',
  }));
  gauge(registry, 'dpr_ingress_serving', 'NGINX serves a configuration', () => flag(report().serving !== undefined));
  gauge(registry, 'dpr_ingress_refused', 'NGINX refuses the newest configuration', () =>
    flag(report().refused !== undefined),
  );
  gauge(registry, 'dpr_ingress_routes', 'Public ports that lead somewhere', () => report().routes);
  gauge(
    registry,
    'dpr_ingress_unknown_services',
    'Services without an address, whose ports are closed',
    () => report().unknown?.length ?? 0,
  );
  gauge(
    registry,
    'dpr_ingress_closed_ports',
    'Public ports that NGINX may not open',
    () => Object.keys(report().closed ?? {}).length,
  );
  gauge(registry, 'dpr_ingress_watch_failing', 'The port map is not watched', () => flag(watch().reason !== undefined));
  total(registry, 'dpr_ingress_watch_failures_total', 'Watches of the port map that failed', () => watch().failures);
  return registry;
}
