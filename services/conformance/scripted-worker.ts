/** A counter on the stage. */
import type { Batch, ErrorCode, Message, MessageOf } from '@dpr/protocol';
import { check } from './failure.ts';
import { checkKind, openParty, type Arrival, type Party } from './scripted-server.ts';
import type { Rules } from './batch-rules.ts';
import type { GameServer, Peer } from './server.ts';
import { decisionsAfter, errorOf, ownCut, welcomeOf, type Truth } from './cluster-truth.ts';

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

/** What all of the stage's servers share. */
export interface Backstage {
  readonly truth: Truth;
  readonly rules: Rules;
  readonly patienceMs: number;
  readonly violations: string[];
  /** Error codes that the client was given. */
  readonly codes: Set<ErrorCode>;
}

export async function openWorker(
  stage: Backstage,
  id: number,
  generation: number,
): Promise<{ readonly server: GameServer; readonly worker: Worker }> {
  const { truth, patienceMs, violations } = stage;
  const self = { id, generation, incarnation: 1, type: 'counter' };
  const { server, party } = await openParty({
    ...{ name: `worker ${id}`, patienceMs, violations },
    usual: () => welcomeOf(truth, self),
    reflex: (peer, message) => react(stage, self, peer, message),
    // As a worker does, right after the welcome; one that is refused at the greeting has none.
    opened: (peer) => peer.send(ownCut(truth, id, [])),
  });
  return { server, worker: workerOn(stage, party, id, generation) };
}

/** What a worker does by itself about a frame. @returns true if the scenario need not see it */
function react(
  { truth, rules }: Backstage,
  { id, generation }: { readonly id: number; readonly generation: number },
  peer: Peer,
  message: Message,
): boolean {
  const tellCut = (since: number): void => peer.send(ownCut(truth, id, decisionsAfter(truth, since)));
  checkKind(`worker ${id}`, message, ['batch', 'commit', 'table', 'refresh', 'sessionEnded']);
  switch (message.kind) {
    case 'refresh':
      tellCut(message.worldLine);
      return false;
    case 'batch':
      checkWorldLine(message.worldLine, truth.worldLine, `a batch to worker ${id}`);
      if (message.worldLine < truth.worldLine) {
        tellCut(message.worldLine);
        return true;
      }
      rules.batch(id, generation, message);
      return false;
    case 'table':
      checkWorldLine(message.worldLine, truth.worldLine, `a question for worker ${id}'s table`);
      if (message.worldLine === truth.worldLine) return false;
      tellCut(message.worldLine);
      return true;
    default:
      return false;
  }
}

/** What the scenario has it do. */
function workerOn(stage: Backstage, party: Party, id: number, generation: number): Worker {
  const { truth, rules } = stage;
  const executed = new Map<number, MessageOf<'reply'>>();
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
      stage.codes.add(code);
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
      party.peer().send(ownCut(truth, id, []));
    },
  };
  return worker;
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
