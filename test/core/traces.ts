/**
 * Traces of sessions, for clients in any language: what happens to a session, which frames it sends then, and what it tells its
 * application. Each is played by the core.
 */
import { createSession, stepSession, type SessionConfig, type SessionEffect, type SessionEvent } from '@dpr/core';
import type { Decision, Message, MessageOf } from '@dpr/protocol';
import { plain, plainFrame, type PlainFrame } from '../protocol/plain.ts';

const SESSION = '5e000000000000000000000000000001';
const STAMP = { start: 'f100000000000001', counter: 1 };
const RETRY_LIMIT_MS = 3_600_000;

export interface Trace {
  readonly name: string;
  readonly session: Pick<SessionConfig, 'id' | 'worldLine' | 'mode' | 'replay'>;
  readonly steps: readonly Step[];
}

export interface Step {
  /** One event: what the application or the network did, at so many milliseconds. */
  readonly at: number;
  readonly event: unknown;
  /** Frames that the session sends then, in order; `worker`: the receiver, null for the Finder. */
  readonly sends: readonly { readonly worker: number | null; readonly frame: PlainFrame }[];
  /** What else the session does: calls that completed, were committed, failed or are lost, and what it wants. */
  readonly tells: readonly unknown[];
}

export interface Traces {
  readonly about: readonly string[];
  readonly traces: readonly Trace[];
}

const ABOUT = [
  'Traces of DPR sessions, made from the core by "npm run golden". WIRE.md has the rules that they follow.',
  'A call is one batch of one operation of a counter. Calls are numbered from 1 in the order of the application.',
  'Frames have the fields of WIRE.md as JSON, and their bytes in hex. The pauses before refused batches are sent again are free.',
];

interface Script {
  /** The application adds to a counter: one call each. */
  add(worker: number, ...amounts: readonly number[]): void;
  connected(worker: number, generation?: number): void;
  disconnected(worker: number): void;
  /** Frames came from a worker, or from the Finder. */
  from(worker: number | undefined, ...messages: readonly Message[]): void;
  removed(worker: number, generation: number): void;
  commit(): void;
  resume(): void;
  close(): void;
  /** Time passes; what is due happens. */
  pass(ms: number): void;
}

export function makeTraces(): Traces {
  return { about: ABOUT, traces: SCRIPTS.map(([name, settings, play]) => trace(name, settings, play)) };
}

type Settings = Partial<Pick<SessionConfig, 'mode' | 'replay'>>;

function trace(name: string, settings: Settings, play: (script: Script) => void): Trace {
  const shown = { id: SESSION, worldLine: 1, mode: 'strict', replay: false, ...settings } as const;
  const config = {
    ...shown,
    maxInFlight: 128,
    retryMs: 5,
    maxRetryMs: 1_000,
    retryLimitMs: RETRY_LIMIT_MS,
    absurdRetryLimitMs: 60_000,
  };
  const session = createSession(config);
  const steps: Step[] = [];
  let now = 0;

  function step(event: SessionEvent): void {
    const effects = stepSession(session, event, now);
    steps.push({ at: now, event: plainEvent(event), sends: effects.flatMap(sent), tells: effects.flatMap(told) });
  }

  play({
    add: (worker, ...amounts) =>
      step({ kind: 'submit', calls: amounts.map((amount) => ({ worker, operations: amountBytes(amount), count: 1 })) }),
    connected: (worker, generation = 1) => step({ kind: 'connected', worker, generation }),
    disconnected: (worker) => step({ kind: 'disconnected', worker }),
    from: (worker, ...messages) => step({ kind: 'frames', worker, messages }),
    removed: (worker, generation) => step({ kind: 'removed', worker, generation }),
    commit: () => step({ kind: 'commit' }),
    resume: () => step({ kind: 'resume' }),
    close: () => step({ kind: 'close' }),
    pass(ms) {
      now += ms;
      step({ kind: 'wake' });
    },
  });
  return { name, session: shown, steps };
}

