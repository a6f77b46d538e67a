/** A worker's core with a store, connections of Redis clients to it, and time that passes only when a test says so. */
import type { WorkerConfig, WorkerEffect, WorkerEvent } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import { type BudgetPart, type InputTurns, nextConnectionNumber, type Owner } from '@dpr/runtime/side-port';
import { createStore } from '@dpr/store';
import { servingWorker } from '../core/serving-worker.ts';
import type { RespType } from '../../services/resp/command.ts';
import { CommandTable } from '../../services/resp/command-table.ts';
import { RespConnection } from '../../services/resp/connection.ts';
import type { ByteSocket, ConnectionParts } from '../../services/resp/connection-parts.ts';
import { CONNECTION_COMMANDS } from '../../services/resp/connection-commands.ts';
import { DPR_COMMANDS } from '../../services/resp/dpr-commands.ts';
import type { ServerFacts } from '../../services/resp/local-command.ts';
import { PortBatches } from '../../services/resp/port-batches.ts';
import { ReplyWriter } from '../../services/resp/reply-writer.ts';
import { commandsOf } from '../../services/resp/server-commands.ts';
import { TRANSACTION_COMMANDS } from '../../services/resp/transaction-commands.ts';
import { createClients } from '../../services/runtime/worker/clients.ts';
import { clientsOwner } from '../../services/runtime/worker/peers.ts';
import { workerStatus } from '@dpr/core';
import { storeResp } from '../../services/store/resp/index.ts';

/** The first moment, of both clocks; ms. */
export const START = 1_000_000;
const STAMP = { start: 'f'.repeat(16), counter: 2 };
const WORKER = 0;

export interface StageOptions extends Partial<WorkerConfig> {
  /** What clients have to show. */
  readonly token?: string;
  /** For the store's records, bytes. */
  readonly storeBytes?: number;
  /** With more than this of them, keys are evicted; undefined: none are. */
  readonly liveBytes?: number;
  /** When input has to wait; undefined: never. */
  readonly turns?: InputTurns;
}

const NO_LIMIT: InputTurns = { isOver: () => false, wait: () => undefined };

export interface TestClient {
  readonly connection: RespConnection;
  /** Send it, and have everything happen that follows at once. @returns what comes back */
  send(...parts: (string | Buffer)[]): string;
  /** The same for commands, each a list of words that are sent as bulk strings. */
  call(...commands: (string | Buffer)[][]): string;
  /** Send commands in one piece, and have nothing happen yet. */
  collect(...commands: (string | Buffer)[][]): void;
  /** What came since the last time. */
  received(): string;
  /** As if nothing were read any more, or all of it again. */
  stopReading(): void;
  readOn(): void;
  /** What was told to the budgets last. */
  readonly heldBytes: () => number;
  readonly isOpen: () => boolean;
  readonly isPaused: () => boolean;
  /** Pieces that were written to the socket. */
  readonly writes: () => number;
}

export interface RespStage {
  connect(): TestClient;
  /** Batches that reached the core, by how many operations they had. */
  readonly batches: number[];
  /** Have all that executed sealed, made durable and covered by a cut. @returns the version */
  commit(): void;
  /** Sealed, and durable, but in no cut. */
  seal(): void;
  /** A world-line begins that goes back to what was committed last. */
  rollBack(): void;
  /** What was sealed does not become durable, so that with a limit of one version batches wait. */
  holdWrites(): void;
  letWrite(): void;
  pass(ms: number): void;
  /** Have everything happen that is due at once. */
  settle(): void;
  readonly worker: ReturnType<typeof servingWorker>['worker'];
  readonly type: RespType;
  /** Who answers connections of other ports. */
  readonly owner: Owner;
}

