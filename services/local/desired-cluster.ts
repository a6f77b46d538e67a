import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { WorkerStatus } from '@dpr/client';
import { type Config, ConfigError } from '@dpr/infra/config';
import { isBuiltIn, type LocalPlan, type LocalWorker, planLocal } from '@dpr/infra/plan';
import { readStackFile } from '@dpr/infra/stack-file';
import { ownControlToken } from './control-token.ts';
import { isLoopback } from '@dpr/runtime/loopback';
import type { Options } from './options.ts';
import { freePort } from './preflight.ts';

/** What the config asks for. */
export type Desired = {
  readonly plan: LocalPlan;
  /** Ids of workers that may leave although they are dead and work of theirs is lost by it. */
  readonly forced: ReadonlySet<number>;
  /** How to run a member that the config does not have, so that it can leave; undefined when it cannot be run here. */
  readonly stray: (member: Stray) => Promise<LocalWorker | undefined>;
};

type LocalConfig = Parameters<typeof planLocal>[0];
type Stray = Pick<WorkerStatus, 'id' | 'type' | 'port'>;

/** Where this program is, and the others beside it. */
const PROGRAM_DIRECTORY = path.dirname(fileURLToPath(import.meta.url));

/** @throws ConfigError that names every mistake */
export async function readDesired(options: Options): Promise<Desired> {
  return desiredBy(await readConfig(options), options);
}

/** @throws ConfigError that names every mistake */
export function readConfig({ config }: Pick<Options, 'config'>): Promise<Config> {
  const { DPR_CONTROL_TOKEN: controlToken, DPR_CLIENT_TOKEN: clientToken } = process.env;
  return readStackFile(config, 'local', { controlToken, clientToken });
}

/**
 * What a config asks for, with a control token in any case.
 *
 * @throws ConfigError when its token cannot be kept in the data directory
 */
export function desiredBy(given: Config, { data, host, checkpointIntervalMs }: Options): Desired {
  const config = { ...given, controlToken: given.controlToken ?? madeControlToken(data) };
  const options = {
    dataDirectory: data,
    programDirectory: PROGRAM_DIRECTORY,
    node: process.execPath,
    host,
    hostNames: isLoopback(host)
      ? []
      : [host, hostname()].filter((name) => isIP(name) === 0).map((name) => name.toLowerCase()),
    checkpointIntervalMs,
  };
  const plan = planLocal(config, options);
  const forced = new Set(config.forceRemove);
  return {
    plan,
    forced,
    async stray(member) {
      const [worker] = planLocal({ ...config, workers: [strayWorker(config, member)] }, options).workers;
      // One that goes by force, or never came so far as to tell its type, leaves without being started.
      if (worker === undefined || forced.has(member.id) || member.type === '') return worker;
      const runnable = worker.command.length > 0 && existsSync(worker.dataDirectory);
      return runnable ? withoutPortsOf(plan, worker, host) : undefined;
    },
  };
}

/** @throws ConfigError */
function madeControlToken(data: string): string {
  try {
    return ownControlToken(data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const text = `is not set, and one that is made cannot be kept in ${data}: ${reason}; set it, or mend the directory`;
    throw new ConfigError([{ key: 'dpr:controlToken', text }]);
  }
}

/** How its type is started is known of the types that the project ships and of those that the config still has. */
function strayWorker(config: Config, { id, type, port }: Stray): LocalConfig['workers'][number] {
  const alike = config.workers.find((worker) => worker.type === type);
  const command = alike?.command ?? (isBuiltIn(type) ? undefined : []);
  return {
    id,
    type,
    port: port === 0 ? undefined : port,
    command,
    resp: false, // it leaves
    checkpointIntervalMs: (alike ?? config).checkpointIntervalMs,
    state: undefined,
    maxMemory: undefined,
    eviction: undefined,
  };
}

/** One whose ports were given to others meanwhile takes any that are free: no client has to find it again. */
async function withoutPortsOf(plan: LocalPlan, worker: LocalWorker, host: string): Promise<LocalWorker> {
  const others = [plan.finder, ...plan.workers.filter(({ id }) => id !== worker.id)];
  const taken = new Set(others.flatMap(({ ports }) => Object.values(ports)));
  if (!Object.values(worker.ports).some((port) => taken.has(port))) return worker;
  const [port, admin] = await Promise.all([freePort(host), freePort(host)]);
  const ports = { DPR_PORT: String(port), DPR_PUBLIC_PORT: String(port), DPR_ADMIN_PORT: String(admin) };
  return { ...worker, environment: { ...worker.environment, ...ports }, ports: { public: port, admin } };
}