function plainEvent(event: SessionEvent): unknown {
  if (event.kind !== 'frames') return plain(event);
  return { kind: 'frames', worker: event.worker ?? null, frames: event.messages.map(plainFrame) };
}

function sent(effect: SessionEffect): Step['sends'] {
  if (effect.kind === 'send') return [{ worker: effect.worker, frame: plainFrame(effect.message) }];
  return effect.kind === 'sendFinder' ? [{ worker: null, frame: plainFrame(effect.message) }] : [];
}

function told(effect: SessionEffect): unknown[] {
  return effect.kind === 'send' || effect.kind === 'sendFinder' ? [] : [plain(effect)];
}

function amountBytes(...amounts: readonly number[]): Buffer {
  return Buffer.from(BigInt64Array.from(amounts.map(BigInt)).buffer);
}

function reply(sequence: number, version: number, value: number, worldLine = 1): MessageOf<'reply'> {
  const rest = { session: SESSION, worldLine, incarnation: 1, sequence, version };
  return { kind: 'reply', count: 1, ...rest, results: amountBytes(value) };
}

type ByWorker = Readonly<Record<number, number>>;

function mapOf(versions: ByWorker): Map<number, number> {
  return new Map(Object.entries(versions).map(([worker, version]) => [Number(worker), version]));
}

function cut(versions: ByWorker, worldLine = 1, decisions: readonly Decision[] = []): MessageOf<'cut'> {
  return { kind: 'cut', stamp: STAMP, worldLine, decisions, cut: mapOf(versions) };
}

function decision(worldLine: number, prefix: ByWorker): Decision {
  return { worldLine, prefix: mapOf(prefix), entitled: new Map(Object.keys(prefix).map((id) => [Number(id), 1])) };
}

function table(last: number, worldLine = 2): MessageOf<'tableAnswer'> {
  return { kind: 'tableAnswer', session: SESSION, worldLine, last };
}

function error(code: MessageOf<'error'>['code'], sequence: number, detail = 0): MessageOf<'error'> {
  return { kind: 'error', code, session: SESSION, sequence, detail, text: code };
}