export function encodeCommand(words: readonly (string | Buffer)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

export function respStage(options: StageOptions = {}): RespStage {
  const { token, storeBytes = 2 ** 28, liveBytes, turns = NO_LIMIT, ...limits } = options;
  const state = createStore({ seed: [1, 2], maxBytes: storeBytes, maxLiveBytes: liveBytes, tableBits: 4 });
  state.load().end(0);
  let now = START;
  const ticks: (() => void)[] = [];
  /** What comes once there are no more ticks. */
  const immediates: (() => void)[] = [];
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const batches: number[] = [];
  const written: WorkerEvent[] = [];
  let isHolding = false;
  let randoms = 0;

  const { worker, step } = servingWorker(
    (operations, count, _ticket, clock) => state.apply(operations, count, clock),
    { start: START, startWall: START, ...limits },
    {
      seal: (version) => state.seal(version),
      rollback(version) {
        state.rollback(version);
        return true;
      },
      committed: (version) => state.committed(version),
      undoBytes: () => state.undoBytes(),
    },
  );
  const clients = createClients();
  const dispatch = (event: WorkerEvent): void => step(event, now, now).forEach(perform);

  function perform(effect: WorkerEffect): void {
    if (effect.kind === 'send') clients.send(effect.connection, effect.message);
    else if (effect.kind === 'close') clients.close(effect.connection);
    else if (effect.kind === 'publish') clients.publish(effect.message, effect.own);
    else if (effect.kind === 'checkpoint') {
      written.push({ kind: 'durable', worldLine: effect.info.worldLine, version: effect.info.version });
    }
  }

  const core = clientsOwner(worker, clients, dispatch);
  const owner: Owner = {
    ...core,
    frames(connection, messages) {
      for (const message of messages) if (message.kind === 'batch') batches.push(message.count);
      core.frames(connection, messages);
    },
  };
  const connections = new Set<RespConnection>();
  const server: ServerFacts = {
    status: () => workerStatus(worker),
    memory: state.memory,
    *clients() {
      for (const connection of connections) yield connection.facts;
    },
    now: () => now,
    wall: () => now,
    startedAt: START,
    port: 6400,
    commands: () => 0,
    asksForToken: token !== undefined,
  };
  const host = {
    now: () => now,
    nextTick: (run: () => void) => void ticks.push(run),
    setImmediate(run: () => void): object {
      immediates.push(run);
      return run;
    },
    randomBytes: (count: number) => Buffer.alloc(count, ++randoms),
    setTimeout(run: () => void, ms: number) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer: object | undefined) => void timers.delete(timer as never),
  };
  const reply = new ReplyWriter();
  const type = { ...storeResp, memory: state.memory };
  const parts: ConnectionParts = {
    host,
    batches: new PortBatches(host, owner, storeResp.results, reply),
    turns,
    type,
    table: new CommandTable(
      commandsOf(type, server, [...CONNECTION_COMMANDS, ...DPR_COMMANDS, ...TRANSACTION_COMMANDS]),
    ),
    server,
    reply,
    counted: () => undefined,
  };

  function settle(): void {
    const next = (): (() => void) | undefined => ticks.shift() ?? immediates.shift();
    for (let run = next(); run !== undefined; run = next()) run();
  }

  function fromFinder(message: Message): void {
    dispatch({ kind: 'finderFrame', message });
    settle();
  }

  function letWrite(): void {
    isHolding = false;
    for (const event of written.splice(0)) dispatch(event);
    settle();
  }

  function seal(): void {
    now += worker.config.checkpointIntervalMs;
    dispatch({ kind: 'wake' });
    if (!isHolding) letWrite();
    settle();
  }

  return {
    worker,
    type,
    owner,
    batches,
    settle,
    seal,
    letWrite,
    connect: () => connect(parts, connections, token, settle),
    commit() {
      seal();
      const cut = new Map([[WORKER, worker.predecessor]]);
      fromFinder({ kind: 'cut', stamp: STAMP, worldLine: worker.worldLine, decisions: [], cut });
    },
    rollBack() {
      written.length = 0;
      const worldLine = worker.worldLine + 1;
      const prefix = new Map([[WORKER, worker.committed]]);
      const decision = { worldLine, prefix, entitled: new Map([[WORKER, 1]]) };
      fromFinder({ kind: 'cut', stamp: STAMP, worldLine, decisions: [decision], cut: prefix });
    },
    holdWrites: () => (isHolding = true),
    pass(ms) {
      now += ms;
      for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
        if (timer.at <= now && timers.delete(timer)) timer.run();
      }
      settle();
    },
  };
}

function connect(
  parts: ConnectionParts,
  connections: Set<RespConnection>,
  token: string | undefined,
  settle: () => void,
): TestClient {
  let output: Buffer[] = [];
  let unread = 0;
  let isReading = true;
  let isOpen = true;
  let isPaused = false;
  let held = 0;
  let writes = 0;
  const socket: ByteSocket = {
    address: '127.0.0.1:50000',
    localAddress: '127.0.0.1:6400',
    write(bytes) {
      writes++;
      output.push(Buffer.from(bytes));
      if (!isReading) unread += bytes.length;
    },
    unsentBytes: () => unread,
    pause: () => (isPaused = true),
    resume: () => (isPaused = false),
    end: () => (isOpen = false),
    destroy: () => (isOpen = false),
  };
  const noPart: BudgetPart = { set: () => undefined, end: () => undefined };
  const connection = new RespConnection(parts, {
    number: nextConnectionNumber(),
    socket,
    greet: (shown) => (shown === token ? undefined : 'this is not the client token of the cluster'),
    isGuest: token !== undefined,
    received: { ...noPart, set: (bytes) => (held = bytes) },
    unsent: noPart,
  });
  connections.add(connection);
  settle();
  const received = (): string => {
    const text = Buffer.concat(output).toString('latin1');
    output = [];
    return text;
  };
  const send = (...sent: (string | Buffer)[]): string => {
    for (const part of sent) {
      connection.take(Buffer.from(part));
      settle();
    }
    return received();
  };
  return {
    connection,
    send,
    call: (...commands) => send(Buffer.concat(commands.map(encodeCommand))),
    collect: (...commands) => connection.take(Buffer.concat(commands.map(encodeCommand))),
    received,
    stopReading: () => (isReading = false),
    readOn() {
      isReading = true;
      unread = 0;
      connection.drained();
      settle();
    },
    heldBytes: () => held,
    isOpen: () => isOpen,
    isPaused: () => isPaused,
    writes: () => writes,
  };
}
