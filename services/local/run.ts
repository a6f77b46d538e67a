import { rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import { CLUSTER_FILE } from '@dpr/client/cluster-file';
import { ConfigError } from '@dpr/infra/config';
import { type LocalFinder, type LocalProcess, reachable } from '@dpr/infra/plan';
import { EXIT } from '@dpr/runtime/exit-codes';
import { localCluster } from './cluster.ts';
import { type Desired, readDesired } from './desired.ts';
import { type Action, describeAction, diffPlans, isRemoval, withoutRemovals } from './diff-plans.ts';
import type { Emit } from './events.ts';
import { openLogFile } from './log-file.ts';
import { LOCAL_EXIT } from './exit-codes.ts';
import { finderControl } from './operator.ts';
import { ephemeralPorts, openToOthers, portsAtRisk } from './open-doors.ts';
import type { Options } from './options.ts';
import { obstacles, processesOf } from './preflight.ts';
import { logDirectory, prepare } from './prepare.ts';
import { createRemovals } from './removals.ts';
import { onSignals } from './signals.ts';
import { publishStatus } from './status-publisher.ts';
import { areStrays, straysIn, strayText } from './strays.ts';
import type { Show } from './view/show.ts';
import { fingerprintOf, watchForChanges } from './watch.ts';

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
  const { config, data, host } = options;
  const emit: Emit = (event) => show.event(event);
  const warn = (text: string): void => emit({ event: 'warning', text });
  const warnOfDoors = doorWarnings(host, warn);
  let desired = first;
  let served = false;
  let lookForStrays = true;
  let changes: Promise<void> = Promise.resolve();

  const inTurn = (work: () => Promise<void>): Promise<void> => (changes = changes.then(work));
  const removing = {
    delayMs: options.removalDelayMs,
    emit,
    read: () => desiredOr(options, () => undefined),
    inTurn: (work: () => Promise<void>) => void inTurn(work),
  };
  /** Of workers that were taken out of the config, and of members that it never had. */
  const edits = createRemovals(removing);
  const strays = createRemovals(removing);

  const addresses = () => addressesOf(host, desired.plan.finder);
  const cluster = localCluster({
    host,
    emit,
    changed,
    openLog: (file, name) =>
      openLogFile(file, ({ message }) => warn(`the log of ${name} cannot be written: ${message}`)),
    logDirectory: logDirectory(data),
    connect: (finder) =>
      finderControl({ ...addressesOf(host, finder), controlToken: finder.environment.DPR_CONTROL_TOKEN }),
  });
  const header = () => ({ supervisor: process.pid, ...addresses(), config });
  const removals = () => new Map([...strays.left(), ...edits.left()]);
  const publisher = publishStatus({ cluster, show, dataDirectory: data, header, removals, observe: findStrays });
  emit({ event: 'starting', config, data, processes: processesOf(first.plan).length });
  warnOfDoors(first);
  cluster.apply(first.plan, first.forced);

  function changed(): void {
    publisher.changed();
    const states = cluster.views().map(({ state }) => state.phase);
    if (served || states.length < processesOf(desired.plan).length) return;
    served = states.every((phase) => phase === 'serving');
    const afterMs = Math.round(performance.now() - began);
    if (served) setImmediate(() => emit({ event: 'serving', ...addresses(), afterMs })); // after its last process
  }

  /** Once after each change of the config: members that it does not have, or not with their type, are to leave. */
  function findStrays({ workers }: ClusterStatus): void {
    if (!lookForStrays) return;
    lookForStrays = false;
    const found = straysIn(workers, desired.plan, (worker) => cluster.isSettling(worker));
    if (found.length === 0) return;
    strays.begin({
      workers: found.map(({ id }) => id),
      total: workers.length,
      isMissing: ({ plan }) => areStrays(found, plan),
      act: () => found.forEach((member) => void dismiss(member)),
    });
  }

  async function dismiss(member: WorkerStatus): Promise<void> {
    const worker = await desired.stray(member);
    if (worker !== undefined) cluster.dismiss(worker);
    else warn(strayText(member));
  }

  async function reload(): Promise<void> {
    const next = await desiredOr(options, (problems) => emit({ event: 'configInvalid', problems }));
    strays.cancel(); // they are looked for anew
    const before = edits.cancel();
    const keep = (workers: readonly number[], why: string): void => {
      if (workers.length > 0) emit({ event: 'removalCancelled', workers, why });
    };
    if (next === undefined) {
      keep(before, 'the config cannot be used');
      return;
    }
    const removed = removedBetween(desired, next);
    keep(
      before.filter((id) => !removed.includes(id)),
      'the config has the entry again',
    );
    const total = desired.plan.workers.length;
    // What is added or changed is there at once.
    await change({ ...next, plan: withoutRemovals(desired.plan, next.plan) }, removed.length > 0);
    if (removed.length === 0) return;
    const isMissing = (now: Desired) => isDeepStrictEqual(removedBetween(desired, now), removed);
    edits.begin({ workers: removed, total, isMissing, act: () => change(next) });
  }

  /** @param isPart more is to come, which is told by itself */
  async function change(next: Desired, isPart = false): Promise<void> {
    const actions = diffPlans(desired.plan, next.plan);
    const own = new Set(cluster.views().flatMap(({ spec }) => Object.values(spec.ports)));
    const problems = await obstacles(actions.flatMap(startedBy), host, own);
    if (problems.length > 0) {
      emit({ event: 'configInvalid', problems });
      return;
    }
    desired = next;
    lookForStrays = true;
    if (actions.length > 0 || !isPart) emit({ event: 'configChanged', changes: actions.map(describeAction) });
    warnOfDoors(next);
    cluster.apply(next.plan, next.forced);
    cluster.retry();
  }

  return {
    reload: () => inTurn(reload),
    async stop(why) {
      edits.cancel();
      strays.cancel();
      emit({ event: 'stopping', why });
      const kept = await cluster.stop();
      publisher.stop();
      emit({ event: 'stopped', kept });
      return kept;
    },
    kill: () => cluster.kill(),
  };
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

function removedBetween(before: Desired, after: Desired): number[] {
  return diffPlans(before.plan, after.plan)
    .filter(isRemoval)
    .map(({ worker }) => worker.id);
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

function startedBy(action: Action): LocalProcess[] {
  if (action.kind === 'remove') return [];
  return [action.kind === 'restartFinder' ? action.finder : action.worker];
}
