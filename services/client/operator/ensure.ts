/** Makes a cluster what is declared: every declared worker serves and can be reached; every other leaves, where that is asked for. */
import { setTimeout as pause } from 'node:timers/promises';
import { patience } from '@dpr/runtime/time-limit';
import type { Declaration } from './parse-declaration.ts';
import type { ClusterStatus, Operator, WorkerStatus } from './operator.ts';

/** What it does beyond asking the Finder; tests give their own. */
export interface EnsureOptions {
  readonly declared: Declaration;
  /** Ask workers that are not declared to leave; otherwise they stay, and the cluster is not as declared. */
  readonly removeOthers: boolean;
  /** Ids that may be forced out when they are dead. */
  readonly forced: ReadonlySet<number>;
  /** How long the whole may take, ms. */
  readonly timeoutMs: number;
  /** Does this worker answer where clients reach it? Why not, in words. */
  readonly unreachable: (worker: WorkerStatus) => Promise<string | undefined>;
  /** Does every part of the ingress serve what it should? Why not yet, in words. @throws EnsureError when it never will */
  readonly ingress: () => Promise<string | undefined>;
  /** Told whenever what it waits for changes. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** The cluster is not as declared, and waiting will not help. */
export class EnsureError extends Error {
  override readonly name = 'EnsureError';
}

/** The Finder did not answer in time; it may later. */
class UnansweredError extends Error {}

/** How often it looks. */
const POLL_MS = 250;
/** How long the Finder may take to answer one question. */
const ANSWER_LIMIT_MS = 5_000;
/** A worker that is away for this long is taken for dead: a pod that is started again is back far sooner. */
const AWAY_LIMIT_MS = 60_000;
/** How many workers are tried at the same time. */
const MAX_TRIALS = 32;
/** How many reasons a message has. */
const MAX_REASONS = 10;

/** @throws EnsureError with the reason when that cannot be, or takes longer than it may */
export async function ensureMembership(operator: Operator, options: EnsureOptions): Promise<void> {
  const { timeoutMs, say, signal } = options;
  const late = performance.now() + timeoutMs;
  const awaySince = new Map<number, number>();
  const reached = new Set<string>();
  let said = '';
  for (;;) {
    const reasons = await reasonsAgainst(operator, options, awaySince, reached);
    if (reasons.length === 0) return refuseOthers(operator, options);
    const text = listed(reasons);
    if (performance.now() >= late) {
      throw new EnsureError(`the cluster is not as declared after ${timeoutMs / 1_000} s: ${text}`);
    }
    if (text !== said) say(`waiting: ${text}`);
    said = text;
    await pause(POLL_MS, undefined, { signal });
  }
}

/** Why the cluster is not as declared, after asking others to leave. @throws EnsureError when waiting will not help */
async function reasonsAgainst(
  operator: Operator,
  options: EnsureOptions,
  awaySince: Map<number, number>,
  reached: Set<string>,
): Promise<string[]> {
  try {
    const status = await answered(options, (call) => operator.status(call));
    refuseUndecided(status, options);
    return [
      ...(options.removeOthers ? await askToLeave(operator, status, options, awaySince) : []),
      ...notServing(status, options.declared),
      ...(await notReached(status, options, reached)),
      ...(await ingressReasons(options)),
    ];
  } catch (error) {
    if (error instanceof UnansweredError) return [error.message];
    throw error;
  }
}

/** @throws EnsureError when a declared worker waits for a word that only its entry can give */
function refuseUndecided({ undecided }: ClusterStatus, { declared }: EnsureOptions): void {
  const waiting = undecided.filter(({ id }) => declared.has(id)).map(({ text }) => text);
  if (waiting.length > 0) throw new EnsureError(listed(waiting));
}

/** @throws EnsureError when there are members that are not declared: they stay */
async function refuseOthers(operator: Operator, options: EnsureOptions): Promise<void> {
  if (options.removeOthers) return;
  const { workers } = await answered(options, (call) => operator.status(call));
  const others = workers.filter(({ id }) => !options.declared.has(id)).map(({ id, type }) => `${id} (${type})`);
  if (others.length === 0) return;
  throw new EnsureError(
    `the declared workers serve, and others are members too, which stay: worker ${listed(others)}. --remove-others makes them leave`,
  );
}

/** @throws UnansweredError when the Finder takes too long, as while it is away */
async function answered<T>(
  { timeoutMs, signal }: EnsureOptions,
  question: (call: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const limit = patience({ signals: [signal], ms: Math.min(ANSWER_LIMIT_MS, timeoutMs) });
  try {
    return await question({ signal: limit.signal });
  } catch (error) {
    throw limit.signal.aborted && !signal.aborted ? new UnansweredError('the Finder does not answer') : error;
  } finally {
    limit.end();
  }
}

/** @returns whom it waits for. @throws EnsureError when one of them is dead and may not be forced out */
async function askToLeave(
  operator: Operator,
  { workers }: ClusterStatus,
  options: EnsureOptions,
  awaySince: Map<number, number>,
): Promise<string[]> {
  const { declared, forced, timeoutMs } = options;
  const reasons: string[] = [];
  for (const { id, type, generation, state, lagOperations } of workers) {
    if (declared.has(id)) continue;
    const away = state === 'away';
    if (!away) awaySince.delete(id);
    else if (!awaySince.has(id)) awaySince.set(id, performance.now());
    const force = away && forced.has(id);
    const removal = await answered(options, (call) => operator.deleteWorker(id, { generation, force, ...call }));
    if (removal.state === 'left') continue;
    const name = `worker ${id} (${type})`;
    if (performance.now() - (awaySince.get(id) ?? Infinity) >= Math.min(AWAY_LIMIT_MS, timeoutMs / 2)) {
      throw new EnsureError(
        `${name} is no longer declared, and it is away, so it cannot leave by itself. Bring it back, or force it out with ` +
          `dpr:forceRemove [${id}]: what it did not commit is then lost (${lagOperations} operations that the Finder ` +
          `knows of), and every session that depends on it is rolled back`,
      );
    }
    reasons.push(`${name} is leaving, and waits for ${removal.waitingFor}`);
  }
  return reasons;
}

function notServing({ workers }: ClusterStatus, declared: Declaration): string[] {
  const present = new Map(workers.map((worker) => [worker.id, worker]));
  return [...declared].flatMap(([id, type]) => {
    const worker = present.get(id);
    if (worker === undefined)
      return [`worker ${id} (${type}) has not joined (one that left before joins in a new pod only)`];
    if (worker.type !== type && worker.type !== '') return [`worker ${id} is of type ${worker.type}, not ${type}`];
    if (worker.state === 'serving') return [];
    if (worker.waitingFor !== '') return [`worker ${id} (${type}) is leaving, and joins again only after that`];
    return [`worker ${id} (${type}) is ${worker.state}`];
  });
}

/** Tries each serving worker that did not answer yet. */
async function notReached({ workers }: ClusterStatus, options: EnsureOptions, reached: Set<string>): Promise<string[]> {
  const name = ({ id, generation, address }: WorkerStatus) => `${id} ${generation} ${address}`;
  const left = workers.filter(
    (worker) => options.declared.has(worker.id) && worker.state === 'serving' && !reached.has(name(worker)),
  );
  const reasons: string[] = [];
  const trials = Array.from({ length: Math.min(MAX_TRIALS, left.length) }, async () => {
    for (let worker = left.pop(); worker !== undefined; worker = left.pop()) {
      const reason = await options.unreachable(worker);
      if (reason === undefined) reached.add(name(worker));
      else reasons.push(`worker ${worker.id} does not answer at ${worker.address}: ${reason}`);
    }
  });
  await Promise.all(trials);
  return reasons.sort();
}

async function ingressReasons({ ingress }: EnsureOptions): Promise<string[]> {
  const reason = await ingress();
  return reason === undefined ? [] : [reason];
}

function listed(reasons: readonly string[]): string {
  const more = reasons.length > MAX_REASONS ? `; and ${reasons.length - MAX_REASONS} more` : '';
  return reasons.slice(0, MAX_REASONS).join('; ') + more;
}
