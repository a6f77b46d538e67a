/** The program beside NGINX in a pod of the ingress: the ConfigMap of the port map becomes what NGINX serves. */
import { setTimeout as pause } from 'node:timers/promises';
import { createLog, EXIT, ProcessError, runProcess, serveAdmin, type Log, type Running } from '@dpr/runtime';
import { lookUpAll } from './service-addresses.ts';
import { podAccount, watchOnce } from './config-map.ts';
import { startFeeder, type FeederEvent } from './nginx-feeder.ts';
import { notReady, watchState } from './health.ts';
import { ingressMetrics } from './metrics.ts';

/** The key of the ConfigMap that holds NGINX's configuration. */
const KEY = 'nginx.conf';
/** Between the end of a watch and the next. */
const WATCH_PAUSE_MS = 500;

const LEVELS: Readonly<Record<FeederEvent, 'info' | 'warn' | 'error'>> = {
  written: 'info',
  accepted: 'info',
  refused: 'error',
  unknown: 'warn',
  found: 'info',
};

type Variables = Readonly<Record<string, string | undefined>>;

/** Runs until it is asked to stop. Never returns. */
export async function serveIngress(): Promise<never> {
  const log = createLog('info', { role: 'ingress' });
  return runProcess(log, () => start(process.env, log));
}

async function start(variables: Variables, log: Log): Promise<Running> {
  const name = required(variables, 'DPR_CONFIG_MAP');
  const directory = required(variables, 'DPR_NGINX_DIRECTORY');
  const port = Number(required(variables, 'DPR_ADMIN_PORT'));
  const account = await podAccount(variables).catch((error: unknown) => {
    throw new ProcessError(error instanceof Error ? error.message : String(error), EXIT.config, { cause: error });
  });
  const stopping = new AbortController();
  const { signal } = stopping;
  const feeder = startFeeder({
    directory,
    tlsDirectory: variables.DPR_TLS_DIRECTORY,
    lookUp: lookUpAll,
    signal,
    log: (event, version, reason) => log[LEVELS[event]]({ event, version, reason }),
  });
  const watching = watchState(log);
  const admin = await serveAdmin({
    host: variables.DPR_HOST ?? '0.0.0.0',
    port,
    log,
    metrics: ingressMetrics(() => feeder.report(), watching.now),
    startup: () => (feeder.fed() ? undefined : 'there is no configuration yet'),
    ready: () => notReady(feeder.report()),
    pages: { '/configuration': () => ({ ...feeder.report(), watchFailed: watching.now().reason }) },
  });
  const { established, failed } = watching;
  const ended = watch(signal, () =>
    watchOnce({ account, name, key: KEY, changed: (text) => feeder.want(text), established, failed, signal }),
  ).then(async () => {
    await admin.close();
    return EXIT.ok;
  });
  return { ended, stop: () => stopping.abort() };
}

/** Again and again until the signal. */
async function watch(signal: AbortSignal, once: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await once();
    await pause(WATCH_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

function required(variables: Variables, name: string): string {
  const value = variables[name];
  if (value === undefined || value === '') throw new ProcessError(`${name} is not set`, EXIT.config);
  return value;
}
