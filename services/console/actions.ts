/** What a page may ask for that changes something. */
import { DprError, type Operator } from '@dpr/client';
import type { Action, Outcome } from './console-server.ts';
import { PATHS, type FaultRequest, type Hello } from './messages.ts';

/** @returns what happens now, in a sentence; undefined if no such process runs */
export type InjectFault = (request: FaultRequest) => string | undefined;

export interface ActionOptions {
  /** Undefined while the Finder is away. */
  readonly operator: () => Operator | undefined;
  readonly can: Hello['can'];
  readonly injectFault: InjectFault | undefined;
}

const FAULTS: readonly string[] = ['kill', 'pause', 'resume'] satisfies FaultRequest['fault'][];
const REMOVAL_TIMEOUT_MS = 5_000;

/** What is done at which path. */
export function actionsOf({ operator, can, injectFault }: ActionOptions): Readonly<Record<string, Action>> {
  return {
    [PATHS.remove](body) {
      const { worker, generation } = (body ?? {}) as Record<string, unknown>;
      if (typeof worker !== 'number' || !isGeneration(generation)) {
        return { status: 400, text: 'a removal names a worker and its generation, by their numbers' };
      }
      if (!can.remove)
        return { status: 403, text: 'this cluster has no control token, so the console removes nothing' };
      const connection = operator();
      if (connection === undefined) return { status: 503, text: 'the Finder does not answer: try again when it does' };
      return removal(connection, worker, generation);
    },
    [PATHS.fault](body) {
      const { process, fault } = (body ?? {}) as Record<string, unknown>;
      if (typeof process !== 'string' || !isFault(fault)) {
        return { status: 400, text: `a fault names a process, and is one of ${FAULTS.join(', ')}` };
      }
      if (injectFault === undefined) {
        return { status: 403, text: 'the console does this only to a cluster that it runs with' };
      }
      const text = injectFault({ process, fault });
      return text === undefined ? { status: 404, text: `no process ${process} runs now` } : { status: 200, text };
    },
  };
}

async function removal(operator: Operator, worker: number, generation: number): Promise<Outcome> {
  try {
    const signal = AbortSignal.timeout(REMOVAL_TIMEOUT_MS);
    const { state, waitingFor } = await operator.deleteWorker(worker, { generation, signal });
    const text =
      state === 'left'
        ? `Worker ${worker} left. What was committed there is kept.`
        : `Worker ${worker} is leaving; it waits for ${waitingFor}.`;
    return { status: 200, text };
  } catch (error) {
    if (error instanceof DprError) return { status: 409, text: error.message };
    if (error instanceof RangeError) return { status: 400, text: error.message };
    if (!(error instanceof Error && error.name === 'TimeoutError')) throw error;
    return { status: 504, text: 'the Finder did not answer in time; the page shows whether the worker is leaving' };
  }
}

/** To the operator 0 is whichever there is now; the page means the one that it shows. */
function isGeneration(value: unknown): value is number {
  return typeof value === 'number' && value >= 1;
}

function isFault(value: unknown): value is FaultRequest['fault'] {
  return typeof value === 'string' && FAULTS.includes(value);
}
