/** What workers and their volumes do: executions, seals, restores, stops. */
import type { StopReason, Worker } from '../../../services/core/index.ts';
import type { CheckpointInfo } from '../../../services/protocol/index.ts';
import { EMPTY, historyOf, parseBatchName, resultsOf, type State } from '../state-object.ts';
import { find, type Manifest } from '../volume.ts';
import type { WorkerHost } from '../worker-actor.ts';
import {
  aliveExecution,
  callOf,
  nameOf,
  sessionOf,
  violated,
  workerOf,
  type Execution,
  type Token,
  type Truth,
} from './truth.ts';

export function checkWorkers(truth: Truth) {
  const { worldOf, figures, decisions, exposed, removedIds } = truth;

  /** A batch begins to execute in the worker's open version. */
  function executed(worker: Worker, batch: number, count: number): void {
    const { id } = worker.config;
    const { session: index, call: number } = parseBatchName(batch);
    const session = sessionOf(truth, index);
    const call = callOf(session, number);
    if (call.worker !== id) violated(13, `worker ${id} executes a call of worker ${call.worker}`);
    if (count < 1) violated(13, 'a batch of nothing executes');
    const follows = call.follows.get(worker.worldLine);
    if (follows === undefined) {
      return violated(
        6,
        `call ${number} of session ${index} executes in world-line ${worker.worldLine}, never sent there`,
      );
    }
    checkIncarnation(worker);
    const token = openToken(worker);
    for (const [owner, version] of follows) {
      if (version > token.version) {
        violated(5, `${nameOf(token)} follows version ${version} of worker ${owner}`);
      }
      if (owner !== id && version > (token.dependencies.get(owner) ?? 0)) token.dependencies.set(owner, version);
    }
    const execution: Execution = { batch, token, results: undefined };
    if (token.deadSince === Infinity) {
      const twice = aliveExecution(call);
      if (twice) {
        violated(
          13,
          `call ${number} of session ${index} executes twice: in ${nameOf(twice.token)}, in ${nameOf(token)}`,
        );
      }
    } else {
      worldOf().reached('execution in a dead world-line');
    }
    call.executions.push(execution);
    token.executions.push(execution);
    figures.executions++;
    worldOf().note(
      `worker ${id}`,
      () => `executes session ${index} call ${number} in version ${token.version} of world-line ${token.worldLine}`,
    );
  }

  /** A fenced incarnation may execute only in a world-line that ended before its successor executed. */
  function checkIncarnation({ config, incarnation, worldLine }: Worker): void {
    const own = workerOf(truth, config.id);
    if (incarnation > own.newest) {
      own.newest = incarnation;
      own.newestSince = worldLine;
    } else if (incarnation < own.newest && worldLine >= own.newestSince) {
      violated(9, `incarnation ${incarnation} of worker ${config.id} executes beside ${own.newest} in ${worldLine}`);
    }
  }

  function openToken(worker: Worker): Token {
    const { config, generation, incarnation, worldLine, version } = worker;
    const { id } = config;
    const own = workerOf(truth, id);
    const name = `${worldLine}/${version}`;
    const known = own.byName.get(name);
    if (known !== undefined) {
      if (known.incarnation !== incarnation) violated(8, `${nameOf(known)} is used by two incarnations`);
      if (known.sealed) violated(8, `something executes in ${nameOf(known)} after its seal`);
      return known;
    }
    const since = deadSince(id, worldLine, version);
    if (since === Infinity && version <= (exposed.get(id) ?? 0)) {
      violated(8, `worker ${id} executes in version ${version}, which is committed`);
    }
    const manifest = worldOf().hosts.get(id)?.volume.newest;
    if (manifest?.incarnation === incarnation) {
      for (const { info } of manifest.checkpoints) {
        if (info.version >= version)
          violated(8, `worker ${id} begins version ${version} below durable ${info.version}`);
      }
    }
    const token: Token = {
      worker: id,
      generation,
      worldLine,
      version,
      incarnation,
      dependencies: new Map(),
      executions: [],
      state: EMPTY,
      sealed: false,
      deadSince: since,
    };
    own.byName.set(name, token);
    own.all.push(token);
    if (since === Infinity) own.open.push(token);
    figures.tokens++;
    return token;
  }

  function deadSince(worker: number, worldLine: number, version: number): number {
    for (let next = worldLine + 1; next <= truth.exposedWorldLine; next++) {
      const decision = decisions.get(next);
      if (decision !== undefined && version > (decision.prefix.get(worker) ?? 0)) return next;
    }
    return Infinity;
  }

  /** A batch ended and made this state. */
  function applied(worker: Worker, batch: number, state: State): void {
    const { session, call } = parseBatchName(batch);
    const { executions } = callOf(sessionOf(truth, session), call);
    const execution = executions.find(
      ({ token, results }) => results === undefined && token.incarnation === worker.incarnation,
    );
    if (execution === undefined) return violated(13, `call ${call} of session ${session} ended without beginning`);
    execution.results = resultsOf(state);
    execution.token.state = state;
  }

  /** A checkpoint was taken: it must be of everything in its version and before, and nothing else. */
  function sealed(worker: Worker, info: CheckpointInfo, snapshot: State): void {
    const token = workerOf(truth, worker.config.id).byName.get(`${info.worldLine}/${info.version}`);
    if (token === undefined)
      return violated(8, `worker ${worker.config.id} seals version ${info.version}, which is empty`);
    if (token.incarnation !== worker.incarnation) violated(8, `${nameOf(token)} is sealed by another incarnation`);
    if (token.sealed) violated(8, `${nameOf(token)} is sealed twice`);
    if (token.state !== snapshot) violated(3, `the checkpoint of ${nameOf(token)} is not the state after it`);
    token.sealed = true;
  }

  /** The state of `version` was given back: exactly what survives up to there. */
  function restored(worker: Worker, version: number, state: State): void {
    const { id } = worker.config;
    const manifest = worldOf().hosts.get(id)?.volume.newest;
    if (manifest?.incarnation !== worker.incarnation) return; // a zombie's view of the past
    expectHistory(state, surviving(worker, version), `worker ${id} restored to version ${version}`);
  }

  /** What executed at this generation up to a version, as far as a worker in its world-line can know. */
  function surviving({ config, generation, worldLine }: Worker, upTo: number): number[] {
    const tokens = workerOf(truth, config.id).all.filter(
      (token) => token.generation === generation && token.version <= upTo && token.deadSince > worldLine,
    );
    return tokens.flatMap((token) => token.executions.map(({ batch }) => batch));
  }

  function expectHistory(state: State, expected: readonly number[], what: string): void {
    const history = historyOf(state);
    if (history.length === expected.length && history.every((batch, at) => batch === expected[at])) return;
    const show = (batches: readonly number[]): string =>
      batches
        .map(parseBatchName)
        .map(({ session, call }) => `${session}.${call}`)
        .join(' ');
    violated(3, `${what} holds [${show(history)}] and should hold [${show(expected)}]`);
  }

  function stopped(worker: Worker, why: StopReason): void {
    const manifest = worldOf().hosts.get(worker.config.id)?.volume.newest;
    if (why === 'shutdown' && manifest?.clean?.incarnation === worker.incarnation) {
      workerOf(truth, worker.config.id).stoppedCleanly = worker.incarnation;
    }
    const claimed = truth.record?.members.get(worker.config.id)?.claimed;
    if (why === 'fenced' && claimed === worker.incarnation) {
      violated(9, `incarnation ${claimed} of worker ${worker.config.id} is fenced, and nobody took over`);
    }
    if (why === 'refused' && !worldOf().calm) worldOf().reached('volume refused at last');
  }

  /** A checkpoint entered a manifest. */
  function durable(host: WorkerHost, manifest: Manifest, version: number): void {
    if (host.volume.newest === manifest) workerOf(truth, host.id).durable.add(version);
  }

  /** The volume is gone: its worker can only be removed. */
  function volumeLost(id: number): void {
    Object.assign(workerOf(truth, id), { emptyAt: Infinity, stoppedCleanly: -1 });
  }

  /** The volume begins anew, for a new generation. */
  function volumeBegins(id: number): void {
    workerOf(truth, id).emptyAt = Math.max(exposed.get(id) ?? 0, truth.record?.cut.get(id) ?? 0);
  }

  /** What the cut names must be restorable after whatever happened to the volume. */
  function volumeChanged(host: WorkerHost): void {
    const version = exposed.get(host.id) ?? 0;
    const { newest } = host.volume;
    if (newest === undefined || version <= workerOf(truth, host.id).emptyAt) return;
    if (removedIds.has(host.id)) return;
    if (!find(newest, version)) violated(10, `the volume of worker ${host.id} lacks version ${version} of the cut`);
  }

  /** After everything resolved: states against a model that replays exactly what survived. */
  function finish(): void {
    for (const { id, processes, wanted } of worldOf().hosts.values()) {
      const running = processes.at(-1);
      if (!wanted || running === undefined) continue;
      expectHistory(running.state, surviving(running.core, Infinity), `worker ${id} at the end`);
    }
  }

  return { executed, applied, sealed, restored, stopped, durable, volumeLost, volumeBegins, volumeChanged, finish };
}
