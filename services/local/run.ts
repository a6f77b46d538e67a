import { rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import { CLUSTER_FILE } from '@dpr/client/cluster-file';
import { ConfigError } from '@dpr/infra/config';
import { type LocalProcess, reachable } from '@dpr/infra/plan';
import { EXIT } from '@dpr/runtime/exit-codes';
import { localCluster } from './cluster.ts';
import { type Countdown, countdown, DOUBT_FACTOR, finish, isDoubtful, REAL_CLOCK } from './countdown.ts';
import { type Desired, readDesired } from './desired.ts';
import { type Action, describeAction, diffPlans, isRemoval, withoutRemovals } from './diff-plans.ts';
import type { Emit } from './events.ts';
import { publishStatus } from './status-publisher.ts';
import { openLogFile } from './log-file.ts';
import { LOCAL_EXIT } from './exit-codes.ts';
import { finderControl } from './operator.ts';
import { ephemeralPorts, openToOthers, portsAtRisk } from './open-doors.ts';
import type { Options } from './options.ts';
import { obstacles, processesOf } from './preflight.ts';
import { logDirectory, prepare } from './prepare.ts';
import { onSignals } from './signals.ts';
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
  const { config, data, host, removalDelayMs } = options;
  const emit: Emit = (event) => show.event(event);
  let desired = first;
  let served = false;
  let lookForStrays = true;
  let warnings: readonly string[] = [];
  let reloading: Promise<void> = Promise.resolve();
  /** Of workers that were taken out of the config, and of members that it never had. */
  const edits = countdown(REAL_CLOCK);
  const strays = countdown(REAL_CLOCK);

  const address = (port: number) => `ws://${reachable(host)}:${port}`;
  const addresses = () => {
    const { ports } = desired.plan.finder;
    return { cluster: address(ports.public), control: address(ports.control) };
  };
  const cluster = localCluster({
    host,
    emit,
    changed,
    openLog: (file, name) =>
      openLogFile(file, ({ message }) => {
        emit({ event: 'warning', text: `the log of ${name} cannot be written: ${message}` });
      }),
    logDirectory: logDirectory(data),
    connect: ({ ports, environment }) =>
      finderControl({
        cluster: address(ports.public),
        control: address(ports.control),
        controlToken: environment.DPR_CONTROL_TOKEN,
      }),
  });
  const header = () => ({ supervisor: process.pid, ...addresses(), config });
  const removals = () => new Map([...strays.left(), ...edits.left()]);
  const publisher = publishStatus({ cluster, show, dataDirectory: data, header, removals, observe: findStrays });
  emit({ event: 'starting', config, data, processes: processesOf(first.plan).length });
  warnOfDoors(first);
  cluster.apply(first.plan, first.forced);

  function warnOfDoors({ plan }: Desired): void {
    const found = [openToOthers(host, plan), portsAtRisk(plan, ephemeralPorts())].filter((text) => text !== undefined);
    for (const text of found) if (!warnings.includes(text)) emit({ event: 'warning', text });
    warnings = found;
  }

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
    const declared = new Map(desired.plan.workers.map(({ id, type }) => [id, type]));
    // The type is not known before a worker has joined for the first time.
    const isStray = ({ id, type }: WorkerStatus) =>
      declared.get(id) !== type && !(declared.has(id) && type === '') && !cluster.isSettling(id);
    const found = workers.filter(isStray);
    if (found.length === 0) return;
    const ids = found.map(({ id }) => id);
    const areStrays = ({ plan }: Desired) => {
      const types = new Map(plan.workers.map((worker) => [worker.id, worker.type]));
      return found.every(({ id, type }) => types.get(id) !== type);
    };
    strays.begin(
      ids,
      announceRemoval(ids, workers.length),
      whenOver(strays, areStrays, () => found.forEach((member) => void dismiss(member))),
    );
  }

  /** @param isMissing by the config as it is in the end */
  function whenOver(
    wait: Countdown,
    isMissing: (now: Desired) => boolean,
    act: () => void | Promise<void>,
  ): () => void {
    const isStill = async (): Promise<boolean> => {
      const now = await desiredOr(options, () => undefined);
      return now !== undefined && isMissing(now);
    };
    return () => {
      reloading = reloading.then(() => finish(wait, isStill, act));
    };
  }

  /** @returns how long to wait for it, ms */
  function announceRemoval(workers: readonly number[], total: number): number {
    const doubtful = isDoubtful(workers.length, total);
    const delayMs = removalDelayMs * (doubtful ? DOUBT_FACTOR : 1);
    emit({ event: 'removalPending', workers, delayMs, doubtful });
    return delayMs;
  }

  async function dismiss(member: WorkerStatus): Promise<void> {
    const worker = await desired.stray(member);
    if (worker !== undefined) cluster.dismiss(worker);
    else emit({ event: 'warning', text: strayText(member) });
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
    const removed = removedBy(next);
    keep(
      before.filter((id) => !removed.includes(id)),
      'the config has the entry again',
    );
    const total = desired.plan.workers.length;
    // What is added or changed is there at once.
    await change({ ...next, plan: withoutRemovals(desired.plan, next.plan) }, removed.length > 0);
    if (removed.length === 0) return;
    const areMissing = (now: Desired) => isDeepStrictEqual(removedBy(now), removed);
    edits.begin(
      removed,
      announceRemoval(removed, total),
      whenOver(edits, areMissing, () => change(next)),
    );
  }

  function removedBy({ plan }: Desired): number[] {
    return diffPlans(desired.plan, plan)
      .filter(isRemoval)
      .map(({ worker }) => worker.id);
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
    reload: () => (reloading = reloading.then(reload)),
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

function strayText({ id, type }: ClusterStatus['workers'][number]): string {
  return (
    `worker ${id} (${type}) is a member of the cluster, but not in the config, and it cannot be run here to let it ` +
    `leave: add it to the config again, or name it in dpr:forceRemove, which loses what it did not commit`
  );
}
