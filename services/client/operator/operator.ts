/** What an administrator asks of the Finder, at its control port. */
import { type MemberStatus, type MessageOf } from '@dpr/protocol';
import { deferred } from '@dpr/runtime/deferred';
import { nodeHost } from '@dpr/runtime/node-host';
import { unlessAborted } from '../abort.ts';
import { addressText, checkToken, parseAddress, siblingAddress, workerAddress } from '../connection/addresses.ts';
import {
  A_BOOLEAN,
  A_FUNCTION,
  A_SECRET,
  A_SIGNAL,
  A_STRING,
  checkArgument,
  checkOptions,
  wholeNumber,
  WORKER_ID,
  type Rules,
} from '../check-options.ts';
import type { Greeting, Timing } from '../connection/connection.ts';
import { ClosedError, ProtocolError, unreachable, type DprError } from '../errors.ts';
import { openControl } from './control.ts';
import type { ClusterEvent } from './events.ts';
import { checkFinder, isDefinite, isFinal, openLink, type LinkOptions } from '../connection/link.ts';
import { CONNECT_RULES, signalOf, type CallOptions, type ConnectOptions } from '../options.ts';
import { timeoutsOf } from '../connection/timeouts.ts';
import { pastEvents, type PastEvents } from './past-events.ts';
import { createWatch } from './watch.ts';

/** While anything watches; a silence is one of two seconds at least. */
const WATCH_POLL_MS = 1_000;

/** Numbers of events travel as u64. */
const MAX_EVENT = Number.MAX_SAFE_INTEGER;
/** Generations travel as u32. */
const MAX_GENERATION = 2 ** 32 - 1;

/** As of a client; the Finder's public port tells the control port. */
export interface OperatorOptions extends Omit<ConnectOptions, 'membershipPollMs' | 'refusalTimeoutMs'> {
  /** The Finder's control port, where the public one does not tell it rightly, such as `ws://localhost:16379`. */
  readonly control?: string | undefined;
  /** The token that the control port asks for, if it does. */
  readonly controlToken?: string | undefined;
  /** How often the Finder is asked, while anything watches, for what it does not tell by itself. Default 1,000. */
  readonly watchPollMs?: number | undefined;
}

const { membershipPollMs: A_POLL, refusalTimeoutMs: _refusal, ...COMMON_RULES } = CONNECT_RULES;
const OPERATOR_RULES: Rules<OperatorOptions> = {
  ...COMMON_RULES,
  control: A_STRING,
  controlToken: A_SECRET,
  watchPollMs: A_POLL,
};

/** A worker, as STATUS shows it. Versions are large numbers that mostly follow the clock in milliseconds. */
export interface WorkerStatus extends MemberStatus {
  /** Where clients reach it. */
  readonly address: string;
}

export interface ClusterStatus {
  /** 32 hex digits. */
  readonly cluster: string;
  readonly worldLine: number;
  /** The membership's version. */
  readonly membership: number;
  /** In the order of their ids. */
  readonly workers: readonly WorkerStatus[];
  /** How many ids are members no more. */
  readonly removed: number;
  /** Workers that wait to be told what state they begin with, because their volumes keep earlier generations. */
  readonly undecided: readonly { readonly id: number; readonly text: string }[];
}

/** How far the removal of a worker is. */
export interface Removal {
  readonly state: 'leaving' | 'left';
  /** What a leaving worker waits for, in words; empty once it left. */
  readonly waitingFor: string;
}

export interface RemovalOptions extends CallOptions {
  /** Remove a worker that is dead: what it did not commit is lost, for all clients, as in any failure. */
  readonly force?: boolean | undefined;
  /** Remove only this generation; otherwise whichever is a member. */
  readonly generation?: number | undefined;
}

const REMOVAL_RULES: Rules<RemovalOptions> = {
  signal: A_SIGNAL,
  force: A_BOOLEAN,
  generation: wholeNumber(MAX_GENERATION),
};

export interface EventsOptions extends CallOptions {
  /** Only events after the one with this number. */
  readonly after?: number | undefined;
}

const EVENTS_RULES: Rules<EventsOptions> = { signal: A_SIGNAL, after: wholeNumber(MAX_EVENT) };

export interface Operator {
  /**
   * The world-line, and each worker's state, versions and lag.
   *
   * @example
   * const { worldLine, workers } = await operator.status();
   * for (const { id, state, lagMs } of workers) console.log(id, state, `${lagMs} ms behind`);
   */
  status(options?: CallOptions): Promise<ClusterStatus>;

  /**
   * Remove a worker: it takes no new operations, and leaves once everything that it executed is committed. Idempotent: ask
   * again to see how far it is.
   *
   * @throws UnknownWorkerError when no worker has, or had, this id, RangeError when none can have it
   * @example
   * const { state, waitingFor } = await operator.deleteWorker(1);
   * if (state === 'leaving') console.log(`waits for ${waitingFor}`);
   */
  deleteWorker(id: number, options?: RemovalOptions): Promise<Removal>;

  /**
   * What happened lately, also before this operator connected: the Finder keeps the newest 200 events in memory, and counts anew when it
   * is restarted.
   *
   * @throws RefusedError when the Finder is older than this client, and keeps none
   * @example
   * const { start, events } = await operator.events();
   * const more = await operator.events({ after: events.at(-1)?.number });
   * if (more.start !== start) console.log('the Finder was restarted: ask for all');
   */
  events(options?: EventsOptions): Promise<PastEvents>;

  /**
   * Be told of joins, leaves, restarts, rollbacks and cuts as they happen, and of workers that fall silent within a second.
   *
   * @returns a function that ends it
   * @example
   * const stop = operator.watch((event) => console.log(event));
   */
  watch(listener: (event: ClusterEvent) => void): () => void;

