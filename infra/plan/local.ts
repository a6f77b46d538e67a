import type { Config, WorkerConfig } from '../config.ts';
import {
  type Environment,
  finderEnvironment,
  type ProcessFacts,
  type Tokens,
  workerEnvironment,
} from './environment.ts';
import { urlHost } from './ip-families.ts';
import { FINDER_NAME, workerName } from './names.ts';
import { adminPort, CONTROL_PORT_OFFSET, publicPort, respPort } from './ports.ts';

/** Where and how the processes of one machine run. */
export type LocalOptions = {
  /** Each process has a directory of its own name in it. */
  readonly dataDirectory: string;
  /** Where the bundled programs are. */
  readonly programDirectory: string;
  /** The Node program that runs them. */
  readonly node: string;
  /** The address to bind; `127.0.0.1` keeps the cluster to this machine, `0.0.0.0` opens it to others. */
  readonly host: string;
  /** Names of this machine by which others reach it, besides those of the configuration. */
  readonly hostNames?: readonly string[];
  /** For every worker, in place of what the configuration says. */
  readonly checkpointIntervalMs?: number | undefined;
};

/**
 * What Node is told for a worker, here and in its image. V8 collects everything once its heap and the buffers beside it exceed a
 * multiple of what lives, which batches of many operations do all the time in a worker with little state; below this many MiB it leaves
 * that to collections of what is young.
 */
export const WORKER_NODE_OPTIONS = ['--initial-old-space-size=96'];

/** What the plan depends on. */
export type LocalConfig = Pick<
  Config,
  | 'basePort'
  | 'respBasePort'
  | 'logLevel'
  | 'receiveTimeoutMs'
  | 'controlToken'
  | 'clientToken'
  | 'allowedOrigins'
  | 'hostNames'
> & {
  readonly workers: readonly Pick<
    WorkerConfig,
    'id' | 'type' | 'port' | 'resp' | 'command' | 'checkpointIntervalMs' | 'state' | 'maxMemory' | 'eviction'
  >[];
};

/** One process to run. */
export type LocalProcess = {
  /** Unique in the plan, such as `counter-0`. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** To be added to the environment that the process inherits. */
  readonly environment: Environment;
  readonly dataDirectory: string;
  /** `resp`: where a worker serves Redis clients. */
  readonly ports: { readonly public: number; readonly admin: number; readonly resp?: number };
};
export type LocalFinder = LocalProcess & { readonly ports: { readonly control: number } };
export type LocalWorker = LocalProcess & { readonly id: number; readonly type: string };
export type LocalPlan = { readonly finder: LocalFinder; readonly workers: readonly LocalWorker[] };

/**
 * The processes that make a cluster on one machine. What a worker gets depends on its own entry and the shared settings
 * alone, so two plans can be compared process by process to see which one has to start, stop or restart.
 *
 * @param config checked for the target `local`
 */
export function planLocal(config: LocalConfig, options: LocalOptions): LocalPlan {
  const { logLevel, receiveTimeoutMs, allowedOrigins } = config;
  const hostNames = [...new Set([...config.hostNames, ...(options.hostNames ?? [])])];
  const { host } = options;
  const shared = {
    host,
    logLevel,
    receiveTimeoutMs,
    tokens: tokensOf(config),
    allowedOrigins,
    hostNames,
    clientAddresses: undefined, // no proxy is between
  };
  const finder = planFinder(config, options, shared);
  const address = `ws://${reachable(options.host)}:${finder.ports.control}`;
  return { finder, workers: config.workers.map((worker) => planWorker(worker)) };

  function planWorker(worker: LocalConfig['workers'][number]): LocalWorker {
    const name = workerName(worker);
    const port = publicPort(config.basePort, worker);
    const forRedis = respPort(config.respBasePort, worker);
    const ports = { public: port, admin: adminPort(port), ...(forRedis === undefined ? {} : { resp: forRedis }) };
    const dataDirectory = `${options.dataDirectory}/${name}`;
    const environment = workerEnvironment({
      ...shared,
      id: worker.id,
      type: worker.type,
      port,
      publicPort: port,
      respPort: forRedis,
      adminPort: ports.admin,
      data: dataDirectory,
      finder: address,
      checkpointIntervalMs: options.checkpointIntervalMs ?? worker.checkpointIntervalMs,
      state: worker.state,
      maxMemory: worker.maxMemory,
      eviction: worker.eviction,
    });
    const builtIn = [options.node, ...WORKER_NODE_OPTIONS, `${options.programDirectory}/${worker.type}.js`];
    const command = worker.command ?? builtIn;
    return { id: worker.id, type: worker.type, name, command, environment, dataDirectory, ports };
  }
}

type Shared = Omit<ProcessFacts, 'port' | 'adminPort' | 'data'>;

function planFinder({ basePort }: LocalConfig, options: LocalOptions, shared: Shared): LocalFinder {
  const ports = { public: basePort, control: basePort + CONTROL_PORT_OFFSET, admin: adminPort(basePort) };
  const dataDirectory = `${options.dataDirectory}/${FINDER_NAME}`;
  const environment = finderEnvironment({
    ...shared,
    port: ports.public,
    controlPort: ports.control,
    adminPort: ports.admin,
    data: dataDirectory,
  });
  const command = [options.node, `${options.programDirectory}/finder.js`];
  return { name: FINDER_NAME, command, environment, dataDirectory, ports };
}

function tokensOf({ controlToken, clientToken }: LocalConfig): Tokens {
  return {
    ...(controlToken === undefined ? {} : { DPR_CONTROL_TOKEN: controlToken }),
    ...(clientToken === undefined ? {} : { DPR_CLIENT_TOKEN: clientToken }),
  };
}

/** How a process of the same machine reaches what is bound to an address, as it stands in a URL. */
export function reachable(host: string): string {
  return urlHost({ '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host);
}
