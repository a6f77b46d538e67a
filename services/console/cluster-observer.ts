/** Looks at a cluster by one connection to its Finder, again and again, and keeps what it saw. */
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  ClusterMismatchError,
  connectOperator,
  RefusedError,
  UnauthorizedError,
  VersionMismatchError,
  type ClusterStatus,
  type Operator,
  type OperatorOptions,
  type PastEvent,
} from '@dpr/client';
import { withPatience } from '@dpr/runtime/time-limit';
import type { FinderView } from './messages.ts';

/** A verdict that is wrong for two seconds is wrong: a look takes one at most, and the next one begins soon after. */
const LOOK_EVERY_MS = 500;
const ANSWER_TIMEOUT_MS = 1_000;

/** How the Finder's refusal of all peers is told; see the protocol's `staleFinder`. */
const REFUSES_ALL = '(staleFinder)';
/** It answers, and will not have this console. */
const REFUSALS = [UnauthorizedError, VersionMismatchError, ClusterMismatchError];

export interface Observed {
  readonly finder: Pick<FinderView, 'state' | 'text'>;
  /** Since when, by the monotonic clock. */
  readonly finderSince: number;
  /** What the Finder answered last, and when, ms since 1970. */
  readonly status: ClusterStatus | undefined;
  readonly statusAt: number;
  /** Since when workers are away, as far as this observer saw it, by the monotonic clock. */
  readonly awaySince: ReadonlyMap<number, number>;
}

export interface Observer {
  readonly seen: () => Observed;
  /** The connection; undefined while there is none. */
  readonly operator: () => Operator | undefined;
  readonly stop: () => Promise<void>;
}

/**
 * @param options as to connect now: where they change, the connection is made anew
 * @param looked called after each look, however it ended
 * @param happened told of what the Finder remembers, each event once
 */
export function observeCluster(
  options: () => OperatorOptions,
  { looked, happened }: { readonly looked: () => void; readonly happened: (events: readonly PastEvent[]) => void },
): Observer {
  const stopped = new AbortController();
  const { signal } = stopped;
  const link = keepConnected(options, signal);
  const later = followEvents();
  let seen: Observed = {
    finder: { state: 'unknown', text: '' },
    finderSince: performance.now(),
    status: undefined,
    statusAt: 0,
    awaySince: new Map(),
  };

  function note(finder: Observed['finder']): void {
    const finderSince = finder.state === seen.finder.state ? seen.finderSince : performance.now();
    seen = { ...seen, finder, finderSince };
  }

  async function look(): Promise<void> {
    const own = await link.connected();
    const [status, events] = await withPatience({ signals: [signal], ms: ANSWER_TIMEOUT_MS }, (limit) =>
      Promise.all([own.status({ signal: limit }), later(own, limit)]),
    );
    link.answered();
    seen = { ...seen, status, statusAt: Date.now(), awaySince: stillAway(status, seen.awaySince, performance.now()) };
    note({ state: 'serving', text: '' });
    if (events.length > 0) happened(events);
  }

  async function follow(): Promise<void> {
    for (;;) {
      await look().catch((error: unknown) => note(withoutAnswer(error, link.lastReason(), seen.status !== undefined)));
      signal.throwIfAborted();
      looked();
      await pause(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  const followed = follow().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    seen: () => seen,
    operator: link.operator,
    async stop() {
      stopped.abort();
      link.operator()?.close();
      await followed;
    },
  };
}

/** What is known of a Finder that gave no answer. @param reason why its connection broke, if it did */
function withoutAnswer(error: unknown, reason: string, hasAnswered: boolean): Observed['finder'] {
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  const text = isLate ? reason : (error as Error).message;
  if (REFUSALS.some((kind) => error instanceof kind)) return { state: 'refusesConsole', text };
  if (text.includes(REFUSES_ALL)) return { state: 'refusing', text };
  return { state: hasAnswered ? 'away' : 'unknown', text };
}

/** One connection to the Finder, made anew when it ended for good or when it is to be another one. */
function keepConnected(options: () => OperatorOptions, signal: AbortSignal) {
  let operator: Operator | undefined;
  let connectedBy: OperatorOptions | undefined;
  let reason = '';

  async function connect(wanted: OperatorOptions): Promise<Operator> {
    const own = await connectOperator({
      ...wanted,
      connectTimeoutMs: ANSWER_TIMEOUT_MS,
      signal,
      log: ({ event, message }) => {
        if (event === 'disconnected') reason = message;
      },
    });
    void own.ended.then(({ message }) => {
      reason = message;
      if (operator === own) operator = undefined;
    });
    connectedBy = wanted;
    return own;
  }

  return {
    async connected(): Promise<Operator> {
      const wanted = options();
      if (operator !== undefined && !isDeepStrictEqual(wanted, connectedBy)) {
        operator.close();
        operator = undefined;
      }
      return (operator ??= await connect(wanted));
    },
    operator: () => operator,
    answered: () => void (reason = ''),
    /** Why the connection broke last, in words; empty once there was an answer. */
    lastReason: () => reason,
  };
}

/** @returns asks for what happened since it was asked last; numbers begin anew with each start of the Finder */
function followEvents(): (operator: Operator, signal: AbortSignal) => Promise<readonly PastEvent[]> {
  let start = '';
  let newest = 0;
  /** Its Finder is older than the console, and does not know the question. */
  let older: Operator | undefined;
  const ask = async (operator: Operator, signal: AbortSignal): Promise<readonly PastEvent[]> => {
    let answer = await operator.events({ after: newest, signal });
    if (answer.start !== start && newest > 0) answer = await operator.events({ signal });
    ({ start } = answer);
    newest = answer.events.at(-1)?.number ?? newest;
    return answer.events;
  };
  return async (operator, signal) => {
    if (operator === older) return [];
    try {
      return await ask(operator, signal);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      older = operator;
      return [];
    }
  };
}

function stillAway(
  { workers }: ClusterStatus,
  before: ReadonlyMap<number, number>,
  now: number,
): ReadonlyMap<number, number> {
  const away = workers.filter(({ state }) => state === 'away');
  return new Map(away.map(({ id }) => [id, before.get(id) ?? now]));
}
