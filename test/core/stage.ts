/**
 * A Finder, workers and one session on a perfect network with perfect disks, and the story of what they do: one line for each
 * event, and below it what the machine wanted done. Everything that is asked for happens at once, in the order in which it
 * was asked for; only the script lets time pass and things fail.
 */
import {
  createFinder,
  createSession,
  createWorker,
  decodeRecord,
  encodeRecord,
  FINDER_DEFAULTS,
  finderWakeAt,
  sessionWakeAt,
  stepFinder,
  stepSession,
  stepWorker,
  WORKER_DEFAULTS,
  workerWakeAt,
  type CleanMarker,
  type Finder,
  type FinderEffect,
  type FinderEvent,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type Worker,
  type WorkerEffect,
  type WorkerEvent,
} from '@dpr/core';
import { decode, encode, type CheckpointInfo, type Message, type Stamp } from '@dpr/protocol';
import { show, showMessage } from './show.ts';

/** When the story begins by the clock of the workers, ms. */
const WALL_MS = 1_000;
const CLIENT = 1;
const OPERATOR = 2;

interface Stored {
  readonly info: CheckpointInfo;
  readonly state: string;
  readonly sections: readonly { readonly version: number; readonly bytes: Uint8Array }[];
}

interface Volume {
  generation: number;
  checkpoints: Stored[];
  clean: CleanMarker | undefined;
  stamp: Stamp | undefined;
}

/** One process of a worker. Its state is the text of everything that it applied. */
interface Process {
  readonly name: string;
  readonly core: Worker;
  readonly volume: Volume;
  /** Its connection to the Finder, 0 if there is none. */
  connection: number;
  state: string;
  alive: boolean;
  /** What would happen to it waits until it is resumed. */
  paused: boolean;
  readonly kept: (() => void)[];
}

export interface StageOptions {
  readonly workers: number;
  readonly replay?: boolean;
}

export type Stage = ReturnType<typeof createStage>;

