/**
 * What a scenario plays on: a Finder, counters, and the client under test. By themselves they greet, tell the membership and the
 * cut, and answer batches of an old world-line; everything else is the scenario's to do.
 */
import {
  PROTOCOL_VERSION,
  type Batch,
  type Decision,
  type ErrorCode,
  type Member,
  type Message,
  type MessageOf,
} from '@dpr/protocol';
import { check, Failure } from './failure.ts';
import { createRules, type Rules } from './rules.ts';
import { openServer, type GameServer, type Peer } from './server.ts';
import type { Subject } from './subject.ts';

export const CLUSTER = 'c1000000000000000000000000000001';
const STAMP = { start: 'f100000000000001', counter: 1 };

/** What the cluster is at: its world-line, the decisions that began it and earlier ones, and the cut. */
interface Truth {
  worldLine: number;
  decisions: Decision[];
  readonly cut: Map<number, number>;
  members: Member[];
  removed: { id: number; generation: number }[];
  /** Of the membership. */
  version: number;
}

/** A frame that came, and over which connection. */
export interface Arrival<K extends Message['kind']> {
  readonly message: MessageOf<K>;
  readonly peer: Peer;
}

/** How a server answers greetings from now on; undefined: as it should. */
export type Welcome = (hello: MessageOf<'hello'>) => Message | undefined;

export interface Party {
  /** Frames of this kind that are answered by hand, the next of them. */
  next<K extends Message['kind']>(kind: K): Promise<Arrival<K>>;
  /** How many of this kind came and were not taken. */
  untaken(kind: Message['kind']): number;
  /** The next connection that greeted and was answered with `welcome`. */
  accept(): Promise<Peer>;
  /** The connection that is open now. */
  peer(): Peer;
  greetWith(welcome: Welcome | undefined): void;
  /** The greetings that came so far. */
  readonly greetings: readonly MessageOf<'hello'>[];
  /** The next greeting is answered, with anything. */
  greeted(count: number): Promise<void>;
}

export interface Worker extends Party {
  readonly id: number;
  readonly generation: number;
  /** The counter's value. */
  value: bigint;
  batch(): Promise<Arrival<'batch'>>;
  /** The next batches, which must have these numbers. */
  batches(...sequences: readonly number[]): Promise<Arrival<'batch'>[]>;
  /** Execute it, if that was not done before. @returns its reply */
  execute(batch: Batch, version: number): MessageOf<'reply'>;
  /** Execute and answer it. */
  answer(arrival: Arrival<'batch'>, version: number): void;
  refuse(arrival: Arrival<'batch'>, code: ErrorCode, detail?: number): void;
  /** The worker goes back to the session's batch of this number, and the session is to learn that. */
  restore(last: number): void;
  /** Raise the worker's entry of the cut, and tell its client. */
  commitUpTo(version: number): void;
}

export interface Stage {
  readonly client: Subject;
  readonly finder: Party;
  readonly truth: Truth;
  readonly rules: Rules;
  /** The counter with this id, there from the beginning: 0 or 1. */
  worker(id: number): Worker;
  /** A worker that begins now, as a member or not. */
  addWorker(id: number, generation: number): Promise<Worker>;
  /** The worker is no member any more. */
  removeWorker(worker: Worker): void;
  /** A new world-line begins, and goes back to this prefix. No client is told yet. */
  rollBack(prefix: Readonly<Record<number, number>>): Decision;
  cut(worker: number, decisions: readonly Decision[]): MessageOf<'cut'>;
  error(code: ErrorCode, detail?: number): MessageOf<'error'>;
}

export interface OpenStage extends Omit<Stage, 'client'> {
  readonly port: number;
  /** What went wrong without being waited for. */
  readonly violations: readonly string[];
  /** Error codes that the client was given. */
  readonly codes: ReadonlySet<ErrorCode>;
  close(): Promise<void>;
}

