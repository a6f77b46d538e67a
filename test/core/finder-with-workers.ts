/** A Finder as operators see it, with workers that do what a test says. */
import assert from 'node:assert/strict';
import {
  announcedAfterMs,
  createFinder,
  FINDER_DEFAULTS,
  stepFinder,
  type FinderEvent,
  type FinderRecord,
} from '@dpr/core';
import type { MemberStatus, Message, MessageOf } from '@dpr/protocol';

/** The connection of the operator, who is always there. */
export const OPERATOR = 1_000;

/** Volumes of its workers keep nothing, and its disk takes no time but while a test holds up writes. */
export function finderWithWorkers() {
  const config = { ...FINDER_DEFAULTS, controlPort: 1, decisionGraceMs: 0 };
  let finder = createFinder(config);
  const logged: [event: string, details: Readonly<Record<string, unknown>>][] = [];
  let answer: Message | undefined;
  let now = 0;
  let boots = 0;
  let holdsWrites = false;
  let writing: number | undefined;

  function dispatch(event: FinderEvent): void {
    for (const effect of stepFinder(finder, event, now)) {
      if (effect.kind === 'log') logged.push([effect.event, effect.details]);
      if (effect.kind === 'send' && effect.connection === OPERATOR) answer = effect.message;
      if (effect.kind !== 'write') continue;
      if (holdsWrites) writing = effect.counter;
      else dispatch({ kind: 'written', counter: effect.counter });
    }
  }
  const frame = (connection: number, message: Message) => dispatch({ kind: 'frame', connection, message });
  const open = (connection: number, role: 'worker' | 'operator' = 'worker') =>
    dispatch({ kind: 'opened', connection, role, cluster: undefined, stamp: undefined });

  function load(record: FinderRecord | undefined, start: string): void {
    dispatch({ kind: 'loaded', record, start: start.repeat(16), cluster: 'c'.repeat(32) });
    open(OPERATOR, 'operator');
  }

  /** A process of a worker claims its id, on a connection of its own. */
  function claim(connection: number, { worker, known, removed = 0 }: Claimed): void {
    open(connection);
    const common = { worker, boot: bootOf(connection), checkpoints: [] };
    frame(connection, { kind: 'claim', ...common, generation: known, state: 'unsaid', from: 0, removed, kept: [] });
  }

  /** A process of a worker joins, on a connection of its own. */
  function join(connection: number, claimed: Joined, clean?: MessageOf<'register'>['clean']): void {
    claim(connection, claimed);
    const { worker, known, incarnation, removed = 0 } = claimed;
    const generation = known || removed + 1;
    const register = { worker, boot: bootOf(connection), checkpoints: [], generation, incarnation };
    frame(connection, { kind: 'register', ...register, type: 'text', host: '', port: 6380, clean });
    list(connection, { worker, generation, incarnation });
  }

  /** A worker lists its graph, which is empty: from then on the connection is its own. */
  function list(connection: number, process: Pick<MessageOf<'graph'>, 'worker' | 'generation' | 'incarnation'>): void {
    const { worldLine } = finder.record;
    frame(connection, { kind: 'graph', ...process, worldLine, checkpoints: [] });
  }

  function ask<K extends Message['kind']>(question: Message, kind: K): MessageOf<K> {
    frame(OPERATOR, question);
    return answer?.kind === kind ? (answer as MessageOf<K>) : assert.fail(`the operator was not told '${kind}'`);
  }

  load(undefined, '5');
  return {
    logged,
    dispatch,
    frame,
    open,
    close: (connection: number) => dispatch({ kind: 'closed', connection }),
    pass: (ms: number): void => {
      now += ms;
      dispatch({ kind: 'wake' });
    },
    /** A process of worker 0 joins, on the connection whose number is its incarnation. */
    start: (clean?: MessageOf<'register'>['clean']): void => {
      boots++;
      join(boots, { worker: 0, known: boots === 1 ? 0 : 1, incarnation: boots }, clean);
    },
    claim,
    join,
    list,
    restartFinder: (): void => {
      const { record } = finder;
      finder = createFinder(config);
      load(record, '6');
    },
    holdWrites: () => void (holdsWrites = true),
    /** The write that was held up is done, and all that follow. */
    finishWrites: (): void => {
      holdsWrites = false;
      dispatch({ kind: 'written', counter: writing ?? assert.fail('nothing was written') });
    },
    /** A checkpoint of the worker on this connection is durable. */
    report: (connection: number, version: number, predecessor: number, dependencies: [number, number][] = []): void => {
      const { worldLine } = finder.record;
      const checkpoint = { worldLine, version, predecessor, dependencies: new Map(dependencies), urgent: true };
      frame(connection, { kind: 'checkpoint', ...checkpoint });
    },
    progress: (connection: number, operations: number, committedOperations: number, version = 1): void =>
      frame(connection, { kind: 'progress', version, operations, committedOperations, lagMs: 0 }),
    remove: (worker: number, force: boolean): void =>
      frame(OPERATOR, { kind: 'deleteWorker', worker, generation: 0, force }),
    worldLine: () => finder.record.worldLine,
    announcedAfter: () => announcedAfterMs(finder),
    status: (): MemberStatus =>
      ask({ kind: 'status' }, 'statusAnswer').members.find(({ id }) => id === 0) ??
      assert.fail('worker 0 is no member'),
    events: (after = 0): MessageOf<'eventsAnswer'> => ask({ kind: 'events', after }, 'eventsAnswer'),
  };
}

interface Claimed {
  readonly worker: number;
  /** The generation on its volume; 0: that is empty. */
  readonly known: number;
  /** The generation of whose removal it heard. */
  readonly removed?: number;
}

interface Joined extends Claimed {
  readonly incarnation: number;
}

function bootOf(connection: number): string {
  return connection.toString(16).padStart(32, '0');
}