const SCRIPTS: readonly (readonly [string, Settings, (script: Script) => void])[] = [
  [
    'replies out of order: acknowledged stays before the gap, and versions only grow',
    {},
    (script) => {
      script.add(0, 1, 2, 3);
      script.connected(0);
      script.from(0, reply(3, 12, 6), reply(2, 11, 3));
      script.add(0, 4);
      script.from(0, reply(1, 11, 1));
      script.add(0, 5);
      script.from(0, cut({ 0: 11 }));
      script.from(0, reply(4, 12, 10), reply(4, 12, 10), reply(5, 12, 15));
      script.from(0, cut({ 0: 12 }), cut({ 0: 11 }));
    },
  ],
  [
    'two workers: the frontier goes along, and what arrived in between stays in it',
    { mode: 'relaxed' },
    (script) => {
      script.connected(0);
      script.connected(1);
      script.add(0, 1);
      script.from(0, reply(1, 5, 1));
      script.add(1, 1);
      script.add(0, 2);
      script.from(0, reply(2, 6, 3));
      script.from(1, reply(1, 7, 1));
      script.add(1, 2);
    },
  ],
  [
    'a broken connection: the same bytes again, in order, and the commit is asked for again',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1);
      script.from(0, reply(1, 5, 1));
      script.commit();
      script.add(0, 2, 3);
      script.disconnected(0);
      script.connected(0);
      script.from(0, reply(2, 6, 3), reply(3, 6, 6), cut({ 0: 6 }));
    },
  ],
  [
    'one refusal: all that was sent behind it is refused as well, and sent again once',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1, 2, 3);
      script.from(0, error('overloaded', 1), error('sequenceGap', 2, 1), error('sequenceGap', 3, 1));
      script.add(0, 4);
      script.pass(10);
      script.from(0, reply(1, 5, 1), reply(2, 5, 3), reply(3, 5, 6), reply(4, 5, 10));
    },
  ],
  [
    'a rollback: answered batches are judged by the decision, unanswered ones by the table, and kept ones are sent again',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1, 2);
      script.from(0, reply(1, 5, 1));
      script.add(0, 3);
      script.from(0, cut({}, 2, [decision(2, { 0: 8 })]));
      script.from(0, table(2));
      script.from(0, reply(2, 7, 3, 2));
      script.resume();
      script.add(0, 4);
      script.from(0, reply(3, 10, 7, 2), cut({ 0: 10 }, 2));
    },
  ],
  [
    'a rollback: a session that replays issues what is lost again, with new numbers and an empty frontier',
    { replay: true },
    (script) => {
      script.connected(0);
      script.connected(1);
      script.add(0, 1);
      script.from(0, reply(1, 5, 1));
      script.add(1, 1);
      script.from(1, reply(1, 9, 1));
      script.add(0, 2);
      script.from(0, reply(2, 9, 3));
      script.from(0, cut({}, 2, [decision(2, { 0: 5, 1: 0 })]));
      script.from(1, reply(1, 12, 1, 2));
      script.from(0, reply(2, 12, 3, 2));
    },
  ],
  [
    'two rollbacks in a row: the decisions that are missing are asked for, and the lower prefix counts',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1, 2, 3);
      script.from(0, reply(1, 5, 1), reply(2, 7, 3), reply(3, 9, 6));
      script.from(0, cut({}, 3, [decision(3, { 0: 8 })]));
      script.from(0, cut({ 0: 8 }, 3, [decision(2, { 0: 6 }), decision(3, { 0: 8 })]));
      script.resume();
      script.add(0, 4);
    },
  ],
  [
    'two rollbacks in a row: the second comes before the table of the first, whose answer does not count',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1, 2);
      script.from(0, reply(1, 5, 1));
      script.from(0, cut({}, 2, [decision(2, { 0: 8 })]));
      script.from(0, cut({}, 3, [decision(3, { 0: 5 })]));
      script.from(0, table(2));
      script.from(0, table(1, 3));
      script.resume();
      script.add(0, 3);
    },
  ],
  [
    'a rollback while the worker is away: its table is asked for once it is back',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1);
      script.disconnected(0);
      script.from(undefined, cut({}, 2, [decision(2, { 0: 4 })]));
      script.connected(0);
      script.from(0, error('notServing', 0));
      script.pass(10);
      script.from(0, table(0));
    },
  ],
  [
    'a removed worker: what was answered waits for the cut of the Finder, of what was not no process knows',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1, 2);
      script.from(0, reply(1, 5, 1));
      script.disconnected(0);
      script.removed(0, 1);
      script.from(undefined, cut({ 0: 5 }));
      script.add(0, 3);
      script.connected(0, 2);
    },
  ],
  [
    'expiry: the worker has forgotten the session',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1);
      script.from(0, reply(1, 5, 1), cut({ 0: 5 }));
      script.add(0, 2);
      script.from(0, error('sessionExpired', 2));
    },
  ],
  [
    'expiry: the table answers below what is known to have survived',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1);
      script.from(0, reply(1, 5, 1), cut({ 0: 5 }));
      script.add(0, 2);
      script.from(0, cut({}, 2, [decision(2, { 0: 5 })]));
      script.from(0, table(0));
    },
  ],
  [
    'expiry: a batch that no worker answers for as long as a client retries',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1);
      script.disconnected(0);
      script.pass(RETRY_LIMIT_MS - 1);
      script.pass(1);
    },
  ],
  [
    'history lost: it concerns a session only if a decision after its world-line is forgotten',
    {},
    (script) => {
      script.connected(0);
      script.add(0, 1);
      script.from(0, { ...error('historyLost', 0, 2), session: undefined });
      script.from(0, { ...error('historyLost', 0, 3), session: undefined });
    },
  ],
  [
    'the end: workers that the session sent batches to may forget its replies',
    {},
    (script) => {
      script.connected(0);
      script.connected(1);
      script.add(0, 1);
      script.from(0, reply(1, 5, 1), cut({ 0: 5 }));
      script.close();
    },
  ],
];