  /** Resolves with the reason once nothing can be asked or watched any more: it was closed, or the Finder refuses for good. */
  readonly ended: Promise<DprError>;

  /**
   * Close the connection; callers that wait for an answer are told by ClosedError.
   *
   * @example
   * operator.close();
   */
  close(): void;
}

/**
 * Connect to the Finder's control port. A connection that breaks is made again, and questions that were not answered are asked
 * again.
 *
 * @throws ConnectError when the Finder cannot be reached in time, UnauthorizedError or VersionMismatchError when it refuses
 * @example
 * const operator = await connectOperator({ cluster: 'ws://localhost:6379', controlToken });
 * console.log(await operator.status());
 * operator.close();
 */
export async function connectOperator(options: OperatorOptions): Promise<Operator> {
  checkOptions('operator', options, OPERATOR_RULES);
  const { signal, ca } = options;
  signal?.throwIfAborted();
  const { connectTimeoutMs, timing } = timeoutsOf(options);
  const finder = parseAddress(options.cluster);
  let control = options.control === undefined ? undefined : addressText(parseAddress(options.control));
  if (control === undefined) {
    const greeting = { role: 'client', cluster: undefined, token: checkToken(options.token ?? '') } as const;
    const { controlPort } = await greetOnce(
      { host: nodeHost, address: addressText(finder), ca, timing, greeting },
      { timeoutMs: connectTimeoutMs, awaitFinder: options.awaitFinder },
      signal,
    );
    control = siblingAddress(finder, '', controlPort);
  }
  const { operator, ready, end } = openOperator(options, finder, control, timing);
  const late = nodeHost.setTimeout(() => end(undefined), connectTimeoutMs);
  try {
    await unlessAborted(ready, signal);
  } catch (error) {
    operator.close();
    throw error;
  } finally {
    nodeHost.clearTimeout(late);
  }
  return operator;
}

/** Greet a peer, trying again until it answers, and leave. */
function greetOnce(
  { greeting, ...rest }: Omit<LinkOptions, 'greeting'> & { readonly greeting: Greeting },
  { timeoutMs, awaitFinder = true }: { readonly timeoutMs: number; readonly awaitFinder: boolean | undefined },
  signal: AbortSignal | undefined,
): Promise<MessageOf<'welcome'>> {
  const { promise, resolve, reject } = deferred<MessageOf<'welcome'>>();
  let lastFailure: DprError | undefined;
  const link = openLink(
    { ...rest, greeting: () => greeting },
    {
      opened(welcome) {
        const stranger = checkFinder(rest.address, welcome);
        if (stranger === undefined) resolve(welcome);
        return stranger;
      },
      frames: () => undefined,
      down(error) {
        lastFailure = error;
        if (isFinal(error) || (!awaitFinder && isDefinite(error))) reject(error);
      },
    },
  );
  const late = nodeHost.setTimeout(() => reject(unreachable(rest.address, lastFailure)), timeoutMs);
  return unlessAborted(promise, signal).finally(() => {
    nodeHost.clearTimeout(late);
    link.close();
  });
}

function openOperator(options: OperatorOptions, finder: URL, address: string, timing: Timing) {
  const { ca, log = () => undefined, awaitFinder = true, watchPollMs = WATCH_POLL_MS } = options;
  const token = checkToken(options.controlToken ?? '');
  const watch = createWatch(() => status(), watchPollMs);
  const control = openControl(
    { address, ca, timing, token, awaitFinder, log },
    {
      opened() {
        if (watch.isWatching()) control.subscribe();
      },
      told: watch.told,
      ended: watch.end,
    },
  );

  async function status(call?: CallOptions): Promise<ClusterStatus> {
    const answer = await control.ask({ kind: 'status' }, signalOf(call));
    if (answer.kind !== 'statusAnswer') throw new ProtocolError(`the Finder answered '${answer.kind}'`);
    const { cluster: id, worldLine, membership, members, removed, undecided } = answer;
    const workers = members
      .map((member) => ({ ...member, address: workerAddress(finder, member) }))
      .sort((a, b) => a.id - b.id);
    return { cluster: id, worldLine, membership, workers, removed, undecided };
  }

  const operator: Operator = {
    status,
    async deleteWorker(id, removal = {}) {
      // Before it is on its way: what cannot be sent would keep all questions after it waiting.
      checkArgument("a worker's id", id, WORKER_ID);
      checkOptions('removal', removal, REMOVAL_RULES);
      const { force = false, generation = 0, signal } = removal;
      const answer = await control.ask({ kind: 'deleteWorker', worker: id, generation, force }, signal);
      if (answer.kind !== 'deleteAnswer') throw new ProtocolError(`the Finder answered '${answer.kind}'`);
      return { state: answer.state, waitingFor: answer.waitingFor };
    },
    async events(wanted = {}) {
      checkOptions('events', wanted, EVENTS_RULES);
      const { after = 0, signal } = wanted;
      const answer = await control.ask({ kind: 'events', after }, signal);
      if (answer.kind !== 'eventsAnswer') throw new ProtocolError(`the Finder answered '${answer.kind}'`);
      return pastEvents(answer);
    },
    watch(listener) {
      checkArgument('the listener', listener, A_FUNCTION);
      const ended = control.whyEnded();
      if (ended !== undefined) throw ended;
      const stop = watch.add(listener);
      control.subscribe();
      return stop;
    },
    ended: control.over,
    close: () => control.end(new ClosedError('the connection to the Finder was closed')),
  };
  return { operator, ready: control.ready, end: control.end };
}