/** A cluster that has come up, and a session that has done nothing yet; the story begins here. */
export function createStage({ workers, replay = false }: StageOptions) {
  const story: string[] = [];
  const queue: (() => void)[] = [];
  const volumes = new Map<number, Volume>();
  const processes: Process[] = [];
  const connections = new Map<number, Process>();
  /** Whom the session is connected to, by the worker's id. */
  const links = new Map<number, Process>();
  let record: Buffer | undefined;
  let finder: Finder | undefined;
  let starts = 0;
  let nextConnection = 10;
  let boots = 0;
  let now = 0;
  const session: Session = createSession({
    ...{ id: '5e'.repeat(16), worldLine: 1, mode: 'strict', replay },
    ...{ maxInFlight: 16, retryMs: 10, maxRetryMs: 160, retryLimitMs: 3_600_000 },
  });

  /** Tell of an event and its effects, unless it was a look at the clock that had none. */
  function tell(actor: string, event: string, effects: readonly string[]): void {
    if (event === 'wakes' && effects.length === 0) return;
    story.push(`${actor} ${event}`, ...effects.map((effect) => `    ${effect}`));
  }

  function settle(): void {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  }

  /** Let time pass, and everybody do what is due by then. */
  function pass(ms: number): void {
    const until = now + ms;
    for (;;) {
      const due = processes.filter(({ alive, paused }) => alive && !paused).map(({ core }) => workerWakeAt(core));
      const at = Math.min(finder ? finderWakeAt(finder) : Infinity, sessionWakeAt(session), ...due);
      if (at > until) break;
      now = Math.max(at, now + 1);
      wakeAll();
    }
    now = until;
  }

  function wakeAll(): void {
    if (finder && finderWakeAt(finder) <= now) finderStep({ kind: 'wake' }, 'wakes');
    for (const process of processes) {
      if (process.alive && !process.paused && workerWakeAt(process.core) <= now)
        workerStep(process, { kind: 'wake' }, 'wakes');
    }
    if (sessionWakeAt(session) <= now) sessionStep({ kind: 'wake' }, 'wakes');
    settle();
  }

  // --- the Finder -------------------------------------------------------------------------------------------------

  function finderStep(event: FinderEvent, text: string): void {
    if (finder === undefined) return;
    const effects = stepFinder(finder, event, now);
    const told = effects.filter((effect) => effect.kind !== 'broadcast' || effect.connections.length > 0);
    tell('finder', text, told.map(showFinderEffect));
    for (const effect of effects) performFinder(finder, effect);
  }

  function peerName(connection: number): string {
    if (connection === CLIENT) return 'session';
    return connection === OPERATOR ? 'operator' : (connections.get(connection)?.name ?? 'nobody');
  }

  function showFinderEffect(effect: FinderEffect): string {
    switch (effect.kind) {
      case 'send':
        return `-> ${peerName(effect.connection)}: ${showMessage(effect.message)}`;
      case 'broadcast':
        return `-> ${effect.connections.map(peerName).join(', ')}: ${showMessage(effect.message)}`;
      case 'close':
        return `closes the connection of ${peerName(effect.connection)}`;
      case 'write': {
        const { worldLine, cut, members, tombstones } = effect.record;
        return `writes record ${effect.counter}: ${show({ worldLine, cut, members: [...members.keys()], tombstones: [...tombstones.keys()] })}`;
      }
      case 'log':
        return `log ${effect.event} ${show(effect.details)}`;
      default:
        return effect.kind;
    }
  }

  function performFinder(from: Finder, effect: FinderEffect): void {
    switch (effect.kind) {
      case 'send':
        return deliver(effect.connection, effect.message);
      case 'broadcast':
        for (const connection of effect.connections) deliver(connection, effect.message);
        return;
      case 'close':
        return hangUp(effect.connection);
      case 'write': {
        const bytes = encodeRecord(effect.record);
        queue.push(() => {
          record = bytes;
          if (finder === from)
            finderStep({ kind: 'written', counter: effect.counter }, `has record ${effect.counter} durable`);
        });
        return;
      }
      default:
    }
  }

  function deliver(connection: number, sent: Message): void {
    const message = decode(encode(sent));
    queue.push(() => {
      if (connection === CLIENT) return fromFinderToSession(message);
      const process = connections.get(connection);
      if (process === undefined || message.kind === 'welcome') return;
      workerStep(process, { kind: 'finderFrame', message }, `<- finder: ${message.kind}`);
    });
  }

  function hangUp(connection: number): void {
    const process = connections.get(connection);
    connections.delete(connection);
    if (process === undefined) return;
    process.connection = 0;
    queue.push(() => workerStep(process, { kind: 'finderClosed' }, 'lost the finder'));
  }

  function open(connection: number, role: 'worker' | 'client' | 'operator', stamp?: Stamp): void {
    finderStep(
      { kind: 'opened', connection, role, cluster: undefined, stamp },
      `is greeted by ${peerName(connection)}`,
    );
  }

  function toFinder(connection: number, sent: Message): void {
    const message = decode(encode(sent));
    queue.push(() => {
      finderStep({ kind: 'frame', connection, message }, `<- ${peerName(connection)}: ${message.kind}`);
    });
  }

  function startFinder(): void {
    finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 16379, decisionGraceMs: 0 });
    starts++;
    const found = record && decodeRecord(record);
    const start = `f${starts}`.padEnd(16, '0');
    finderStep({ kind: 'loaded', record: found, start, cluster: 'c1'.repeat(16) }, 'starts');
    settle();
    open(CLIENT, 'client');
    open(OPERATOR, 'operator');
    for (const process of processes) if (process.alive) callFinder(process);
    settle();
  }

  function crashFinder(): void {
    finder = undefined;
    story.push('finder crashes');
    for (const connection of [...connections.keys()]) hangUp(connection);
    settle();
  }

  // --- workers ----------------------------------------------------------------------------------------------------

  function startWorker(id: number): Process {
    const name = processes.some(({ core }) => core.config.id === id) ? `worker ${id} (again)` : `worker ${id}`;
    const volume = volumes.get(id) ?? { generation: 0, checkpoints: [], clean: undefined, stamp: undefined };
    volumes.set(id, volume);
    const config = { ...WORKER_DEFAULTS, id, type: 'text', host: '', port: 6380 + id };
    const core = createWorker(config, {
      apply(operations) {
        process.state += Buffer.from(operations).toString();
        return Buffer.from(process.state);
      },
      snapshot: () => process.state,
    });
    const process: Process = { name, core, volume, connection: 0, state: '', alive: true, paused: false, kept: [] };
    processes.push(process);
    callFinder(process);
    survey(process);
    return process;
  }

  function callFinder(process: Process): void {
    if (finder === undefined) return;
    process.connection = nextConnection++;
    connections.set(process.connection, process);
    open(process.connection, 'worker', process.core.stamp ?? process.volume.stamp);
    queue.push(() => workerStep(process, { kind: 'finderOpened' }, 'reaches the finder'));
  }

  function survey(process: Process): void {
    const { generation, checkpoints, stamp } = process.volume;
    const boot = `b${++boots}`.padEnd(32, '0');
    queue.push(() => {
      const found = checkpoints.map(({ info: { worldLine, version } }) => ({ worldLine, version }));
      const event = { kind: 'surveyed', boot, generation, checkpoints: found, stamp } as const;
      workerStep(process, event, `finds on its volume ${show({ generation, checkpoints: found })}`);
    });
  }

  function workerStep(process: Process, event: WorkerEvent, text: string): void {
    if (!process.alive) return;
    if (process.paused) return void process.kept.push(() => workerStep(process, event, text));
    const effects = stepWorker(process.core, event, now, WALL_MS + now);
    tell(process.name, text, effects.map(showWorkerEffect));
    for (const effect of effects) performWorker(process, effect);
  }

  function showWorkerEffect(effect: WorkerEffect): string {
    switch (effect.kind) {
      case 'send':
        return `-> session: ${showMessage(effect.message)}`;
      case 'toFinder':
        return `-> finder: ${showMessage(effect.message)}`;
      case 'publish':
        return `-> clients: ${showMessage(effect.message)}`;
      case 'checkpoint':
        return `checkpoint ${show(effect.info)} of '${String(effect.snapshot)}'`;
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

  function performWorker(process: Process, effect: WorkerEffect): void {
    const { volume } = process;
    switch (effect.kind) {
      case 'send':
        return toSession(process, effect.message);
      case 'publish':
        return toSession(process, effect.message);
      case 'toFinder':
        return toFinder(process.connection, effect.message);
      case 'survey':
        return survey(process);
      case 'openVolume':
        queue.push(() => {
          if (volume.generation !== effect.generation) Object.assign(volume, { checkpoints: [], clean: undefined });
          volume.generation = effect.generation;
          const checkpoints = volume.checkpoints.map(({ info }) => info);
          const { clean } = volume;
          workerStep(
            process,
            { kind: 'volumeOpened', checkpoints, clean },
            `opened its volume ${show({ checkpoints, clean })}`,
          );
        });
        return;
      case 'restore':
        queue.push(() => {
          volume.clean = undefined;
          volume.checkpoints = volume.checkpoints.filter(({ info }) => info.version <= effect.version);
          const stored = effect.empty ? undefined : volume.checkpoints.at(-1);
          process.state = stored?.state ?? '';
          const { version } = effect;
          const sections = stored?.sections.map(({ bytes }) => bytes) ?? [];
          workerStep(
            process,
            { kind: 'restored', version, sections, since: stored?.sections[0]?.version ?? 0 },
            `restored version ${version}, '${process.state}'`,
          );
        });
        return;
      case 'checkpoint':
        queue.push(() => {
          if (!process.alive || process.paused) return;
          const { since, bytes } = effect.sessions;
          const own = { version: effect.info.version, bytes: Uint8Array.from(bytes) };
          const before = volume.checkpoints.at(-1)?.sections ?? [];
          const sections = [...before.filter(({ version }) => version >= since), own];
          volume.checkpoints.push({ info: effect.info, state: String(effect.snapshot), sections });
          volume.stamp = effect.stamp;
          const { worldLine, version } = effect.info;
          workerStep(process, { kind: 'durable', worldLine, version }, `has checkpoint ${version} durable`);
        });
        return;
      case 'prune':
        volume.checkpoints = volume.checkpoints.filter(({ info }) => info.version >= effect.keep);
        return;
      case 'mark':
        queue.push(() => {
          volume.clean = effect.clean;
          workerStep(process, { kind: 'marked' }, 'has its marker durable');
        });
        return;
      case 'stop':
        return end(process);
      default:
    }
  }

  /** The process is gone, and with it its connections. */
  function end(process: Process): void {
    process.alive = false;
    const { connection } = process;
    if (connections.delete(connection)) {
      queue.push(() => finderStep({ kind: 'closed', connection }, `lost ${process.name}`));
    }
    const worker = process.core.config.id;
    if (links.get(worker) !== process) return;
    links.delete(worker);
    queue.push(() => sessionStep({ kind: 'disconnected', worker }, `lost ${process.name}`));
  }

  // --- the session ------------------------------------------------------------------------------------------------

  function sessionStep(event: SessionEvent, text: string): void {
    const effects = stepSession(session, event, now);
    tell('session', text, effects.map(showSessionEffect));
    for (const effect of effects) performSession(effect);
  }

  function showSessionEffect(effect: SessionEffect): string {
    switch (effect.kind) {
      case 'send':
        return `-> worker ${effect.worker}: ${showMessage(effect.message)}`;
      case 'sendFinder':
        return `-> finder: ${showMessage(effect.message)}`;
      default: {
        const { kind, ...rest } = effect;
        return `${kind} ${show(rest)}`;
      }
    }
  }

  function performSession(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'send': {
        const message = decode(encode(effect.message));
        queue.push(() => {
          const process = links.get(effect.worker);
          if (process)
            workerStep(
              process,
              { kind: 'clientFrames', connection: CLIENT, messages: [message] },
              `<- session: ${message.kind}`,
            );
        });
        return;
      }
      case 'sendFinder':
        return toFinder(CLIENT, effect.message);
      case 'fetchCluster':
        return toFinder(CLIENT, { kind: 'fetchCluster', known: 0 });
      case 'connect':
        queue.push(() => connect(effect.worker));
        return;
      default:
    }
  }

  /** Connect the session to a worker that serves; it hears at once where the cluster stands. */
  function connect(worker: number): void {
    const process = processes.findLast(({ alive, core }) => alive && core.config.id === worker);
    if (process?.core.phase !== 'serving' || links.get(worker) === process) return;
    links.set(worker, process);
    const { generation, worldLine } = process.core;
    sessionStep({ kind: 'connected', worker, generation }, `is connected to ${process.name}`);
    const message: Message = { kind: 'refresh', worldLine };
    queue.unshift(() =>
      workerStep(
        process,
        { kind: 'clientFrames', connection: CLIENT, messages: [message] },
        'is connected to the session',
      ),
    );
  }

  function toSession(process: Process, sent: Message): void {
    const message = decode(encode(sent));
    const worker = process.core.config.id;
    queue.push(() => {
      if (links.get(worker) !== process) return;
      sessionStep({ kind: 'frames', worker, messages: [message] }, `<- ${process.name}: ${message.kind}`);
    });
  }

  function fromFinderToSession(message: Message): void {
    if (message.kind !== 'cluster') {
      return sessionStep({ kind: 'frames', worker: undefined, messages: [message] }, `<- finder: ${message.kind}`);
    }
    for (const { id: worker, generation } of message.removed) {
      sessionStep({ kind: 'removed', worker, generation }, `hears that worker ${worker} was removed`);
    }
  }

  startFinder();
  const first = Array.from({ length: workers }, (_, id) => startWorker(id));
  settle();
  const beginning = story.splice(0);

  return {
    /** The story so far. */
    story: () => `${story.join('\n')}\n`,
    /** How the cluster came up, before the story. */
    beginning: () => `${beginning.join('\n')}\n`,
    workers: first,
    pass,
    say: (words: string) => void story.push('', `# ${words}`),
    submit(worker: number, text: string) {
      sessionStep(
        { kind: 'submit', calls: [{ worker, operations: Buffer.from(text), count: 1 }] },
        `submits '${text}' for worker ${worker}`,
      );
      settle();
    },
    commit() {
      sessionStep({ kind: 'commit' }, 'wants everything committed');
      settle();
    },
    /** Connect the session to the worker again. */
    reconnect(worker: number) {
      connect(worker);
      settle();
    },
    startWorker(id: number) {
      const process = startWorker(id);
      settle();
      return process;
    },
    stop(process: Process) {
      workerStep(process, { kind: 'shutdown' }, 'is asked to stop');
      settle();
    },
    crash(process: Process) {
      story.push(`${process.name} crashes`);
      end(process);
      settle();
    },
    pause(process: Process) {
      story.push(`${process.name} is paused`);
      process.paused = true;
    },
    resume(process: Process) {
      story.push(`${process.name} is resumed`);
      process.paused = false;
      queue.push(...process.kept.splice(0));
      settle();
    },
    remove(worker: number, force = false) {
      toFinder(OPERATOR, { kind: 'deleteWorker', worker, generation: 0, force });
      settle();
    },
    /** The session looks at the membership. */
    look() {
      toFinder(CLIENT, { kind: 'fetchCluster', known: 0 });
      settle();
    },
    startFinder,
    crashFinder,
  };
}