export async function openStage(patienceMs: number): Promise<OpenStage> {
  const truth: Truth = { worldLine: 1, decisions: [], cut: new Map(), members: [], removed: [], version: 1 };
  const rules = createRules();
  const violations: string[] = [];
  const codes = new Set<ErrorCode>();
  const servers: GameServer[] = [];

  /** @returns what a scenario sees of a server, and the server */
  async function open(name: string, usual: () => MessageOf<'welcome'>, reflex: Reflex, onOpen: (peer: Peer) => void) {
    const inbox = createInbox(name, patienceMs, violations);
    const greetings: MessageOf<'hello'>[] = [];
    let welcome: Welcome | undefined;
    const server = await openServer(name, patienceMs, {
      answer(hello) {
        greetings.push(hello);
        attempt(() => checkHello(name, hello));
        inbox.changed();
        return welcome?.(hello) ?? usual();
      },
      opened(peer) {
        onOpen(peer);
        inbox.opened(peer);
      },
      frame: (peer, message) => attempt(() => reflex(peer, message) || inbox.take(peer, message)),
      violation: (text) => violate(text),
    });
    servers.push(server);

    function violate(text: string): void {
      violations.push(text);
      inbox.changed();
    }

    function attempt(step: () => unknown): void {
      try {
        step();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        violate(error.message);
      }
    }

    const party: Party = {
      next: inbox.next,
      untaken: inbox.untaken,
      accept: inbox.accept,
      peer: inbox.peer,
      greetings,
      greetWith: (how) => void (welcome = how),
      greeted: (count) => inbox.until(`greeting ${count}`, () => (greetings.length >= count ? true : undefined)).then(),
    };
    return { server, party };
  }

  const welcomeOf = (worker?: MessageOf<'welcome'>['worker']): MessageOf<'welcome'> => {
    const { worldLine } = truth;
    return { kind: 'welcome', protocol: PROTOCOL_VERSION, cluster: CLUSTER, worldLine, controlPort: 0, worker };
  };

  const cutOf = (cut: ReadonlyMap<number, number>, decisions: readonly Decision[]): MessageOf<'cut'> => {
    return { kind: 'cut', stamp: STAMP, worldLine: truth.worldLine, decisions, cut };
  };

  const ownCut = (id: number, decisions: readonly Decision[]): MessageOf<'cut'> =>
    cutOf(new Map([[id, truth.cut.get(id) ?? 0]]), decisions);

  const errorOf = (code: ErrorCode, detail = 0): MessageOf<'error'> => {
    codes.add(code);
    return { kind: 'error', code, session: undefined, sequence: 0, detail, text: `a test of ${code}` };
  };

  const after = (worldLine: number): Decision[] => truth.decisions.filter((one) => one.worldLine > worldLine);

  const finder = await open(
    'the Finder',
    () => welcomeOf(),
    (peer, message) => {
      checkKind('the Finder', message, ['refresh', 'fetchCluster']);
      if (message.kind === 'refresh') peer.send(cutOf(truth.cut, after(message.worldLine)));
      if (message.kind !== 'fetchCluster') return false; // a scenario may wait for it
      const { version, members, removed } = truth;
      const isKnown = message.known === version;
      const lists = isKnown ? { members: [], removed: [] } : { members, removed };
      peer.send({ kind: 'cluster', cluster: CLUSTER, version, ...lists });
      return false;
    },
    () => undefined,
  );

  async function addWorker(id: number, generation: number): Promise<Worker> {
    const self = { id, generation, incarnation: 1, type: 'counter' };
    const executed = new Map<number, MessageOf<'reply'>>();
    const { server, party } = await open(
      `worker ${id}`,
      () => welcomeOf(self),
      (peer, message) => {
        checkKind(`worker ${id}`, message, ['batch', 'commit', 'table', 'refresh', 'sessionEnded']);
        switch (message.kind) {
          case 'refresh':
            peer.send(ownCut(id, after(message.worldLine)));
            return false;
          case 'batch':
            checkWorldLine(message.worldLine, truth.worldLine, `a batch to worker ${id}`);
            if (message.worldLine < truth.worldLine) {
              peer.send(ownCut(id, after(message.worldLine)));
              return true;
            }
            rules.batch(id, generation, message);
            return false;
          case 'table':
            checkWorldLine(message.worldLine, truth.worldLine, `a question for worker ${id}'s table`);
            if (message.worldLine === truth.worldLine) return false;
            peer.send(ownCut(id, after(message.worldLine)));
            return true;
          default:
            return false;
        }
      },
      // As a worker does, right after the welcome; one that is refused at the greeting has none.
      (peer) => peer.send(ownCut(id, [])),
    );
    truth.members = [
      ...truth.members.filter((one) => one.id !== id),
      { id, generation, type: 'counter', host: '', port: server.port, leaving: false },
    ];
    truth.version++;

    const worker: Worker = {
      ...party,
      id,
      generation,
      value: 0n,
      batch: () => party.next('batch'),
      async batches(...sequences) {
        const arrivals: Arrival<'batch'>[] = [];
        for (const sequence of sequences) {
          const arrival = await party.next('batch');
          const found = arrival.message.sequence;
          check(found === sequence, () => `batch ${sequence} to worker ${id} is due, and ${found} comes`);
          arrivals.push(arrival);
        }
        return arrivals;
      },
      execute(batch, version) {
        const before = executed.get(batch.sequence);
        if (before !== undefined) return { ...before, worldLine: truth.worldLine };
        const reply = replyOf(worker, batch, version);
        executed.set(batch.sequence, reply);
        return reply;
      },
      answer({ message, peer }, version) {
        const reply = worker.execute(message, version);
        rules.replied(id, generation, message.sequence, reply.version);
        peer.send(reply);
      },
      refuse({ message, peer }, code, detail = 0) {
        const { session, sequence } = message;
        peer.send({ ...errorOf(code, detail), session, sequence });
      },
      restore(last) {
        for (const sequence of [...executed.keys()]) if (sequence > last) executed.delete(sequence);
        const newest = executed.get(last);
        worker.value = newest === undefined ? 0n : Buffer.from(newest.results).readBigInt64LE(8 * (newest.count - 1));
        rules.rolledBack(id, generation, last);
      },
      commitUpTo(version) {
        truth.cut.set(id, version);
        party.peer().send(ownCut(id, []));
      },
    };
    return worker;
  }

  const workers = [await addWorker(0, 1), await addWorker(1, 1)];

  return {
    port: finder.server.port,
    finder: finder.party,
    truth,
    rules,
    violations,
    codes,
    worker(id) {
      const found = workers[id];
      if (found === undefined) throw new Error(`the stage has no worker ${id}`);
      return found;
    },
    addWorker,
    removeWorker({ id, generation }) {
      truth.members = truth.members.filter((one) => one.id !== id);
      truth.removed = [...truth.removed, { id, generation }];
      truth.version++;
      rules.removed(id, generation);
    },
    rollBack(prefix) {
      truth.worldLine++;
      const versions = new Map(Object.entries(prefix).map(([id, version]) => [Number(id), version]));
      const entitled = new Map(truth.members.map(({ id }) => [id, 1]));
      const decision = { worldLine: truth.worldLine, prefix: versions, entitled };
      truth.decisions = [...truth.decisions, decision];
      truth.cut.clear();
      for (const [id, version] of versions) truth.cut.set(id, version);
      return decision;
    },
    cut: ownCut,
    error: errorOf,
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

/** What a server does by itself about a frame. @returns true if the scenario need not see it */
type Reflex = (peer: Peer, message: Message) => boolean;

function checkHello(name: string, hello: MessageOf<'hello'>): void {
  check(hello.protocol === PROTOCOL_VERSION, () => `it greets ${name} with version ${hello.protocol} of the protocol`);
  check(hello.role === 'client', () => `it greets ${name} as a ${hello.role}`);
  check(hello.stamp === undefined, () => `it greets ${name} with a stamp, which only workers have`);
  check(hello.cluster === undefined || hello.cluster === CLUSTER, () => `it greets ${name} as of another cluster`);
  check(hello.token === '', () => `it greets ${name} with a token that it was not given`);
}

function checkKind(name: string, { kind }: Message, allowed: readonly Message['kind'][]): void {
  check(allowed.includes(kind), () => `it sends '${kind}' to ${name}, which a client may not`);
}

function checkWorldLine(named: number, newest: number, what: string): void {
  check(named <= newest, () => `${what} is of world-line ${named}, and the newest is ${newest}`);
}

function replyOf(worker: Worker, batch: Batch, version: number): MessageOf<'reply'> {
  const { session, worldLine, sequence, count } = batch;
  const operations = Buffer.from(batch.operations);
  const values: bigint[] = [];
  const overflows: number[] = [];
  for (let index = 0; index < count; index++) {
    const sum = worker.value + operations.readBigInt64LE(8 * index);
    if (BigInt.asIntN(64, sum) === sum) worker.value = sum;
    else overflows.push(index);
    values.push(worker.value);
  }
  const results = Buffer.concat([
    Buffer.from(BigInt64Array.from(values).buffer),
    Buffer.from(Uint32Array.from(overflows).buffer),
  ]);
  return { kind: 'reply', count, session, worldLine, incarnation: 1, sequence, version, results };
}

interface Inbox extends Pick<Party, 'next' | 'untaken' | 'accept' | 'peer'> {
  opened(peer: Peer): void;
  take(peer: Peer, message: Message): void;
  readonly changed: () => void;
  until<T>(what: string, look: () => T | undefined): Promise<T>;
}

function createInbox(name: string, patienceMs: number, violations: readonly string[]): Inbox {
  const untaken: { message: Message; peer: Peer }[] = [];
  const accepted: Peer[] = [];
  const looks = new Set<() => void>();
  let last: Peer | undefined;

  function changed(): void {
    for (const look of [...looks]) look();
  }

  function until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(late);
        looks.delete(attempt);
      };
      const fail = (text: string): void => {
        done();
        reject(new Failure(text));
      };
      const attempt = (): void => {
        const [violation] = violations;
        if (violation !== undefined) return fail(violation);
        const found = look();
        if (found === undefined) return;
        done();
        resolve(found);
      };
      const late = setTimeout(() => {
        const kinds = untaken.map(({ message }) => message.kind).join(', ');
        fail(`${name} waits for ${what}, and it did not come within ${patienceMs} ms; there is ${kinds || 'nothing'}`);
      }, patienceMs);
      looks.add(attempt);
      attempt();
    });
  }

  return {
    changed,
    until,
    opened(peer) {
      last = peer;
      accepted.push(peer);
      changed();
    },
    take(peer, message) {
      untaken.push({ message, peer });
      changed();
    },
    next: <K extends Message['kind']>(kind: K) =>
      until(`a ${kind}`, () => {
        const place = untaken.findIndex(({ message }) => message.kind === kind);
        return place < 0 ? undefined : (untaken.splice(place, 1)[0] as unknown as Arrival<K>);
      }),
    untaken: (kind) => untaken.filter(({ message }) => message.kind === kind).length,
    accept: () => until('a connection', () => accepted.shift()),
    peer() {
      if (last?.isOpen() !== true) throw new Failure(`${name} has no open connection`);
      return last;
    },
  };
}
