/** The calls that applications make: some name themselves alone, others add to counters or read them, and travel together. */
import { OverflowError } from '../../services/client/errors.ts';
import type { CallOptions } from '../../services/client/options.ts';
import type { Outcome } from '../../services/client/session/outcome.ts';
import type { Session } from '../../services/client/session/session.ts';
import { amountOf, namedOperations, resultsOfCounter, type Piece } from './operations.ts';
import type { Random } from './random.ts';

/** What is to be called, as the truth knows it too. */
export interface DrawnCall extends Piece {
  readonly make: (session: Session, worker: number, options: CallOptions) => Outcome<unknown>;
}

const WORKER_TYPE = 'counter';
const MAX_OPERATIONS = 3;
/** Of what is added, how often it is so much that sums soon do not fit. */
const HUGE_CHANCE = 0.1;
const MAX_WEIGHT = 3;
const HUGE_WEIGHT = 2 ** 30;
const MAX_HUGE_WEIGHT = 2 ** 31 - 1;

/** Operations whose results only the application can read: a batch of their own. */
export function drawNamedCall(random: Random, call: number): DrawnCall {
  const count = random.int(1, MAX_OPERATIONS);
  return {
    call,
    count,
    amounts: undefined,
    make: (session, worker, options) => session.worker(worker, WORKER_TYPE).call(namedOperations(call), count, options),
  };
}

/** @param isNext the call before this one was made at the same counter in the same tick, so that they travel together */
export function drawCounterCall(random: Random, call: number, isNext: boolean): DrawnCall {
  if (isNext && random.chance(0.3)) {
    return {
      call,
      count: 1,
      amounts: [0n],
      make: (session, worker, options) => session.counter(worker).get(options),
    };
  }
  const count = random.chance(0.5) ? 1 : random.int(1, MAX_OPERATIONS);
  const amounts = Array.from({ length: count }, () => amountOf(call, drawWeight(random)));
  const [first = 0n] = amounts;
  if (count === 1 && random.chance(0.8)) {
    const amount = random.chance(0.5) && isExact(first) ? Number(first) : first;
    return { call, count, amounts, make: (session, worker, options) => session.counter(worker).add(amount, options) };
  }
  const many = random.chance(0.5) ? BigInt64Array.from(amounts) : amounts;
  return { call, count, amounts, make: (session, worker, options) => session.counter(worker).addAll(many, options) };
}

function drawWeight(random: Random): number {
  if (!random.chance(HUGE_CHANCE)) return random.int(-MAX_WEIGHT, MAX_WEIGHT);
  return random.pick([-1, 1]) * random.int(HUGE_WEIGHT, MAX_HUGE_WEIGHT);
}

function isExact(amount: bigint): boolean {
  return Number.isSafeInteger(Number(amount));
}

/** What an application is told of a call, as the bytes that a batch of this call alone would give. */
export function resultsTold(told: unknown): Buffer {
  if (told instanceof Uint8Array) return Buffer.from(told.buffer, told.byteOffset, told.length);
  if (typeof told === 'bigint') return resultsOfCounter([told], []);
  if (told instanceof BigInt64Array) return resultsOfCounter(told, []);
  if (told instanceof OverflowError) return resultsOfCounter(told.values, told.indexes);
  throw new Error(`a call gave ${String(told)}`);
}
