/** The workers on the stage: their processes, their perfect volumes, and what they want done. */
import {
  createWorker,
  sectionReader,
  stepWorker,
  WORKER_DEFAULTS,
  workerWakeAt,
  type RestoredSessions,
  type WorkerConfig,
  type WorkerEffect,
  type WorkerEvent,
} from '@dpr/core';
import type { CheckpointInfo } from '@dpr/protocol';
import { show, showMessage } from '../show-messages.ts';
import type { Cast, Process, Scene, Volume, WorkersPart } from './scene.ts';

/** When the story begins by the clock of the workers, ms. */
const WALL_MS = 1_000;

export function workersOn(scene: Scene, cast: Cast): WorkersPart {
  const { queue, tell } = scene;
  const volumes = new Map<number, Volume>();
  const processes: Process[] = [];
  let boots = 0;

  function start(id: number, state: WorkerConfig['state'] = 'unsaid'): Process {
    const name = processes.some(({ core }) => core.config.id === id) ? `worker ${id} (again)` : `worker ${id}`;
    const volume = volumes.get(id) ?? {
      generation: 0,
      kept: new Map(),
      checkpoints: [],
      clean: undefined,
      stamp: undefined,
    };
    volumes.set(id, volume);
    const config = { ...WORKER_DEFAULTS, id, type: 'text', host: '', port: 6380 + id, state };
    const core = createWorker(config, {
      apply(operations) {
        process.state += Buffer.from(operations).toString();
        return Buffer.from(process.state);
      },
      seal(version) {
        process.sealed.push({ version, state: process.state });
        return process.state;
      },
      rollback(version) {
        const stored = process.sealed.findLast((one) => one.version <= version);
        if (stored !== undefined) process.state = stored.state;
        return stored !== undefined;
      },
      committed: () => undefined,
      undoBytes: () => 0,
    });
    const process: Process = {
      name,
      core,
      volume,
      connection: 0,
      state: '',
      sealed: [],
      alive: true,
      paused: false,
      kept: [],
    };
    processes.push(process);
    cast.finder.connect(process);
    survey(process);
    return process;
  }

  function survey(process: Process): void {
    const { generation, checkpoints, stamp } = process.volume;
    const boot = `b${++boots}`.padEnd(32, '0');
    queue.push(() => {
      const found = heldIn(checkpoints);
      const kept = [...process.volume.kept].map(([one, left]) => ({ generation: one, checkpoints: heldIn(left) }));
      const event = { kind: 'surveyed', boot, generation, checkpoints: found, kept, stamp } as const;
      step(
        process,
        event,
        `finds on its volume ${show({ generation, checkpoints: found, ...(kept.length > 0 ? { kept } : {}) })}`,
      );
    });
  }

  function step(process: Process, event: WorkerEvent, text: string): void {
    if (!process.alive) return;
    if (process.paused) return void process.kept.push(() => step(process, event, text));
    const effects = stepWorker(process.core, event, scene.now, WALL_MS + scene.now);
    tell(process.name, text, effects.map(showEffect));
    for (const effect of effects) perform(process, effect);
  }

  function perform(process: Process, effect: WorkerEffect): void {
    const { volume } = process;
    switch (effect.kind) {
      case 'send':
        return cast.session.receive(process, effect.message);
      case 'publish':
        return cast.session.receive(process, effect.message);
      case 'toFinder':
        return cast.finder.receive(process.connection, effect.message);
      case 'survey':
        return survey(process);
      case 'openVolume':
        queue.push(() => {
          if (volume.generation !== effect.generation) {
            if (volume.generation > 0) volume.kept.set(volume.generation, volume.checkpoints);
            Object.assign(volume, { checkpoints: [], clean: undefined });
          }
          volume.generation = effect.generation;
          const checkpoints = volume.checkpoints.map(({ info }) => info);
          const { clean } = volume;
          step(
            process,
            { kind: 'volumeOpened', checkpoints, clean },
            `opened its volume ${show({ checkpoints, clean })}`,
          );
        });
        return;
      case 'bringBack':
        queue.push(() => {
          const { from, info, sessions } = effect;
          const found = volume.kept.get(from.generation)?.find((stored) => stored.info.version === from.version);
          if (found === undefined) throw new Error(`generation ${from.generation} has no version ${from.version}`);
          process.state = found.state;
          const { version } = info;
          const sections = [{ version, bytes: sessions.bytes }];
          volume.checkpoints = [{ info, state: found.state, sections }];
          const event = { kind: 'restored', version, sessions: sessionsOf(version, sections) } as const;
          process.sealed = [{ version, state: found.state }];
          step(process, event, `brought back '${process.state}' as version ${version}`);
        });
        return;
      case 'restore':
        queue.push(() => {
          volume.clean = undefined;
          volume.checkpoints = volume.checkpoints.filter(({ info }) => info.version <= effect.version);
          const stored = effect.empty ? undefined : volume.checkpoints.at(-1);
          process.state = stored?.state ?? '';
          const { version } = effect;
          process.sealed = [{ version, state: process.state }];
          const event = {
            kind: 'restored',
            version,
            sessions: stored && sessionsOf(stored.info.version, stored.sections),
          } as const;
          step(process, event, `restored version ${version}, '${process.state}'`);
        });
        return;
      case 'dropAfter':
        queue.push(() => {
          volume.checkpoints = volume.checkpoints.filter(({ info }) => info.version <= effect.version);
        });
        return;
      case 'checkpoint':
        queue.push(() => {
          if (!process.alive || process.paused) return;
          const { since, bytes } = effect.sessions;
          const own = { version: effect.info.version, bytes: Uint8Array.from(bytes) };
          const before = volume.checkpoints.at(-1)?.sections ?? [];
          const sections = [...before.filter(({ version }) => version >= since), own];
          volume.checkpoints.push({ info: effect.info, state: String(effect.state), sections });
          volume.stamp = effect.stamp;
          const { worldLine, version } = effect.info;
          step(process, { kind: 'durable', worldLine, version }, `has checkpoint ${version} durable`);
        });
        return;
      case 'prune':
        volume.checkpoints = volume.checkpoints.filter(({ info }) => info.version >= effect.keep);
        return;
      case 'mark':
        queue.push(() => {
          volume.clean = effect.clean;
          step(process, { kind: 'marked' }, 'has its marker durable');
        });
        return;
      case 'stop':
        return end(process);
      default:
    }
  }

  function end(process: Process): void {
    process.alive = false;
    cast.finder.lose(process);
    cast.session.lose(process);
  }

  return {
    processes,
    wakeAt: () =>
      Math.min(...processes.filter(({ alive, paused }) => alive && !paused).map(({ core }) => workerWakeAt(core))),
    wake() {
      for (const process of processes) {
        if (process.alive && !process.paused && workerWakeAt(process.core) <= scene.now) {
          step(process, { kind: 'wake' }, 'wakes');
        }
      }
    },
    start,
    step,
    end,
  };
}

function heldIn(stored: readonly { readonly info: CheckpointInfo }[]): { worldLine: number; version: number }[] {
  return stored.map(({ info: { worldLine, version } }) => ({ worldLine, version }));
}

function showEffect(effect: WorkerEffect): string {
  switch (effect.kind) {
    case 'send':
      return `-> session: ${showMessage(effect.message)}`;
    case 'toFinder':
      return `-> finder: ${showMessage(effect.message)}`;
    case 'publish':
      return `-> clients: ${showMessage(effect.message)}`;
    case 'checkpoint':
      return `checkpoint ${show(effect.info)} of '${String(effect.state)}'`;
    case 'bringBack':
      return `brings back ${show({ from: effect.from, info: effect.info })}`;
    case 'stop':
      return `stops, ${effect.why}: ${effect.text}`;
    case 'log':
      return `log ${effect.event} ${show(effect.details)}`;
    default: {
      const { kind, ...rest } = effect;
      return `${kind} ${show(rest)}`;
    }
  }
}

function sessionsOf(version: number, sections: Volume['checkpoints'][number]['sections']): RestoredSessions {
  const { take, finish } = sectionReader();
  for (const { bytes } of sections) take(bytes);
  return finish(sections[0]?.version ?? 0, version);
}
