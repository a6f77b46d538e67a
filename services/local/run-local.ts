import { rmSync } from 'node:fs';
import path from 'node:path';
import { CLUSTER_FILE } from '@dpr/client/running-cluster';
import { ConfigError } from '@dpr/infra/config';
import { type LocalFinder, reachable } from '@dpr/infra/plan';
import { EXIT } from '@dpr/runtime/exit-codes';
import { localCluster } from './supervised-cluster.ts';
import { createConfigChanges } from './config-changes.ts';
import { type Desired, readDesired } from './desired-cluster.ts';
import type { Emit } from './events.ts';
import { openLogFile } from './log-file.ts';
import { LOCAL_EXIT } from './exit-codes.ts';
import { finderControl, type FinderAddress } from './finder-control.ts';
import { ephemeralPorts, openToOthers, portsAtRisk } from './exposure-warnings.ts';
import type { Options } from './options.ts';
import { processesOf } from './preflight.ts';
import { logDirectory, prepare } from './start-checks.ts';
import { type LocalConsole, openLocalConsole } from './local-console.ts';
import { onSignals } from './signals.ts';
import { publishStatus } from './status-publisher.ts';
import type { Show } from './view/show.ts';
import { fingerprintOf, watchForChanges } from './file-watch.ts';

/**
 * Runs a cluster until a signal ends it.
 *
 * @returns the exit code
 * @throws StartError when it cannot be started; then nothing was
 */
export async function runLocal(options: Options, show: Show): Promise<number> {
  const began = performance.now();
  const read = fingerprintOf(options.config);
  const { desired, lock } = await prepare(options);
  const running = startCluster(options, show, desired, began);
  const unwatch = watchForChanges(options.config, read, () => void running.reload());
  const code = await new Promise<number>((resolve) =>
    onSignals({
      stop: (why) => void running.stop(why).then((kept) => resolve(kept ? EXIT.ok : EXIT.unclean)),
      kill: () => {
        running.kill();
        resolve(LOCAL_EXIT.killed);
      },
      reload: () => void running.reload(),
    }),
  );
  unwatch();
  rmSync(path.join(options.data, CLUSTER_FILE), { force: true });
  await lock.release();
  return code;
}

/** A cluster that is kept as its config says. */
type Running = {
  readonly reload: () => Promise<void>;
  /** Whether everything ended cleanly. */
  readonly stop: (why: string) => Promise<boolean>;
  readonly kill: () => void;
};

function startCluster(options: Options, show: Show, first: Desired, began: number): Running {
  const { config, data, host, removalDelayMs } = options;
  let console: LocalConsole | undefined;
  const emit: Emit = (event) => {
    show.event(event);
    console?.event(event);
  };
  const warn = (text: string): void => emit({ event: 'warning', text });
  const warnOfDoors = doorWarnings(host, warn);
  let served = false;

  const addresses = () => addressesOf(host, changes.desired().plan.finder);
  const cluster = localCluster({
    host,
    emit,
    changed,
    openLog: (file, name) =>
      openLogFile(file, ({ message }) => warn(`the log of ${name} cannot be written: ${message}`)),
    logDirectory: logDirectory(data),
    connect: (finder) => finderControl(finderAddress(host, finder)),
  });
  const read = (onMistakes: (problems: string[]) => void) => desiredOr(options, onMistakes);
  const changes = createConfigChanges({ host, cluster, emit, removalDelayMs, first, read, check: warnOfDoors });
  const header = () => ({ supervisor: process.pid, ...addresses(), config });
  const { removals, findStrays } = changes;
  const publisher = publishStatus({ cluster, show, dataDirectory: data, header, removals, observe: findStrays });
  emit({ event: 'starting', config, data, processes: processesOf(first.plan).length });
  warnOfDoors(first);
  cluster.apply(first.plan, first.forced);
  const opened = openConsole();

  function changed(): void {
    publisher.changed();
    const states = cluster.views().map(({ state }) => state.phase);
    if (served || states.length < processesOf(changes.desired().plan).length) return;
    served = states.every((phase) => phase === 'serving');
    const afterMs = Math.round(performance.now() - began);
    if (served) setImmediate(() => emit({ event: 'serving', ...addresses(), afterMs })); // after its last process
  }

  async function openConsole(): Promise<void> {
    if (options.consolePort === undefined) return;
    const finder = () => finderAddress(host, changes.desired().plan.finder);
    try {
      const title = path.basename(config);
      console = await openLocalConsole({ cluster, finder, title, host, port: options.consolePort });
      emit({ event: 'console', address: console.address });
    } catch (error) {
      warn(`there is no console: ${(error as Error).message}`);
    }
  }

  return {
    reload: changes.reload,
    async stop(why) {
      changes.cancelRemovals();
      emit({ event: 'stopping', why });
      const kept = await cluster.stop();
      await opened;
      await console?.close('The cluster was stopped, and its console with it.');
      publisher.stop();
      emit({ event: 'stopped', kept });
      return kept;
    },
    kill: () => cluster.kill(),
  };
}

function finderAddress(host: string, finder: LocalFinder): FinderAddress {
  return { ...addressesOf(host, finder), controlToken: finder.environment.DPR_CONTROL_TOKEN };
}

/** The Finder's addresses, as clients and operators reach it. */
function addressesOf(host: string, { ports }: LocalFinder): { readonly cluster: string; readonly control: string } {
  const address = (port: number): string => `ws://${reachable(host)}:${port}`;
  return { cluster: address(ports.public), control: address(ports.control) };
}

/** @returns warns of what is open to others, once while it stays the same */
function doorWarnings(host: string, warn: (text: string) => void): (desired: Desired) => void {
  let before: readonly string[] = [];
  return ({ plan }) => {
    const found = [openToOthers(host, plan), portsAtRisk(plan, ephemeralPorts())].filter((text) => text !== undefined);
    for (const text of found) if (!before.includes(text)) warn(text);
    before = found;
  };
}

async function desiredOr(options: Options, onMistakes: (problems: string[]) => void): Promise<Desired | undefined> {
  try {
    return await readDesired(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    onMistakes(error.message.split('\n'));
    return undefined;
  }
}
